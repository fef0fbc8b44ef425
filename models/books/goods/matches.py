"""Check matches: what offers and requests say is held, promised and received is what their matches and shelves hold."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from models.books.violation import Violation
from models.core.database import stream
from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches.match import HELD, Match
from models.goods.points.point import Shelf

_RECEIVED = ("collected", "confirmed", "issue")


def check_matches(connection: Connection, _now: datetime) -> Iterator[Violation]:
    yield from _differing(connection, "offer_holds", Offer, Offer.reserved, [_of(Match.offer_id, HELD), _on_shelves()])
    yield from _differing(
        connection, "request_promised", GoodsRequest, GoodsRequest.promised, [_of(Match.request_id, HELD)]
    )
    yield from _differing(
        connection, "request_received", GoodsRequest, GoodsRequest.received, [_of(Match.request_id, _RECEIVED)]
    )
    # A clock that nothing stops, or one that stopped: either would hold goods for ever.
    running = Match.state.in_((*HELD, "collected")) != Match.due_at.is_not(None)
    for found in stream(connection, select(Match.id, Match.state).where(running).order_by(Match.id)):
        yield Violation("match_clock", "match", found.id, f"stands in {found.state} and has no clock, or one too many")
    codes = (Match.state == "at_point") != Match.code_hash.is_not(None)
    for found in stream(connection, select(Match.id, Match.state).where(codes).order_by(Match.id)):
        yield Violation("match_code", "match", found.id, f"stands in {found.state} and can or cannot be collected")


def _of(column: Any, states: tuple[str, ...]) -> Any:
    """Select (id, quantity) of what matches in these states hold, by the column that they belong to."""
    held = select(column.label("id"), func.sum(Match.quantity).label("held"))
    return held.where(Match.state.in_(states)).group_by(column).subquery()


def _on_shelves() -> Any:
    lying = select(Shelf.offer_id.label("id"), func.sum(Shelf.quantity).label("held"))
    return lying.group_by(Shelf.offer_id).subquery()


def _differing(connection: Connection, code: str, table: Any, stated: Any, parts: list[Any]) -> Iterator[Violation]:
    """Yield a violation for each row whose column is not the sum of these parts."""
    rows = select(table.id)
    for part in parts:
        rows = rows.outerjoin(part, part.c.id == table.id)
    held: Any = sum(func.coalesce(part.c.held, 0) for part in parts)
    what = "offer" if table is Offer else "request"
    for found in stream(connection, rows.where(stated != held).order_by(table.id)):
        yield Violation(code, what, found.id, "says another quantity than its matches and shelves hold")
