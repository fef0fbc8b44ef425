"""Check each appeal's sums of pledges against the pledges themselves."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, or_, select

from models.books.violation import Violation
from models.core.database import stream
from models.giving.pledge import PAID, Pledge
from models.giving.pledge_sums import PledgeSums

_COUNTED: dict[str, Any] = {
    "paid": case((Pledge.state.in_(PAID), 1), else_=0),
    "intended": case((Pledge.state == "intended", 1), else_=0),
    "intended_fen": case((Pledge.state == "intended", Pledge.amount_fen), else_=0),
    "awaiting_fen": case((Pledge.state == "awaiting_payment", Pledge.amount_fen), else_=0),
}


def check_pledge_sums(connection: Connection, _now: datetime) -> Iterator[Violation]:
    """Check each of the sums, all appeals in one pass over the pledges."""
    counted = [func.sum(value).label(name) for name, value in _COUNTED.items()]
    recount = select(Pledge.appeal_id, *counted).group_by(Pledge.appeal_id).subquery()
    pairs = {
        name: (func.coalesce(recount.c[name], 0), func.coalesce(getattr(PledgeSums, name), 0)) for name in _COUNTED
    }
    appeal_id = func.coalesce(recount.c.appeal_id, PledgeSums.appeal_id)
    columns = [
        column for name, (has, kept) in pairs.items() for column in (has.label(name), kept.label(f"{name}_kept"))
    ]
    found = select(appeal_id.label("id"), *columns).select_from(recount)
    found = found.outerjoin(PledgeSums, PledgeSums.appeal_id == recount.c.appeal_id, full=True)
    differs = or_(*(has != kept for has, kept in pairs.values()))
    for row in stream(connection, found.where(differs).order_by(appeal_id)):
        values = row._mapping
        wrong = {name: (int(values[f"{name}_kept"]), int(values[name])) for name in _COUNTED}
        words = ", ".join(f"{name} {kept} for {has}" for name, (kept, has) in wrong.items() if kept != has)
        yield Violation("pledge_sums_differ", "appeal", row.id, f"has sums that its pledges do not come to: {words}")
