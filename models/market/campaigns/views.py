"""Show campaigns to everybody: what is pledged, how many grow it, and how it was divided, without a name."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.calendar import CHINA
from models.core.paging import Page, page_of
from models.market.campaigns.campaign import PUBLIC, Campaign, CampaignGrower, CampaignPledge
from models.market.campaigns.growers import find_grower, find_supply
from models.market.campaigns.pledging import find_pledge
from models.market.campaigns.refusals import NoSuchCampaign
from models.places.region import Region

PAGE = 5
# So many growers' parts are shown at once.
PARTS = 60
_COUNTED = ("standing", "served", "unserved")


@dataclass(frozen=True, slots=True)
class Shown:
    """A campaign as everybody may see it. ``pledged`` and ``given`` in grams; ``days``: how many are left, today too.

    ``takes``: its last day is not over, and it takes pledges. ``divides_at``: from when it may be divided, once it is
    reached. ``given``: what was divided.
    """

    number: int
    crop: str
    place: str
    price_fen: int
    least: int
    last_day: date
    days: int
    takes: bool
    divides_at: datetime | None
    state: str
    why: str | None
    pledged: int
    buyers: int
    firms: int
    growers: int
    given: int


@dataclass(frozen=True, slots=True)
class OwnPart:
    """The reader's own part in it. ``side``: buyer, grower, or may_join where they have what it calls for; struck,
    where the county took out the firm for which they pledged; else None.

    ``grams``: what they pledged, or give at most (None: all they have). ``state``: of their pledge or their joining.
    """

    side: str | None = None
    state: str | None = None
    grams: int | None = None
    given: int | None = None


def show(db: Session, number: int, now: datetime) -> Shown:
    """Raises NoSuchCampaign, also of what is not public yet."""
    campaign = db.get(Campaign, number)
    if campaign is None or not is_public(campaign):
        raise NoSuchCampaign(number=number)
    return _shown(db, campaign, now)


def is_public(campaign: Campaign) -> bool:
    return campaign.state in PUBLIC and campaign.why != "unconfirmed"


def list_open(db: Session, now: datetime, after: int | None = None, most: int = PAGE) -> Page[Shown]:
    """List a page of the campaigns that are open, the newest first."""
    found = select(Campaign).where(Campaign.state == "open", Campaign.closes_at > now)
    found = found.where(Campaign.id < after) if after else found
    rows = db.scalars(found.order_by(Campaign.id.desc()).limit(most + 1)).all()
    return page_of([_shown(db, campaign, now) for campaign in rows], most, lambda shown: shown.number)


def any_open(db: Session, now: datetime) -> bool:
    """Tell whether a campaign is open."""
    found = select(Campaign.id).where(Campaign.state == "open", Campaign.closes_at > now)
    return db.scalar(found.limit(1)) is not None


def own_part(db: Session, number: int, user_id: int | None, now: datetime) -> OwnPart:
    """Say what the reader's own part in a campaign is."""
    if user_id is None:
        return OwnPart()
    grower, pledged = find_grower(db, number, user_id), find_pledge(db, number, user_id)
    if grower and grower.state != "left":
        return OwnPart("grower", grower.state, grower.most_grams, grower.given_grams)
    if pledged and pledged.state == "struck":
        return OwnPart("struck")
    if pledged and pledged.state != "left":
        return OwnPart("buyer", pledged.state, pledged.grams, pledged.given_grams)
    campaign = db.get_one(Campaign, number)
    if _takes(campaign, now) and find_supply(db, campaign, user_id):
        return OwnPart("may_join")
    return OwnPart()


def parts_of(db: Session, number: int, page: int = 0) -> Page[int]:
    """List what each grower got, in grams, the largest first; nobody is named."""
    given = select(CampaignGrower.given_grams).where(CampaignGrower.campaign_id == number)
    given = given.where(CampaignGrower.given_grams.is_not(None)).order_by(CampaignGrower.given_grams.desc())
    found = db.scalars(given.offset(page * PARTS).limit(PARTS + 1)).all()
    return page_of([each or 0 for each in found], PARTS, lambda _: page + 1)


def _takes(campaign: Campaign, now: datetime) -> bool:
    return campaign.state == "open" and now < campaign.closes_at


def _shown(db: Session, campaign: Campaign, now: datetime) -> Shown:
    theirs = (CampaignPledge.campaign_id == campaign.id) & CampaignPledge.state.in_(_COUNTED)
    firms = func.count().filter(CampaignPledge.by_firm)
    sums = select(func.sum(CampaignPledge.grams), func.count(), firms, func.sum(CampaignPledge.given_grams))
    pledged, buyers, by_firms, given = db.execute(sums.where(theirs)).one()
    joined = (CampaignGrower.campaign_id == campaign.id) & CampaignGrower.state.in_(_COUNTED)
    return Shown(
        number=campaign.id,
        crop=campaign.crop,
        place=db.get_one(Region, campaign.region_code).full_name,
        price_fen=campaign.price_fen,
        least=campaign.least_grams,
        last_day=campaign.last_day,
        days=(campaign.last_day - now.astimezone(CHINA).date()).days + 1,
        takes=_takes(campaign, now),
        divides_at=campaign.divides_at,
        state=campaign.state,
        why=campaign.why,
        pledged=int(pledged or 0),
        buyers=buyers,
        firms=by_firms,
        growers=db.scalar(select(func.count()).where(joined)) or 0,
        given=int(given or 0),
    )
