"""Submit and change listings: what a household lists of a crop over all its listings fits on its land.

An organisation lists by who speaks for it; its land is what its members work.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models.core.calendar import CHINA
from models.core.measures import JIN
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.goods.ending import hold_own
from models.goods.review import submit
from models.market import seller
from models.market.listing import LISTING, REVIEW, Listing
from models.market.lots.lot import note_counted
from models.market.lots.new_day import check_new_day
from models.market.orders.filling import fill
from models.market.rules import NO_CROPS, Crop, MarketRules
from models.market.statement import PlotNotSeen, Statement, check_share, find_statement, state_plot
from models.organisations.organisation import Organisation
from models.organisations.representative import check_may_sell_for
from models.people.user import User, lock_home
from models.stock.move import open_stock, restock
from models.verification.case import lock_cases

# In these states all of it counts against the household's land; in the others, what was reserved, delivered or lost.
_LISTED = ("draft", "submitted", "on_sale", "sold_out")
COUNTED_GRAMS = Listing.grams_each * case(
    (Listing.state.in_(_LISTED), Listing.initial), else_=Listing.initial - Listing.available
)


class NotOnSale(Refusal):
    """The listing ``number`` is in this ``state``: how much is left is set of what is on sale."""

    code = "not_on_sale"


class ListingInUse(Refusal):
    """Something of the listing ``number`` (``item``) is ordered or sold: its kind, unit, weight and season stay."""

    code = "listing_in_use"
    final = True


@dataclass(frozen=True)
class NewListing:
    """What a seller lists. ``crop`` (a code of config/market.toml), ``plot`` (the household's land under it, in
    hundredths of a 亩) and ``grams_each`` (of what is counted in pieces) are None for what needs no land.
    """

    draft_id: str
    kind: str
    name: str
    unit: str
    price_fen: int
    stock: int
    harvest_date: date | None
    shop_url: str | None
    crop: str | None = None
    plot: int | None = None
    grams_each: int | None = None


def submit_listing(
    db: Session,
    wanted: NewListing,
    owner: User,
    now: datetime,
    rules: MarketRules = NO_CROPS,
    *,
    organisation: Organisation | None = None,
) -> Listing:
    """Submit a listing in the seller's home region. The same draft again returns the earlier listing.

    ``organisation``: in whose name ``owner`` sells; None for their household. Locks the household, its cases (or the
    organisation) and its statement, before the listing is there. Raises OverPlot; for an organisation also as
    ``check_may_sell_for`` does.
    """
    earlier = db.scalar(select(Listing).where(Listing.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    lock_home(db, owner)
    whose = seller.in_name_of(organisation) if organisation else seller.for_family(owner)
    lock_cases(db, whose.household_id)
    if organisation:
        db.refresh(organisation)
        check_may_sell_for(db, organisation, owner.id)
    seller.apply(db, whose, owner.id, now)
    listing = Listing(
        draft_id=wanted.draft_id,
        initial=wanted.stock,
        available=wanted.stock,
        seller_id=owner.id,
        household_id=whose.household_id,
        region_code=whose.home,
        state="draft",
        created_at=now,
    )
    _describe_as(listing, wanted)
    _keep_to_plot(db, listing, wanted, rules, now)
    db.add(listing)
    db.flush()
    open_stock(db, listing, now)
    submit(db, REVIEW, listing, Actor.owner(owner.id), now)
    return listing


def mend_listing(
    db: Session,
    listing: Listing,
    wanted: NewListing,
    now: datetime,
    rules: MarketRules = NO_CROPS,
    *,
    same_photos: bool = False,
) -> bool:
    """Change a listing and submit it again; return False where it stays on sale: only its stock changed, or its price
    by no more than is free. The caller holds its row (models.goods.ending.hold_own).

    Raises ListingInUse, OverPlot, or as ``check_new_day`` does.
    """
    check_new_day(db, listing, wanted.harvest_date, timedelta(days=rules.window_days), now)
    season = _keep_what_was_ordered(listing, wanted, rules)
    free = same_photos and _is_free(db, listing, wanted, rules)
    whose = seller.sells_as(db, listing.household_id, db.get_one(User, listing.seller_id))
    if not free:
        seller.apply(db, whose, listing.seller_id, now)
    # Not flushed before its harvest is known.
    with db.no_autoflush:
        _describe_as(listing, wanted)
        listing.region_code = listing.region_code if free else whose.home
        _keep_to_plot(db, listing, wanted, rules, now, season)
    restock(db, listing, wanted.stock, f"mended:{listing.round}:{now:%Y%m%d%H%M%S%f}", now)
    fill(db, listing, now)
    if not free:
        submit(db, REVIEW, listing, Actor.owner(listing.seller_id), now)
    return not free


def set_stock(
    db: Session, user_id: int | None, number: int, available: int, now: datetime, rules: MarketRules = NO_CROPS
) -> Listing:
    """Set how much is left of the person's own listing, which is on sale.

    Raises NoSuchThing, NotOnSale, OverPlot or PlotNotSeen.
    """
    listing: Listing = hold_own(db, user_id, LISTING.name, number)
    if listing.state != "on_sale":
        raise NotOnSale(number=number, state=listing.state)
    stated = find_statement(db, listing.household_id, listing.crop, listing.season, lock=True)
    if stated and available > listing.available:
        if stated.seen_plot != stated.plot:
            raise PlotNotSeen(number=listing.id)
        _check_land(db, stated, listing, available, rules, now)
    restock(db, listing, available, f"stock:{available}:{now:%Y%m%d%H%M%S%f}", now)
    fill(db, listing, now)
    note_counted(db, listing, now)
    return listing


def listed_grams(db: Session, stated: Statement, besides: int | None = None) -> int:
    """Add up what counts against the household's land over all its listings of the harvest but one, in grams."""
    theirs = (Listing.household_id == stated.household_id) & (Listing.crop == stated.crop)
    found = select(func.coalesce(func.sum(COUNTED_GRAMS), 0)).where(
        theirs, Listing.season == stated.season, Listing.id != (besides or 0)
    )
    return int(db.scalar(found) or 0)


def is_growing(listing: Listing, now: datetime) -> bool:
    return listing.harvest_date is not None and listing.harvest_date > now.astimezone(CHINA).date()


def _keep_what_was_ordered(listing: Listing, wanted: NewListing, rules: MarketRules) -> int | None:
    """Check that what is ordered or sold stays what it is, in its unit and season. Raises ListingInUse.

    Its stock counts in that unit, and what was sold counts against the land of that season. Returns the season to which
    it belongs whatever the day is; None where nothing of it was sold, or a day of picking says it.
    """
    if not (listing.reserved or listing.delivered):
        return None
    crop = rules.crop(wanted.crop) if wanted.plot is not None else None
    before = (listing.kind, listing.unit, listing.crop, listing.grams_each)
    after = (wanted.kind, wanted.unit, crop.code if crop else None, _grams_each(wanted) if crop else None)
    season = crop.season_of(wanted.harvest_date) if crop and wanted.harvest_date else listing.season
    if before != after or season != listing.season:
        raise ListingInUse(number=listing.id, item=listing.name)
    return season


def _describe_as(listing: Listing, wanted: NewListing) -> None:
    for name in ("kind", "name", "unit", "price_fen", "harvest_date", "shop_url", "crop"):
        setattr(listing, name, getattr(wanted, name))
    listing.grams_each = _grams_each(wanted)
    listing.season = None


def _grams_each(wanted: NewListing) -> int | None:
    return (1 if wanted.unit == "jin" else wanted.grams_each) if wanted.crop else None


def _keep_to_plot(
    db: Session, listing: Listing, wanted: NewListing, rules: MarketRules, now: datetime, season: int | None = None
) -> None:
    """State the household's land, check that the listing fits on it, and see when it is picked and if it is dear.

    ``season``: the one it stays in; None: that of the day of picking, or today's.
    """
    crop, picked_for = rules.crop(wanted.crop), timedelta(days=rules.window_days)
    listing.harvest_until = wanted.harvest_date + picked_for if wanted.harvest_date else None
    listing.dear = _is_dear(listing, crop, rules)
    if crop is None or wanted.plot is None:
        listing.crop = listing.grams_each = None
        return
    listing.season = season or crop.season_of(listing.harvest_date or now.astimezone(CHINA).date())
    most = rules.most_grams(crop, wanted.plot)
    household = listing.household_id
    stated = state_plot(db, household, listing.seller_id, crop, listing.season, wanted.plot, most, now)
    _check_land(db, stated, listing, wanted.stock, rules, now)


def _check_land(
    db: Session, stated: Statement, listing: Listing, available: int, rules: MarketRules, now: datetime
) -> None:
    gone = listing.initial - listing.available if listing.id else 0
    share = rules.share_of_hundred if is_growing(listing, now) else 100
    listed = listed_grams(db, stated, listing.id)
    check_share(stated, listed, (gone + available) * (listing.grams_each or 0), share)


def _is_dear(listing: Listing, crop: Crop | None, rules: MarketRules) -> bool:
    """Tell whether the price is above the county's usual ones, or has risen by more than is free."""
    risen = listing.endorsed_fen and _has_risen(listing.price_fen, listing.endorsed_fen, rules)
    if risen or crop is None:
        return bool(risen)
    weight = JIN if listing.unit == "jin" else listing.grams_each or JIN
    return listing.price_fen * JIN > rules.usual_prices(crop, listing.region_code)[1] * weight


def _has_risen(price: int, endorsed: int, rules: MarketRules) -> bool:
    return price * 100 > endorsed * (100 + rules.price_rise_of_hundred)


def _is_free(db: Session, listing: Listing, wanted: NewListing, rules: MarketRules) -> bool:
    """Tell whether it may stay on sale: nothing but its stock changes, and its price by no more than is free."""
    same = all(
        getattr(listing, name) == getattr(wanted, name)
        for name in ("kind", "name", "unit", "harvest_date", "shop_url", "crop")
    )
    if not same or listing.state != "on_sale" or listing.looked_at is None or listing.grams_each != _grams_each(wanted):
        return False
    stated = find_statement(db, listing.household_id, listing.crop, listing.season, lock=True)
    seen = stated is None or (stated.seen_plot == stated.plot == wanted.plot)
    endorsed = listing.endorsed_fen
    return seen and wanted.stock > 0 and endorsed is not None and not _has_risen(wanted.price_fen, endorsed, rules)
