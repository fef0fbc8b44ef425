"""Check stock: what is available, reserved, delivered and lost of each thing is what its moves add up to."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from models.books.violation import Violation
from models.core.database import stream
from models.goods.exchange import Offer
from models.market.listing import Listing
from models.stock.move import COLUMNS, StockMove, delta_of


def check_stock(connection: Connection, _now: datetime) -> Iterator[Violation]:
    for name, table in (("offer", Offer), ("listing", Listing)):
        sums = [func.coalesce(func.sum(delta_of(column)), 0).label(column) for column in COLUMNS]
        moves = select(StockMove.thing_id, *sums).where(StockMove.thing == name).group_by(StockMove.thing_id).subquery()
        stated = [func.coalesce(moves.c[column], 0) for column in COLUMNS]
        differs = or_(*(getattr(table, column) != found for column, found in zip(COLUMNS, stated, strict=True)))
        wrong = select(table.id).outerjoin(moves, moves.c.thing_id == table.id).where(differs)
        for found in stream(connection, wrong.order_by(table.id)):
            yield Violation("stock_differs", name, found.id, "has other figures than its moves add up to")
