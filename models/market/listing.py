"""Produce and handicrafts that residents sell, here or through a link to another shop."""

from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.hooks import Hook
from models.core.search_terms import Searched, by_terms
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.goods.exchange import UNITS, UNSEEN, by_age
from models.goods.review import AGAIN, Reviewed
from models.goods.rules import GoodsRules
from models.market import seller
from models.market.statement import find_statement
from models.organisations.organisation import organisation_of
from models.organisations.representative import in_office
from models.staff.member import Staff
from models.staff.task import Matter
from models.stock.move import Stocked, adds_up

KINDS = ("produce", "handicraft")

# The listing has become public: its harvest is followed from now on.
on_listed: Hook[["Session", "Listing", datetime], None] = Hook("market.listing.on_listed")
# The listing's id, its state, now: an officer has taken it down.
on_taken_down: Hook[[Session, int, str, datetime], None] = Hook("market.listing.on_taken_down")

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
        # By the system: the organisation that sold it is no more.
        **{
            (state, "withdrawn"): _OWNER | _SYSTEM
            for state in ("submitted", "returned", "on_sale", "sold_out", "suspended", "expired")
        },
    },
    then={"suspended": on_taken_down},
)


class Listing(Searched, Stocked, Base):
    """Goods that a seller lists. ``price_fen`` is for one ``unit``; stock counts in the unit (``jin``: in grams).
    ``shop_url``: a shop elsewhere that sells them, or None.

    ``harvest_date`` in the future makes it a pre-order, picked from that day to ``harvest_until``. ``looked_at``: when
    it was approved, which made it public. ``renewed_at`` and ``asked_at`` as for an offer. ``round``: how often it was
    submitted.

    ``crop`` and ``season``: the harvest that its household's statement caps; None for what needs no land.
    ``grams_each``: how much one of what its stock counts weighs, 1 where it counts grams. ``endorsed_fen``: the price
    that was approved last. ``dear``: the county looks at the price as well.
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
    harvest_until: Mapped[date | None] = mapped_column(Date)
    shop_url: Mapped[str | None] = mapped_column(String(500))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="draft")
    created_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    renewed_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    crop: Mapped[str | None] = mapped_column(String(16))
    season: Mapped[int | None] = mapped_column(SmallInteger)
    grams_each: Mapped[int | None]
    endorsed_fen: Mapped[int | None]
    dear: Mapped[bool] = mapped_column(default=False, server_default=text("false"))

    __table_args__ = (
        one_of("kind", KINDS),
        one_of("unit", UNITS),
        one_of("state", MACHINE.states),
        CheckConstraint("price_fen > 0", name="price_positive"),
        adds_up(),
        CheckConstraint(
            "(crop IS NULL) = (season IS NULL) AND (crop IS NULL) = (grams_each IS NULL) AND grams_each > 0",
            name="crop_weighed",
        ),
        CheckConstraint("shop_url IS NULL OR shop_url LIKE 'https://%'", name="shop_url_https"),
        Index("ix_listings_state_id", "state", "id"),
        Index("ix_listings_household_id", "household_id"),
        Index("ix_listings_crop", "household_id", "crop", "season", postgresql_where=text("crop IS NOT NULL")),
        # How the public list reads them (models.public.ordering).
        Index("ix_listings_listed", "looked_at", "id", postgresql_where=text("state = 'on_sale'")),
        by_terms("listings", "state = 'on_sale'"),
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


def _first_step(db: Session, listing: Listing) -> str:
    """Name the first step of its review: a link to a shop of an endorsed seller is the county's to follow."""
    shop = listing.shop_url and seller.is_endorsed(db, listing.household_id)
    return "listing_shop" if shop else "listing"


def _waits(db: Session, listing: Listing) -> bool:
    """Tell whether the county lets its seller sell nothing, or nobody speaks for the organisation that sells it."""
    if seller.is_suspended(db, listing.household_id):
        return True
    organisation = organisation_of(db, listing.household_id)
    return organisation is not None and in_office(db, organisation.id) is None


def _then(db: Session, listing: Listing, step: str, staff: Staff, now: datetime) -> str | None:
    """Record what the officer of the village saw, or the county's endorsement of the seller.

    After the village the county looks at a seller who is not endorsed yet, at a dear price and at a shop elsewhere.
    """
    household = listing.household_id
    if step in ("listing", AGAIN):
        seller.see(db, household, staff, now)
        stated = find_statement(db, household, listing.crop, listing.season, lock=True)
        if stated:
            stated.seen_plot = stated.plot
    else:
        seller.endorse(db, household, staff, now)
    listed_dear = step == "listing" and (listing.dear or listing.shop_url)
    if seller.is_endorsed(db, household) and not listed_dear:
        return None
    return "listing_shop" if listing.shop_url else "listing_price"


def is_known_shop(listing: Listing, rules: GoodsRules) -> bool:
    """Tell whether it is sold here, or in a shop of a platform of config/goods.toml."""
    host = urlsplit(listing.shop_url).hostname or "" if listing.shop_url else ""
    return not host or any(host == known or host.endswith(f".{known}") for known in rules.shop_hosts)


def _describe(listing: Listing) -> dict[str, Any]:
    names = ("kind", "unit", "price_fen", "available", "harvest_date", "shop_url", "crop")
    return {name: getattr(listing, name) for name in names}


def _needs_reason(listing: Listing, step: str, rules: GoodsRules) -> bool:
    return step != "listing" and not is_known_shop(listing, rules)


def _listed(db: Session, listing: Listing, now: datetime, _rules: GoodsRules) -> None:
    """Keep the price that is public now; nobody is notified, as no one asks for produce before it is on sale."""
    listing.endorsed_fen, listing.dear = listing.price_fen, False
    on_listed(db, listing, now)


REVIEW = Reviewed(
    LISTING,
    approval_states=("on_sale",),
    taken_down="suspended",
    of_household=True,
    matter=matter_of,
    step=_first_step,
    describe=_describe,
    needs_reason=_needs_reason,
    prepare=lambda _db, _listing: None,
    on_public=_listed,
    waits=_waits,
    then=_then,
)
