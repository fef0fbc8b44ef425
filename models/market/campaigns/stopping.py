"""The county stops a campaign before it is divided: a false crop, a reseller among its growers, a wrong price."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from models.core.state_machine import By
from models.market.campaigns.campaign import CAMPAIGN_MACHINE, NAME, Campaign
from models.market.campaigns.ending import end_without
from models.market.campaigns.opening import conflicts, matter_of
from models.market.campaigns.refusals import NoSuchCampaign
from models.market.campaigns.ties import tie_of
from models.staff.decision import decide
from models.staff.member import Staff
from models.staff.turn import HasConflict, demand_identified, demand_region

STOPPED = "stopped"


def may_stop(db: Session, staff: Staff, campaign: Campaign) -> bool:
    """Tell whether this officer of the place may stop it, as its file offers it."""
    stops = (campaign.state, STOPPED) in CAMPAIGN_MACHINE.moves and staff.role == By.COUNTY
    return stops and staff.id_hash is not None and _conflict(db, staff, campaign) is None


def check_stoppable(db: Session, staff: Staff, number: int) -> Campaign:
    """Lock it for an officer of the county who may stop it; whoever divides it waits.

    Raises NoSuchCampaign, OutsideRegion, NotIdentified, HasConflict or WrongState.
    """
    campaign = db.get(Campaign, number, with_for_update=True, populate_existing=True)
    if campaign is None:
        raise NoSuchCampaign(number=number)
    demand_region(db, staff, matter_of(campaign))
    demand_identified(staff)
    reason = _conflict(db, staff, campaign)
    if reason:
        raise HasConflict(subject=NAME, number=number, reason=reason)
    CAMPAIGN_MACHINE.check(campaign.state, STOPPED, staff.actor)
    return campaign


def stop(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Campaign:
    """Stop it for good: nobody owes anything, and everybody who pledged or joined hears the first of the reasons.

    Raises as ``check_stoppable`` does.
    """
    campaign = check_stoppable(db, staff, number)
    decide(db, matter_of(campaign), 1, staff, "freeze", now, reasons)
    end_without(db, campaign, STOPPED, reasons[0], staff.actor, now)
    return campaign


def _conflict(db: Session, staff: Staff, campaign: Campaign) -> str | None:
    """Say why this officer may not stop it: they opened it, are the opener's kin, or are tied to who takes part."""
    return conflicts(db, NAME, campaign.id, None).get(staff.id) or tie_of(db, staff, campaign)
