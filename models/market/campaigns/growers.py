"""Find who of a county may supply a campaign, and let them join and leave until it is divided."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from models.core.state_machine import SYSTEM, Actor
from models.market.campaigns.campaign import GROWER_MACHINE, Campaign, CampaignGrower, CampaignPledge
from models.market.campaigns.refusals import CampaignOver, CannotJoin, NoSuchCampaign, NotPartOf, SuppliesIt
from models.market.listing import Listing
from models.market.seller import Seller
from models.organisations.representative import spoken_for_by_each
from models.people.family_member import households_of_each
from models.people.user import User

_COUNTY_DIGITS = 6


def of_county(county: str, crop: str) -> ColumnElement[bool]:
    """Build a condition on Listing joined with Seller: an endorsed household of the county sells the crop by weight."""
    place = func.left(Listing.region_code, _COUNTY_DIGITS) == county[:_COUNTY_DIGITS]
    sold = (Listing.state == "on_sale") & Listing.looked_at.is_not(None) & Listing.shop_url.is_(None)
    return place & sold & (Listing.crop == crop) & (Listing.unit == "jin") & (Seller.state == "endorsed")


def select_supplies(campaign: Campaign) -> Select[Listing]:
    """Select the listings by which households may supply it now."""
    found = select(Listing).join(Seller, Seller.household_id == Listing.household_id)
    return found.where(of_county(campaign.region_code, campaign.crop), Listing.season == campaign.season)


def season_on_sale(db: Session, county: str, crop: str) -> tuple[int, int, int] | None:
    """Return the season of which the county's sellers have most on sale, how many households and grams; or None."""
    sums = func.sum(Listing.available)
    found = select(Listing.season, func.count(Listing.household_id.distinct()), sums)
    found = found.join(Seller, Seller.household_id == Listing.household_id).where(of_county(county, crop))
    row = db.execute(found.group_by(Listing.season).order_by(sums.desc(), Listing.season).limit(1)).first()
    return (int(row[0] or 0), int(row[1]), int(row[2])) if row else None


def find_supply(db: Session, campaign: Campaign, user_id: int | None) -> Listing | None:
    """Return the person's own listing by which they may supply it: of several, that of which most is left."""
    own = select_supplies(campaign).where(Listing.seller_id == user_id, Listing.available > 0)
    return db.scalar(own.order_by(Listing.available.desc(), Listing.id).limit(1))


def may_join(db: Session, campaign: Campaign, listing: Listing) -> bool:
    """Tell whether it can be supplied by this listing, and nobody of its household takes part in it yet."""
    able = select_supplies(campaign).where(Listing.id == listing.id, Listing.available > 0)
    if db.scalars(able).first() is None:
        return False
    row = find_grower(db, campaign.id, listing.seller_id)
    return (row is None or row.state != "standing") and not _household_takes_part(db, campaign, listing)


def growers_of(db: Session, campaign: Campaign) -> list[CampaignGrower]:
    theirs = select(CampaignGrower).where(CampaignGrower.campaign_id == campaign.id, CampaignGrower.state == "standing")
    return list(db.scalars(theirs.order_by(CampaignGrower.id)))


def find_grower(db: Session, campaign_id: int, user_id: int | None) -> CampaignGrower | None:
    """Return the newest row of the person's, standing or not."""
    theirs = (CampaignGrower.campaign_id == campaign_id) & (CampaignGrower.user_id == user_id)
    standing_first = (CampaignGrower.state == "standing").desc()
    return db.scalar(select(CampaignGrower).where(theirs).order_by(standing_first, CampaignGrower.id.desc()).limit(1))


def lock_open(db: Session, number: int, now: datetime) -> Campaign:
    """Return a campaign whose last day is not over; it stays open until the transaction ends.

    The clock closes it, whenever the sweep comes. Many pledge and join at once; who closes or divides it waits for
    them. Raises NoSuchCampaign or CampaignOver.
    """
    campaign = _lock_undivided(db, number)
    if campaign.state != "open" or now >= campaign.closes_at:
        raise CampaignOver(number=number, state=campaign.state)
    return campaign


def _lock_undivided(db: Session, number: int) -> Campaign:
    found = db.get(Campaign, number, with_for_update={"read": True}, populate_existing=True)
    if found is None or found.state in ("submitted", "rejected"):
        raise NoSuchCampaign(number=number)
    if found.state not in ("open", "reached"):
        raise CampaignOver(number=number, state=found.state)
    return found


def join(
    db: Session, user: User, number: int, now: datetime, *, fresh: bool, most_grams: int | None = None
) -> CampaignGrower:
    """Supply a campaign by the person's listing; again changes how much at most. Nothing is reserved.

    Raises NoSuchCampaign, CampaignOver, CannotJoin or SuppliesIt.
    """
    campaign = lock_open(db, number, now)
    listing = find_supply(db, campaign, user.id)
    if listing is None:
        raise CannotJoin(number=number, crop=campaign.crop)
    if _household_takes_part(db, campaign, listing):
        raise SuppliesIt(number=number)
    row = find_grower(db, number, user.id)
    if row is None or row.listing_id != listing.id:
        if row and row.state == "standing":
            GROWER_MACHINE.move(db, row, "left", Actor.owner(user.id), now)
        row = db.scalar(_of_listing(number, listing.id))
    if row is None:
        row = CampaignGrower(campaign_id=number, listing_id=listing.id, user_id=user.id, joined_at=now)
        db.add(row)
    elif row.state == "left":
        GROWER_MACHINE.move(db, row, "standing", Actor.owner(user.id), now)
    row.fresh, row.most_grams = fresh, most_grams
    db.flush()
    return row


def leave(db: Session, user_id: int, number: int, now: datetime) -> CampaignGrower:
    """Supply it no more, until it is divided. Raises NoSuchCampaign, CampaignOver or NotPartOf."""
    _lock_undivided(db, number)
    row = find_grower(db, number, user_id)
    if row is None or row.state != "standing":
        raise NotPartOf(number=number)
    GROWER_MACHINE.move(db, row, "left", Actor.owner(user_id), now)
    db.flush()
    return row


def withdraw(db: Session, row: CampaignGrower, now: datetime) -> None:
    """Take out whoever is erased, or speaks for the seller no more. The caller holds the campaign."""
    GROWER_MACHINE.move(db, row, "left", SYSTEM, now)


def _of_listing(number: int, listing: int) -> Select[CampaignGrower]:
    return select(CampaignGrower).where(CampaignGrower.campaign_id == number, CampaignGrower.listing_id == listing)


def _household_takes_part(db: Session, campaign: Campaign, listing: Listing) -> bool:
    """Tell whether another member of the household supplies it already, or one has pledged to buy in it."""
    others = select(CampaignGrower.id).join(Listing, Listing.id == CampaignGrower.listing_id)
    others = others.where(CampaignGrower.campaign_id == campaign.id, CampaignGrower.state == "standing")
    mine = (Listing.household_id == listing.household_id) & (CampaignGrower.user_id != listing.seller_id)
    if db.scalar(others.where(mine).limit(1)):
        return True
    buyers = select(User).join(CampaignPledge, CampaignPledge.buyer_id == User.id)
    own = (CampaignPledge.campaign_id == campaign.id) & (CampaignPledge.state == "standing")
    # Of an organisation's listing, also whoever speaks for it.
    homes = {listing.household_id, db.get_one(User, listing.seller_id).household_id}
    at_home = db.scalars(buyers.where(own, User.household_id.in_(homes)).limit(1)).first()
    return at_home is not None


def supplies_household_of(db: Session, campaign: Campaign, buyer: User) -> bool:
    """Tell whether a grower who stands is of the buyer's household, also where the buyer is only named in it."""
    homes = homes_of(db, buyer)
    theirs = select(CampaignGrower.id).join(Listing, Listing.id == CampaignGrower.listing_id)
    theirs = theirs.where(CampaignGrower.campaign_id == campaign.id, CampaignGrower.state == "standing")
    return db.scalar(theirs.where(Listing.household_id.in_(homes)).limit(1)) is not None


def homes_of(db: Session, user: User) -> set[int]:
    """Return the households to which a person belongs: registered there, or named with their ID number.

    So do the rows of households of organisations for which one of these speaks.
    """
    return homes_of_each(db, [user])[user.id]


def homes_of_each(db: Session, users: Sequence[User]) -> dict[int, set[int]]:
    """Map people to their households as ``homes_of`` does, in a few statements."""
    named = households_of_each(db, {user.id_number for user in users if user.id_number})
    homes = {user.id: set(named.get(user.id_number or "", ())) for user in users}
    for user in users:
        homes[user.id].update({user.household_id} if user.household_id else ())
    spoken = spoken_for_by_each(db, {home for theirs in homes.values() for home in theirs})
    return {user: theirs.union(*(spoken.get(home, ()) for home in theirs)) for user, theirs in homes.items()}
