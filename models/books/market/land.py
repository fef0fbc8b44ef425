"""Check the market: what a household lists of a crop over all its listings fits on the land that it stated."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, func, select

from models.books.violation import Violation
from models.core.database import stream
from models.market.listing import Listing
from models.market.statement import Statement
from models.market.submission import COUNTED_GRAMS


def check_land(connection: Connection, _now: datetime) -> Iterator[Violation]:
    harvest = (Listing.household_id, Listing.crop, Listing.season)
    listed = (
        select(*harvest, func.sum(COUNTED_GRAMS).label("grams"))
        .where(Listing.crop.is_not(None))
        .group_by(*harvest)
        .subquery()
    )
    same = (Statement.household_id == listed.c.household_id) & (Statement.crop == listed.c.crop)
    same &= Statement.season == listed.c.season
    over = select(Statement.id).join(listed, same).where(listed.c.grams > Statement.most_grams)
    for found in stream(connection, over.order_by(Statement.id)):
        yield Violation("over_plot", "producer_statement", found.id, "lists more than its land gives")
    unstated = select(Listing.id).outerjoin(
        Statement,
        (Statement.household_id == Listing.household_id)
        & (Statement.crop == Listing.crop)
        & (Statement.season == Listing.season),
    )
    unstated = unstated.where(Listing.crop.is_not(None), Statement.id.is_(None)).order_by(Listing.id)
    for found in stream(connection, unstated):
        yield Violation("not_stated", "listing", found.id, "has a crop, and its household stated no land for it")
