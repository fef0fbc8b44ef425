"""End a campaign: who got something of it, and who nothing; everybody who stands in it hears which, and why."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from models.core.measures import JIN
from models.core.state_machine import SYSTEM, Actor
from models.market.campaigns.campaign import (
    CAMPAIGN_MACHINE,
    GROWER_MACHINE,
    Campaign,
    CampaignGrower,
    CampaignPledge,
)
from models.market.campaigns.growers import growers_of
from models.market.campaigns.pledging import end_each, pledges_of
from models.market.campaigns.rule import Part
from models.market.campaigns.telling import End, drop_invitations, tell_ends, tell_officer


def end_without(db: Session, campaign: Campaign, to: str, why: str, actor: Actor, now: datetime) -> None:
    """End it without anything (``to``: failed, stopped): nobody owes anything, and all hear it. The caller holds it."""
    drop_invitations(db, campaign)
    with db.no_autoflush:  # the row satisfies its constraints only with the reason
        campaign.why = why
        CAMPAIGN_MACHINE.move(db, campaign, to, actor, now, why)
    db.flush()
    end_all(db, campaign, growers_of(db, campaign), pledges_of(db, campaign.id), (), now)


def end_all(
    db: Session,
    campaign: Campaign,
    growers: Sequence[CampaignGrower],
    pledges: Sequence[CampaignPledge],
    parts: Sequence[Part],
    now: datetime,
) -> None:
    """End each part in it: who got something, and who nothing; all hear it. Without parts nobody got anything."""
    bought, supplied, orders = Counter[int](), Counter[int](), Counter[tuple[str, int]]()
    for part in parts:
        bought[part.buyer] += part.amount * JIN
        supplied[part.grower] += part.amount * JIN
        orders.update((("buyer", part.buyer), ("grower", part.grower)))
    ends, ended = [], defaultdict[str, list[CampaignPledge]](list)
    for pledged in pledges:
        pledged.given_grams = given = bought[pledged.id]
        ended["served" if given else "unserved"].append(pledged)
        ends.append(End("buyer", pledged.buyer_id, pledged.grams, given, orders["buyer", pledged.id]))
    end_each(db, ended, SYSTEM, now)
    for grower in growers:
        grower.cap_grams = grower.cap_grams or 0
        grower.given_grams = given = supplied[grower.id]
        GROWER_MACHINE.move(db, grower, "served" if given else "unserved", SYSTEM, now)
        ends.append(End("grower", grower.user_id, grower.cap_grams, given, orders["grower", grower.id]))
    tell_ends(db, campaign, ends, now)
    tell_officer(db, campaign, now)
    db.flush()
