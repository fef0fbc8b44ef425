"""Produce and handicrafts that residents sell, here or through a link to another shop."""

from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.state_machine import Actor, By, Machine
from models.core.subject import Subject
from models.goods.exchange import UNITS
from models.people.user import User

KINDS = ("produce", "handicraft")

_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})

MACHINE = Machine(
    "listing",
    {
        ("draft", "on_sale"): _OWNER,
        ("on_sale", "sold_out"): _SYSTEM,
        ("sold_out", "on_sale"): frozenset({By.OWNER, By.SYSTEM}),
        ("on_sale", "withdrawn"): _OWNER,
        ("sold_out", "withdrawn"): _OWNER,
        ("on_sale", "suspended"): frozenset({By.COUNTY}),
        ("suspended", "on_sale"): frozenset({By.COUNTY}),
    },
)


class Listing(Base):
    """Goods that a seller lists. ``price_fen`` is for one ``unit``; stock counts in the unit (``jin``: in grams).
    ``shop_url``: a shop elsewhere that sells them, or None.

    ``harvest_date`` in the future makes it a pre-order.
    """

    __tablename__ = "listings"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    seller_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(12))
    price_fen: Mapped[int]
    initial: Mapped[int]
    available: Mapped[int]
    reserved: Mapped[int] = mapped_column(default=0, server_default="0")
    delivered: Mapped[int] = mapped_column(default=0, server_default="0")
    lost: Mapped[int] = mapped_column(default=0, server_default="0")
    harvest_date: Mapped[date | None] = mapped_column(Date)
    shop_url: Mapped[str | None] = mapped_column(String(500))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="draft")
    created_at: Mapped[datetime]

    __table_args__ = (
        one_of("kind", KINDS),
        one_of("unit", UNITS),
        one_of("state", MACHINE.states),
        CheckConstraint("price_fen > 0", name="price_positive"),
        CheckConstraint(
            "initial > 0 AND available >= 0 AND reserved >= 0 AND delivered >= 0 AND lost >= 0 "
            "AND initial = available + reserved + delivered + lost",
            name="stock_adds_up",
        ),
        CheckConstraint("shop_url IS NULL OR shop_url LIKE 'https://%'", name="shop_url_https"),
        Index("ix_listings_state_id", "state", "id"),
    )


LISTING = Subject(
    "listing",
    Listing,
    MACHINE,
    begins=("draft",),
    owner=Listing.seller_id,
    place=Listing.region_code,
    photos=("listing",),
)


@dataclass(frozen=True)
class NewListing:
    draft_id: str
    kind: str
    name: str
    unit: str
    price_fen: int
    stock: int
    harvest_date: date | None
    shop_url: str | None


def put_on_sale(db: Session, wanted: NewListing, seller: User, now: datetime) -> Listing:
    """Put a listing on sale in the seller's home region. The same draft again returns the earlier listing."""
    earlier = db.scalar(select(Listing).where(Listing.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    fields = asdict(wanted)
    stock = fields.pop("stock")
    listing = Listing(
        **fields,
        initial=stock,
        available=stock,
        seller_id=seller.id,
        household_id=seller.household_id,
        region_code=seller.region_code,
        state="draft",
        created_at=now,
    )
    db.add(listing)
    db.flush()
    MACHINE.move(db, listing, "on_sale", Actor(By.OWNER, f"user:{seller.id}"), now)
    db.flush()
    return listing
