"""An officer of the county opens a campaign; another one, who is no kin, confirms it before it is public."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.calendar import start_of_day_of
from models.core.encryption import keyring
from models.market.campaigns.campaign import CAMPAIGN_MACHINE, NAME, Campaign
from models.market.campaigns.growers import may_join, season_on_sale, select_supplies
from models.market.campaigns.refusals import NobodySells, NoSuchCampaign
from models.market.campaigns.rule import VERSION
from models.market.campaigns.telling import tell_grower, tell_officer
from models.market.listing import Listing
from models.market.rules import MarketRules
from models.places.region import Region
from models.staff.conflict_of_interest import Conflict, conflicts_with, households_against
from models.staff.decision import decide, end_review
from models.staff.file_access import TaskView, has_read, may_read_as_authority, record_file_access, view_task
from models.staff.member import Staff, all_seats_of, spread_to_all_seats
from models.staff.task import Matter, Task, open_task
from models.staff.turn import demand_identified, demand_task

# The key of the registry of conflicts, and the task's step.
CONFLICT = STEP = NAME
_KIN, _OPENER = "kin", "decided_before"


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """What an officer opens: the crop (a code of config/market.toml), price of a 斤, least sum and last day."""

    draft_id: str
    crop: str
    price_fen: int
    least_grams: int
    last_day: date


@dataclass(frozen=True, slots=True)
class OnSale:
    """What the county's endorsed sellers have of a crop, and its usual prices of a 斤 there (low, high), in fen."""

    season: int
    households: int
    grams: int
    usual: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """A campaign as the county sees it. ``opener``: the work number of who opened it."""

    campaign: Campaign
    place: str
    opener: str
    on_sale: OnSale | None
    task: TaskView


def matter_of(campaign: Campaign) -> Matter:
    return Matter(NAME, campaign.id, campaign.region_code, None)


def on_sale(db: Session, county: str, crop: str, rules: MarketRules) -> OnSale | None:
    """Say what the county's sellers have of the crop; None where nobody has any."""
    known, found = rules.crop(crop), season_on_sale(db, county, crop)
    return OnSale(*found, rules.usual_prices(known, county) if known else None) if found else None


def submit_campaign(db: Session, staff: Staff, wanted: NewCampaign, rules: MarketRules, now: datetime) -> Campaign:
    """Submit a campaign of the officer's county. The same draft again returns the earlier one.

    Raises NobodySells or NotIdentified.
    """
    earlier = db.scalar(select(Campaign).where(Campaign.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    demand_identified(staff)
    there = on_sale(db, staff.region_code, wanted.crop, rules)
    if there is None:
        raise NobodySells(crop=wanted.crop)
    campaign = Campaign(
        draft_id=wanted.draft_id,
        opened_by=staff.id,
        region_code=staff.region_code,
        crop=wanted.crop,
        season=there.season,
        price_fen=wanted.price_fen,
        least_grams=wanted.least_grams,
        last_day=wanted.last_day,
        closes_at=start_of_day_of(wanted.last_day + timedelta(days=1)),
        rule=VERSION,
        state="submitted",
        submitted_at=now,
    )
    db.add(campaign)
    db.flush()
    open_task(db, matter_of(campaign), STEP, now)
    return campaign


def conflicts(db: Session, subject: str, number: int, _household_id: int | None) -> Mapping[int, str]:
    """Map staff ids to why they may not confirm a campaign: they opened it, or are of the opener's household or kin."""
    campaign = db.get(Campaign, number) if subject == NAME else None
    if campaign is None:
        return {}
    opener = db.get_one(Staff, campaign.opened_by)
    found: dict[int, str] = {}
    for household in {opener.household_id, *households_against(db, [opener.id])} - {None}:
        found.update(conflicts_with(db, household))
    hashes = keyring().lookup_hashes(opener.id_number, "id_number") if opener.id_number else []
    declared = (Conflict.id_hash.in_(hashes)) & Conflict.withdrawn_at.is_(None)
    of_opener = db.scalars(select(Conflict.staff_id).where(declared))
    found.update(spread_to_all_seats(db, dict.fromkeys(of_opener, _KIN)))
    return {**dict.fromkeys(found, _KIN), **dict.fromkeys(all_seats_of(db, [opener.id]), _OPENER)}


def open_file(db: Session, staff: Staff, number: int, rules: MarketRules, now: datetime) -> CampaignFile:
    """Show it to an officer of the place; the reading is recorded. Raises NoSuchCampaign."""
    campaign = db.get(Campaign, number)
    if campaign is None or not may_read_as_authority(db, staff, matter_of(campaign)):
        raise NoSuchCampaign(number=number)
    record_file_access(db, staff, NAME, number, None, now)
    return CampaignFile(
        campaign=campaign,
        place=db.get_one(Region, campaign.region_code).full_name,
        opener=db.get_one(Staff, campaign.opened_by).work_no,
        on_sale=on_sale(db, campaign.region_code, campaign.crop, rules),
        task=view_task(db, staff, NAME, number),
    )


def is_read(db: Session, staff: Staff, number: int) -> bool:
    """Tell whether this officer has read it, which is required before deciding."""
    return has_read(db, staff, NAME, number)


def check_decidable(db: Session, staff: Staff, number: int) -> tuple[Campaign, Task]:
    """Lock it for the officer whose turn it is.

    Raises NoSuchCampaign, OutsideRegion, NotYourTurn, NotIdentified or HasConflict.
    """
    campaign = db.get(Campaign, number, with_for_update=True, populate_existing=True)
    if campaign is None:
        raise NoSuchCampaign(number=number)
    return campaign, demand_task(db, staff, matter_of(campaign), campaign.state)


def confirm(db: Session, staff: Staff, number: int, now: datetime) -> Campaign:
    """Make it public, and tell the growers who may join. Raises as ``check_decidable`` does."""
    campaign, _ = check_decidable(db, staff, number)
    decide(db, matter_of(campaign), 1, staff, "pass", now)
    end_review(db, CAMPAIGN_MACHINE, campaign, "open", staff.actor, now, staff=staff)
    told: set[int] = set()
    for listing in db.scalars(select_supplies(campaign).execution_options(yield_per=200)):
        if listing.seller_id not in told:
            tell_grower(db, campaign, listing.seller_id, now)
            told.add(listing.seller_id)
    tell_officer(db, campaign, now)
    return campaign


def tell_of_open(db: Session, listing: Listing, now: datetime) -> None:
    """Tell the seller of a listing that becomes public of each open campaign that they may supply by it, once."""
    found = select(Campaign).where(Campaign.state == "open", Campaign.closes_at > now, Campaign.crop == listing.crop)
    for campaign in db.scalars(found.order_by(Campaign.id)).all():
        if may_join(db, campaign, listing):
            tell_grower(db, campaign, listing.seller_id, now)


def reject(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Campaign:
    """Keep it from becoming public, and tell who opened it. Raises as ``check_decidable`` does."""
    campaign, _ = check_decidable(db, staff, number)
    decide(db, matter_of(campaign), 1, staff, "reject", now, reasons)
    end_review(db, CAMPAIGN_MACHINE, campaign, "rejected", staff.actor, now, staff=staff)
    tell_officer(db, campaign, now, reasons)
    return campaign
