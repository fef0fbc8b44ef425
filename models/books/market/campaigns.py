"""Check that growers, buyers and orders of a campaign add up to one sum, and that nobody bought of their household."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from models.books.violation import Violation
from models.core.database import stream
from models.market.campaigns.campaign import Campaign, CampaignGrower, CampaignPart, CampaignPledge

_DIVIDED = ("divided", "done")


def check_campaigns(connection: Connection, _now: datetime) -> Iterator[Violation]:
    for table, column in ((CampaignPledge, CampaignPart.pledge_id), (CampaignGrower, CampaignPart.grower_id)):
        sums = select(column.label("id"), func.sum(CampaignPart.grams).label("grams")).group_by(column).subquery()
        apart = func.coalesce(table.given_grams, 0) != func.coalesce(sums.c.grams, 0)
        # Who left, and a firm that was struck, gets nothing of it.
        apart |= (table.state != "served") & sums.c.grams.is_not(None)
        wrong = select(table.id).outerjoin(sums, sums.c.id == table.id).where(apart).order_by(table.id)
        for found in stream(connection, wrong):
            name = table.__tablename__.removesuffix("s")
            yield Violation("campaign_sums", name, found.id, "got something else than its parts add up to")
    over = ~Campaign.state.in_(("submitted", "open", "reached"))
    for table in (CampaignPledge, CampaignGrower):
        waits = (table.campaign_id == Campaign.id) & (table.state == "standing")
        left = select(Campaign.id).where(over, select(table.id).where(waits).exists()).order_by(Campaign.id)
        for found in stream(connection, left):
            yield Violation("campaign_over", "campaign", found.id, "is over, and somebody still stands in it")
    empty = ~select(CampaignPart.id).where(CampaignPart.campaign_id == Campaign.id).exists()
    unlike = or_(Campaign.state.in_(_DIVIDED) & empty, ~Campaign.state.in_(_DIVIDED) & ~empty)
    for found in stream(connection, select(Campaign.id).where(unlike).order_by(Campaign.id)):
        yield Violation("campaign_parts", "campaign", found.id, "is divided without parts, or the reverse")
