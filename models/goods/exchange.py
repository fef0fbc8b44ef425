"""Surplus goods that people give away, and goods that households ask for."""

from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.state_machine import SYSTEM, Actor, By, Machine
from models.core.subject import Subject
from models.people.user import User

CATEGORIES = ("oil", "seeds", "fertiliser", "clothes", "books", "food", "tools", "household", "other")
UNITS = ("piece", "bag", "bottle", "bucket", "box", "book", "set", "jin")
CONDITIONS = ("new", "good", "worn")
HANDOVERS = ("post", "pickup")
# These categories need a best-before date.
EDIBLE = ("oil", "food", "seeds")

_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})
# The county takes down what a report was right about.
_OWNER_OR_COUNTY = frozenset({By.OWNER, By.COUNTY})

OFFER_MACHINE = Machine(
    "offer",
    {
        ("draft", "screened"): _SYSTEM,
        ("screened", "available"): _SYSTEM,
        ("available", "exhausted"): _SYSTEM,
        ("exhausted", "available"): _SYSTEM,
        ("available", "expired"): _SYSTEM,
        **{(state, "withdrawn"): _OWNER_OR_COUNTY for state in ("screened", "available", "exhausted")},
    },
)
REQUEST_MACHINE = Machine(
    "request",
    {
        ("draft", "open"): _OWNER,
        ("open", "met"): _SYSTEM,
        ("open", "withdrawn"): _OWNER_OR_COUNTY,
        ("open", "expired"): _SYSTEM,
    },
)


class Offer(Base):
    """Goods that a donor gives away. Quantities count in ``unit`` (``jin``: in grams); initial = available + reserved +
    delivered + lost. ``sort``: offers and requests with the same category and sort match; None matches nothing.
    ``turn_at``: when its donor last had a turn to be notified of a match, at first when it was made
    (models.goods.match_notifications).
    """

    __tablename__ = "offers"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    donor_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    category: Mapped[str] = mapped_column(String(16))
    item: Mapped[str] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(12))
    initial: Mapped[int]
    available: Mapped[int]
    reserved: Mapped[int] = mapped_column(default=0, server_default="0")
    delivered: Mapped[int] = mapped_column(default=0, server_default="0")
    lost: Mapped[int] = mapped_column(default=0, server_default="0")
    condition: Mapped[str] = mapped_column(String(8))
    best_before: Mapped[date | None] = mapped_column(Date)
    handover: Mapped[str] = mapped_column(String(8))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="draft")
    created_at: Mapped[datetime]
    sort: Mapped[str | None] = mapped_column(String(60))
    turn_at: Mapped[datetime]

    __table_args__ = (
        one_of("category", CATEGORIES),
        one_of("unit", UNITS),
        one_of("condition", CONDITIONS),
        one_of("handover", HANDOVERS),
        one_of("state", OFFER_MACHINE.states),
        CheckConstraint(
            "initial > 0 AND available >= 0 AND reserved >= 0 AND delivered >= 0 AND lost >= 0 "
            "AND initial = available + reserved + delivered + lost",
            name="stock_adds_up",
        ),
        Index("ix_offers_state_id", "state", "id"),
        Index("ix_offers_turn", "state", "category", "sort", "handover", "turn_at", "id"),
        Index("ix_offers_near", "state", "category", "sort", "handover", "region_code"),
    )


class GoodsRequest(Base):
    """Goods that a household asks for. ``sort`` and ``turn_at`` as for an offer."""

    __tablename__ = "goods_requests"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    category: Mapped[str] = mapped_column(String(16))
    item: Mapped[str] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(12))
    quantity: Mapped[int]
    reason: Mapped[str] = mapped_column(String(200))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="draft")
    created_at: Mapped[datetime]
    sort: Mapped[str | None] = mapped_column(String(60))
    turn_at: Mapped[datetime]

    __table_args__ = (
        one_of("category", CATEGORIES),
        one_of("unit", UNITS),
        one_of("state", REQUEST_MACHINE.states),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_goods_requests_state_id", "state", "id"),
        Index("ix_goods_requests_turn", "state", "category", "sort", "turn_at", "id"),
        Index("ix_goods_requests_near", "state", "category", "sort", "region_code"),
    )


OFFER = Subject(
    "offer", Offer, OFFER_MACHINE, begins=("draft",), owner=Offer.donor_id, place=Offer.region_code, photos=("offer",)
)
REQUEST = Subject(
    "request",
    GoodsRequest,
    REQUEST_MACHINE,
    begins=("draft",),
    owner=GoodsRequest.owner_id,
    place=GoodsRequest.region_code,
)


@dataclass(frozen=True)
class NewOffer:
    draft_id: str
    category: str
    item: str
    unit: str
    quantity: int
    condition: str
    best_before: date | None
    handover: str
    region_code: str
    sort: str | None = None


@dataclass(frozen=True)
class NewRequest:
    draft_id: str
    category: str
    item: str
    unit: str
    quantity: int
    reason: str
    region_code: str
    sort: str | None = None


def make_offer(db: Session, wanted: NewOffer, donor: User, now: datetime) -> Offer:
    """Make an offer available at once: the flow has screened it. The same draft again returns the earlier offer."""
    earlier = db.scalar(select(Offer).where(Offer.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    fields = asdict(wanted)
    quantity = fields.pop("quantity")
    offer = Offer(**fields, initial=quantity, available=quantity, donor_id=donor.id, created_at=now, turn_at=now)
    db.add(offer)
    db.flush()
    OFFER_MACHINE.move(db, offer, "screened", SYSTEM, now)
    OFFER_MACHINE.move(db, offer, "available", SYSTEM, now)
    db.flush()
    return offer


def make_request(db: Session, wanted: NewRequest, owner: User, now: datetime) -> GoodsRequest:
    """Open a request of the owner's household. The same draft again returns the earlier request."""
    earlier = db.scalar(select(GoodsRequest).where(GoodsRequest.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    request = GoodsRequest(
        **asdict(wanted), owner_id=owner.id, household_id=owner.household_id, created_at=now, turn_at=now
    )
    db.add(request)
    db.flush()
    REQUEST_MACHINE.move(db, request, "open", Actor(By.OWNER, f"user:{owner.id}"), now)
    db.flush()
    return request
