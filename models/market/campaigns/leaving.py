"""Take an erased person out of the campaigns that are not divided yet, and forget their firm."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.core.leaver import Leaver
from models.core.state_machine import SYSTEM
from models.market.campaigns.campaign import Campaign, CampaignGrower, CampaignPledge
from models.market.campaigns.growers import withdraw
from models.market.campaigns.pledging import end, forget_firm


def leave_campaigns(db: Session, leaver: Leaver) -> None:
    """Take back what the person pledged and joined. Campaigns are locked before listings and orders.

    Of what was divided the parts stay: they are sums without a name, and the orders' own rules forget the rest.
    """
    forget_firm(db, leaver.user_id)
    pledged = (CampaignPledge.buyer_id == leaver.user_id) & (CampaignPledge.state == "standing")
    joined = (CampaignGrower.user_id == leaver.user_id) & (CampaignGrower.state == "standing")
    numbers = select(CampaignPledge.campaign_id).where(pledged)
    others = select(CampaignGrower.campaign_id).where(joined)
    held = select(Campaign).where(or_(Campaign.id.in_(numbers), Campaign.id.in_(others))).order_by(Campaign.id)
    db.scalars(held.with_for_update()).all()
    for row in db.scalars(select(CampaignPledge).where(pledged).execution_options(populate_existing=True)).all():
        end(db, row, "left", SYSTEM, leaver.now)
    for grower in db.scalars(select(CampaignGrower).where(joined).execution_options(populate_existing=True)).all():
        withdraw(db, grower, leaver.now)
    db.flush()
