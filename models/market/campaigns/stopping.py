"""The county stops a campaign before it is divided: a false crop, a reseller among its growers, a wrong price."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from models.core.state_machine import By
from models.market.campaigns.campaign import CAMPAIGN_MACHINE, NAME, Campaign, CampaignGrower, CampaignPledge
from models.market.campaigns.ending import end_without
from models.market.campaigns.opening import conflicts, matter_of
from models.market.campaigns.refusals import NoSuchCampaign
from models.market.listing import Listing
from models.people.user import User
from models.staff.conflict_of_interest import households_against
from models.staff.decision import decide
from models.staff.member import Staff, seats_of_users
from models.staff.turn import HasConflict, demand_identified, demand_region

STOPPED = "stopped"
# Why an officer may not stop it: they take part themselves, or somebody of theirs does.
OWN, TIED = "own_part", "kin"


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
    tie = conflicts(db, NAME, campaign.id, None).get(staff.id)
    if tie:
        return tie
    standing = (CampaignGrower.campaign_id == campaign.id) & (CampaignGrower.state == "standing")
    sells = select(CampaignGrower.user_id, Listing.household_id).join(Listing, Listing.id == CampaignGrower.listing_id)
    # Of what an organisation sells, also the household of whoever speaks for it.
    speaks = select(CampaignGrower.user_id, User.household_id).join(User, User.id == CampaignGrower.user_id)
    buys = select(CampaignPledge.buyer_id, User.household_id).join(User, User.id == CampaignPledge.buyer_id)
    buys = buys.where(CampaignPledge.campaign_id == campaign.id, CampaignPledge.state == "standing")
    takers: Any = db.execute(union_all(sells.where(standing), speaks.where(standing), buys)).all()
    if staff.id in seats_of_users(db, {row[0] for row in takers}):
        return OWN
    return TIED if households_against(db, [staff.id]) & {row[1] for row in takers} else None
