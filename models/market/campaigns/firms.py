"""Let the county read which firms pledged in a campaign, and strike one that is not what it says it is.

A firm pledges by the tonne, and where there is less than was pledged everybody else gets less for it. So its pledge
stands by its name and its unified social credit code, one code once in a campaign; after the last day the division
waits ``CHECKED_WITHIN`` for the officers who opened and confirmed it to look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models.core.paging import Page, page_of
from models.core.state_machine import By
from models.market.campaigns.campaign import NAME, PLEDGE, Campaign, CampaignPledge
from models.market.campaigns.opening import matter_of
from models.market.campaigns.pledging import end, forget_firm
from models.market.campaigns.refusals import FirmGone, NoSuchCampaign
from models.market.campaigns.telling import tell_checkers, tell_struck
from models.market.campaigns.ties import tie_of
from models.staff.decision import Decision, decide
from models.staff.file_access import record_file_access
from models.staff.member import Staff
from models.staff.task import Matter
from models.staff.turn import HasConflict, demand_identified, demand_region

# Long enough to look a firm up in the public register, short enough for what is picked.
CHECKED_WITHIN = timedelta(days=2)
STRUCK = "struck"
UNDIVIDED = ("open", "reached")
_PAGE = 8
# A masked code shows where the firm is registered, and enough to find it again in the register.
_HEAD, _TAIL = 8, 4


@dataclass(frozen=True, slots=True)
class FirmLine:
    """A firm's pledge (``number``) as officers read it. ``code``: masked; None where it was pledged without one."""

    number: int
    name: str | None
    code: str | None
    grams: int


@dataclass(frozen=True, slots=True)
class Firms:
    """How many firms stand in a campaign, and with how much."""

    count: int
    grams: int


def firms_in(db: Session, number: int) -> Firms:
    sums = select(func.count(), func.coalesce(func.sum(CampaignPledge.grams), 0)).where(_stands_in(number))
    count, grams = db.execute(sums).one()
    return Firms(count, int(grams))


def may_check(db: Session, staff: Staff, campaign: Campaign) -> bool:
    """Tell whether this officer of the place may read its firms, as its file offers it."""
    county = staff.role == By.COUNTY and staff.id_hash is not None
    return county and campaign.state in UNDIVIDED and tie_of(db, staff, campaign) is None


def read_firms(db: Session, staff: Staff, number: int, after: int, now: datetime) -> Page[FirmLine]:
    """List a page of the firms that stand in a campaign, the first first; each reading is recorded.

    ``after``: the number of the last pledge seen. Raises NoSuchCampaign, OutsideRegion, NotIdentified or HasConflict.
    """
    _check_checker(db, staff, db.get(Campaign, number), number)
    found = select(CampaignPledge).where(_stands_in(number), CampaignPledge.id > after)
    page = page_of(db.scalars(found.order_by(CampaignPledge.id).limit(_PAGE + 1)).all(), _PAGE, lambda each: each.id)
    for each in page.items:
        record_file_access(db, staff, PLEDGE, each.id, each.buyer_id, now)
    return Page([_line(each) for each in page.items], page.after)


def check_strikeable(db: Session, staff: Staff, number: int) -> tuple[Campaign, CampaignPledge]:
    """Lock the campaign of a firm's pledge, and the pledge, for an officer who may strike it; who divides it waits.

    Raises FirmGone, OutsideRegion, NotIdentified or HasConflict.
    """
    pledged = db.get(CampaignPledge, number)
    if pledged is None:
        raise FirmGone(campaign=None)
    campaign = db.get(Campaign, pledged.campaign_id, with_for_update=True, populate_existing=True)
    campaign = _check_checker(db, staff, campaign, pledged.campaign_id)
    pledged = db.get_one(CampaignPledge, number, with_for_update=True, populate_existing=True)
    if campaign.state not in UNDIVIDED or not pledged.by_firm or pledged.state != "standing":
        raise FirmGone(campaign=campaign.id)
    return campaign, pledged


def strike(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Campaign:
    """Take a firm out of a campaign, and tell whoever pledged for it why; until the last day it may pledge again.

    They are then asked anew for the firm's name and code, which were known. Raises as ``check_strikeable`` does.
    """
    campaign, pledged = check_strikeable(db, staff, number)
    matter = Matter(PLEDGE, number, campaign.region_code, None)
    decision = decide(db, matter, 1, staff, "reject", now, reasons)
    end(db, pledged, STRUCK, staff.actor, now)
    forget_firm(db, pledged.buyer_id)
    tell_struck(db, campaign, pledged, decision.id, reasons, now)
    return campaign


def wait_for_check(db: Session, campaign: Campaign, now: datetime) -> None:
    """Say from when a campaign that is reached may be divided: with firms in it, once the county could look at them."""
    firms = firms_in(db, campaign.id)
    campaign.divides_at = now + CHECKED_WITHIN if firms.count else now
    if firms.count:
        theirs = (Decision.subject == NAME) & (Decision.subject_id == campaign.id) & (Decision.verdict == "pass")
        officers = {campaign.opened_by, *db.scalars(select(Decision.staff_id).where(theirs))}
        tell_checkers(db, campaign, sorted(officers), firms.count, firms.grams, now)


def _stands_in(number: int) -> ColumnElement[bool]:
    return (CampaignPledge.campaign_id == number) & CampaignPledge.by_firm & (CampaignPledge.state == "standing")


def _check_checker(db: Session, staff: Staff, campaign: Campaign | None, number: int) -> Campaign:
    if campaign is None:
        raise NoSuchCampaign(number=number)
    demand_region(db, staff, matter_of(campaign))
    demand_identified(staff)
    reason = tie_of(db, staff, campaign)
    if reason:
        raise HasConflict(subject=NAME, number=campaign.id, reason=reason)
    return campaign


def _line(pledged: CampaignPledge) -> FirmLine:
    code = pledged.credit_code
    masked = code and code[:_HEAD] + "*" * (len(code) - _HEAD - _TAIL) + code[-_TAIL:]
    return FirmLine(pledged.id, pledged.firm, masked, pledged.grams)
