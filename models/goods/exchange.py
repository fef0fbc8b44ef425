"""Surplus goods that people give away, and goods that households ask for."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.core.search_terms import Searched, by_terms
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.stock.move import Stocked, adds_up

CATEGORIES = ("oil", "seeds", "fertiliser", "clothes", "books", "food", "tools", "household", "other")
UNITS = ("piece", "bag", "bottle", "bucket", "box", "book", "set", "jin")
CONDITIONS = ("new", "good", "worn")
HANDOVERS = ("post", "pickup")
# These categories need a best-before date.
EDIBLE = ("oil", "food", "seeds")

# In these states a request waits for goods; a household has one of a sort at a time (models.goods.one_request).
WAITING = ("submitted", "checked", "open")
# Made public before reviews began (models.goods.review.review_earlier).
UNSEEN = "looked_at IS NULL"


def by_age(table: str) -> tuple[Index, Index]:
    """Make the indexes by which models.goods.expiry finds what is old, and what was asked about."""
    since = text("coalesce(renewed_at, looked_at)")
    fresh = text("asked_at IS NULL AND looked_at IS NOT NULL")
    asked = text("asked_at IS NOT NULL")
    return (
        Index(f"ix_{table}_fresh", "state", since, postgresql_where=fresh),
        Index(f"ix_{table}_asked", "asked_at", postgresql_where=asked),
    )


_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})
_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
# The county takes down what a report was right about.
_OWNER_OR_COUNTY = frozenset({By.OWNER, By.COUNTY})

OFFER_MACHINE = Machine(
    "offer",
    {
        ("draft", "submitted"): _OWNER,
        # By the system: an offer of a known giver that the lot did not draw (models.goods.submission).
        ("submitted", "screened"): _OFFICER | _SYSTEM,
        ("screened", "available"): _SYSTEM,
        ("submitted", "returned"): _OFFICER,
        ("submitted", "rejected"): _OFFICER,
        # Taken down by an officer.
        ("available", "returned"): _OFFICER,
        ("exhausted", "returned"): _OFFICER,
        # By the system: made before reviews began.
        **{(state, "submitted"): _OWNER | _SYSTEM for state in ("available", "exhausted")},
        # By the owner: mended.
        **{(state, "submitted"): _OWNER for state in ("submitted", "returned", "expired")},
        ("available", "exhausted"): _OWNER | _SYSTEM,
        ("exhausted", "available"): _SYSTEM,
        ("available", "expired"): _SYSTEM,
        **{(state, "withdrawn"): _OWNER for state in ("returned", "expired")},
        **{(state, "withdrawn"): _OWNER_OR_COUNTY for state in ("submitted", "screened", "available", "exhausted")},
    },
)
REQUEST_MACHINE = Machine(
    "request",
    {
        ("draft", "submitted"): _OWNER,
        ("submitted", "checked"): _OFFICER,
        ("checked", "open"): _SYSTEM,
        ("submitted", "returned"): _OFFICER,
        # By the system: the household is not verified after all.
        ("submitted", "rejected"): _OFFICER | _SYSTEM,
        # Taken down by an officer.
        ("open", "returned"): _OFFICER,
        # By the system: made before reviews began, or the household was suspended.
        ("open", "submitted"): _OWNER | _SYSTEM,
        # By the owner: mended.
        **{(state, "submitted"): _OWNER for state in ("submitted", "returned", "expired")},
        ("open", "met"): _OWNER | _SYSTEM,
        # What counted as received was not.
        ("met", "open"): _SYSTEM,
        **{(state, "withdrawn"): _OWNER_OR_COUNTY for state in ("submitted", "open")},
        ("open", "expired"): _SYSTEM,
        **{(state, "withdrawn"): _OWNER for state in ("returned", "checked", "expired")},
    },
)


class NoSuchThing(Refusal):
    """There is no such item, or this person may not see it. ``what``: request, offer or listing."""

    code = "no_such_thing"


class Offer(Searched, Stocked, Base):
    """Goods that a donor gives away. Quantities count in ``unit`` (``jin``: in grams); initial = available + reserved +
    delivered + lost. ``sort``: offers and requests with the same category and sort match; None matches nothing.
    ``turn_at``: when it last had its turn, at first when it was made: to be given a round while some of it is left
    (models.goods.rounds.opening), or, once all is gone, to tell its donor of a need (models.goods.need_notifications).
    ``goes_to``: the region whose officers review it (models.goods.destination).
    ``looked_at``: when it was approved, which made it public. ``renewed_at``: when its owner last said that it
    still stands; ``asked_at``: since when they are asked (models.goods.expiry). ``round``: how often it was submitted.
    ``smallest``: the least that its donor sends to one household.
    """

    __tablename__ = "offers"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    donor_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    category: Mapped[str] = mapped_column(String(16))
    item: Mapped[str] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(12))
    condition: Mapped[str] = mapped_column(String(8))
    best_before: Mapped[date | None] = mapped_column(Date)
    handover: Mapped[str] = mapped_column(String(8))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="draft")
    created_at: Mapped[datetime]
    sort: Mapped[str | None] = mapped_column(String(60))
    turn_at: Mapped[datetime]
    goes_to: Mapped[str | None] = mapped_column(ForeignKey("regions.code"))
    looked_at: Mapped[datetime | None]
    renewed_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    smallest: Mapped[int] = mapped_column(default=1, server_default="1")

    __table_args__ = (
        one_of("category", CATEGORIES),
        one_of("unit", UNITS),
        one_of("condition", CONDITIONS),
        CheckConstraint("smallest > 0", name="smallest_positive"),
        one_of("handover", HANDOVERS),
        one_of("state", OFFER_MACHINE.states),
        adds_up(),
        Index("ix_offers_state_id", "state", "id"),
        Index("ix_offers_turn", "state", "category", "sort", "handover", "turn_at", "id"),
        Index("ix_offers_round", "turn_at", "id", postgresql_where=text("state = 'available' AND sort IS NOT NULL")),
        # How the public list reads them (models.public.ordering).
        Index("ix_offers_listed", "looked_at", "id", postgresql_where=text("state = 'available'")),
        Index("ix_offers_spoiling", "best_before", "id", postgresql_where=text("state = 'available'")),
        Index("ix_offers_place", "region_code", postgresql_where=text("state = 'available'")),
        by_terms("offers", "state = 'available'"),
        Index("ix_offers_near", "state", "category", "sort", "handover", "region_code"),
        Index("ix_offers_unseen", "id", postgresql_where=text(f"{UNSEEN} AND state IN ('available', 'exhausted')")),
        *by_age("offers"),
    )

    @property
    def owner_id(self) -> int:
        return self.donor_id

    @property
    def title(self) -> str:
        return self.item


class GoodsRequest(Searched, Base):
    """Goods that a household asks for. ``sort``, ``looked_at`` and what follows it as for an offer.

    ``reason`` is read by the officers who review it, and by its owner. ``need_by``: the day by which it is needed.
    ``promised``: how much live matches hold for it; ``received``: how much it got. ``waits_from``: since when its days
    of waiting count (models.goods.rounds.waiting). ``beside``: its own number where it may stand beside another one of
    its sort, else 0.
    """

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
    looked_at: Mapped[datetime | None]
    renewed_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    need_by: Mapped[date | None] = mapped_column(Date)
    promised: Mapped[int] = mapped_column(default=0, server_default="0")
    received: Mapped[int] = mapped_column(default=0, server_default="0")
    waits_from: Mapped[datetime | None]
    beside: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        one_of("category", CATEGORIES),
        one_of("unit", UNITS),
        one_of("state", REQUEST_MACHINE.states),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint(
            "promised >= 0 AND received >= 0 AND promised + received <= quantity", name="promised_at_most_asked"
        ),
        Index("ix_goods_requests_state_id", "state", "id"),
        Index(
            "ix_goods_requests_waits", "category", "sort", "waits_from", "id", postgresql_where=text("state = 'open'")
        ),
        # How the public list reads them (models.public.ordering).
        Index("ix_goods_requests_listed", "waits_from", "id", postgresql_where=text("state = 'open'")),
        Index("ix_goods_requests_soon", "need_by", "id", postgresql_where=text("state = 'open'")),
        Index("ix_goods_requests_place", "region_code", postgresql_where=text("state = 'open'")),
        by_terms("goods_requests", "state = 'open'"),
        Index("ix_goods_requests_near", "state", "category", "sort", "region_code"),
        Index("ix_goods_requests_household_id", "household_id"),
        Index(
            "uq_goods_requests_waiting",
            "household_id",
            "category",
            text("coalesce(sort, item)"),
            "beside",
            unique=True,
            postgresql_where=text(f"state IN {WAITING}"),
        ),
        Index("ix_goods_requests_need_by", "need_by", postgresql_where=text("state = 'open' AND asked_at IS NULL")),
        Index("ix_goods_requests_unseen", "id", postgresql_where=text(f"{UNSEEN} AND state = 'open'")),
        *by_age("goods_requests"),
    )

    @property
    def title(self) -> str:
        return self.item

    @property
    def missing(self) -> int:
        """Return how much of it is neither promised nor received."""
        return self.quantity - self.promised - self.received


OFFER = Subject(
    "offer",
    Offer,
    OFFER_MACHINE,
    begins=("draft",),
    owner=Offer.donor_id,
    place=func.coalesce(Offer.goes_to, Offer.region_code),
    photos=("offer",),
)
REQUEST = Subject(
    "request",
    GoodsRequest,
    REQUEST_MACHINE,
    begins=("draft",),
    owner=GoodsRequest.owner_id,
    place=GoodsRequest.region_code,
    household=GoodsRequest.household_id,
)
