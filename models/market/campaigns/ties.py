"""Tell whether an officer takes part in a campaign, or is kin of who does: they neither stop it nor strike a firm."""

from typing import Any

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from models.market.campaigns.campaign import Campaign, CampaignGrower, CampaignPledge
from models.market.listing import Listing
from models.people.user import User
from models.staff.conflict_of_interest import households_against
from models.staff.member import Staff, seats_of_users

OWN, TIED = "own_part", "kin"


def tie_of(db: Session, staff: Staff, campaign: Campaign) -> str | None:
    """Return ``OWN`` where the officer takes part, ``TIED`` where their household or kin does, else None."""
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
