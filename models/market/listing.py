"""Produce and handicrafts that residents sell, here or through a link to another shop."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.state_machine import Actor, By, Machine
from models.core.subject import Subject
from models.goods.exchange import UNITS, UNSEEN, by_age
from models.goods.review import Reviewed, submit
from models.goods.rules import GoodsRules
from models.people.user import User, lock_home
from models.staff.task import Matter
from models.stock.move import Stocked, adds_up, open_stock, restock

KINDS = ("produce", "handicraft")

_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})
_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})

MACHINE = Machine(
    "listing",
    {
        ("draft", "submitted"): _OWNER,
        ("submitted", "on_sale"): _OFFICER,
        ("submitted", "returned"): _OFFICER,
        # By the system: the household is not verified after all.
        ("submitted", "rejected"): _OFFICER | _SYSTEM,
        # By the owner: mended.
        **{(state, "submitted"): _OWNER for state in ("submitted", "returned", "suspended", "expired")},
        ("on_sale", "sold_out"): _OWNER | _SYSTEM,
        ("on_sale", "expired"): _SYSTEM,
        # By the system: listed before reviews began, or the household was suspended.
        **{(state, "submitted"): _OWNER | _SYSTEM for state in ("on_sale", "sold_out")},
        # Taken down by an officer.
        ("on_sale", "suspended"): _OFFICER,
        ("sold_out", "suspended"): _OFFICER,
        # Its owner mends it while a report of it is looked into.
        ("submitted", "suspended"): frozenset({By.COUNTY}),
        **{
            (state, "withdrawn"): _OWNER
            for state in ("submitted", "returned", "on_sale", "sold_out", "suspended", "expired")
        },
    },
)


class Listing(Stocked, Base):
    """Goods that a seller lists. ``price_fen`` is for one ``unit``; stock counts in the unit (``jin``: in grams).
    ``shop_url``: a shop elsewhere that sells them, or None.

    ``harvest_date`` in the future makes it a pre-order. ``looked_at``: when it was approved, which made it
    public. ``renewed_at`` and ``asked_at`` as for an offer. ``round``: how often it was submitted.
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
    harvest_date: Mapped[date | None] = mapped_column(Date)
    shop_url: Mapped[str | None] = mapped_column(String(500))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="draft")
    created_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    renewed_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")

    __table_args__ = (
        one_of("kind", KINDS),
        one_of("unit", UNITS),
        one_of("state", MACHINE.states),
        CheckConstraint("price_fen > 0", name="price_positive"),
        adds_up(),
        CheckConstraint("shop_url IS NULL OR shop_url LIKE 'https://%'", name="shop_url_https"),
        Index("ix_listings_state_id", "state", "id"),
        Index("ix_listings_household_id", "household_id"),
        # How the public list reads them (models.public.ordering).
        Index("ix_listings_listed", "looked_at", "id", postgresql_where=text("state = 'on_sale'")),
        Index("ix_listings_unseen", "id", postgresql_where=text(f"{UNSEEN} AND state IN ('on_sale', 'sold_out')")),
        *by_age("listings"),
    )

    @property
    def owner_id(self) -> int:
        return self.seller_id

    @property
    def title(self) -> str:
        return self.name


LISTING = Subject(
    "listing",
    Listing,
    MACHINE,
    begins=("draft",),
    owner=Listing.seller_id,
    place=Listing.region_code,
    household=Listing.household_id,
    photos=("listing",),
)


def matter_of(_db: Session, listing: Listing) -> Matter:
    return Matter(LISTING.name, listing.id, listing.region_code, listing.household_id)


def step_of(listing: Listing) -> str:
    """Name the step of its review: a link to a shop elsewhere is the county's to follow."""
    return "listing_shop" if listing.shop_url else "listing"


def is_known_shop(listing: Listing, rules: GoodsRules) -> bool:
    """Tell whether it is sold here, or in a shop of a platform of config/goods.toml."""
    host = urlsplit(listing.shop_url).hostname or "" if listing.shop_url else ""
    return not host or any(host == known or host.endswith(f".{known}") for known in rules.shop_hosts)


def _describe(listing: Listing) -> dict[str, Any]:
    names = ("kind", "unit", "price_fen", "available", "harvest_date", "shop_url")
    return {name: getattr(listing, name) for name in names}


def _nobody_waits(_db: Session, _listing: Listing, _now: datetime, _rules: GoodsRules) -> None:
    """Notify nobody: no one asks for produce before it is on sale."""


REVIEW = Reviewed(
    LISTING,
    approval_states=("on_sale",),
    taken_down="suspended",
    of_household=True,
    matter=matter_of,
    step=step_of,
    describe=_describe,
    needs_reason=lambda listing, rules: not is_known_shop(listing, rules),
    prepare=lambda _db, _listing: None,
    on_public=_nobody_waits,
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


def submit_listing(db: Session, wanted: NewListing, seller: User, now: datetime) -> Listing:
    """Submit a listing in the seller's home region. The same draft again returns the earlier listing."""
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
        household_id=lock_home(db, seller),
        region_code=seller.region_code,
        state="draft",
        created_at=now,
    )
    db.add(listing)
    db.flush()
    open_stock(db, listing, now)
    submit(db, REVIEW, listing, Actor.owner(seller.id), now)
    return listing


def mend_listing(db: Session, listing: Listing, wanted: NewListing, now: datetime) -> None:
    """Change a listing, and submit it again. The caller holds its row (models.goods.ending.hold_own)."""
    listing.kind, listing.name, listing.unit, listing.price_fen = (
        wanted.kind,
        wanted.name,
        wanted.unit,
        wanted.price_fen,
    )
    listing.region_code = db.get_one(User, listing.seller_id).region_code or listing.region_code
    listing.harvest_date, listing.shop_url = wanted.harvest_date, wanted.shop_url
    restock(db, listing, wanted.stock, f"mended:{listing.round}", now)
    submit(db, REVIEW, listing, Actor.owner(listing.seller_id), now)
