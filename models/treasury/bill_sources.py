"""Read the two sides of a day's reconciliation as sorted streams: the bill's lines, and our payments and refunds.

Both sides are of one merchant account. A bill line is matched with ours by number, whatever day we have for it; only
the first bill that names a number is matched. What is ours and on no bill belongs to the day on which it moved by our
clock. A refund moves when it is paid, while the channel lists it on the day it was submitted, which is never later.
``Span`` bounds the day.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, case, cast, collate, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased

from models.core.database import stream
from models.treasury.account_kind import AccountKind, Span
from models.treasury.bill import KEPT, Bill, BillDay, BillLine, begins, ends
from models.treasury.comparison import BillRecord, BookRecord

# Our clock may differ from the channel's by this much.
MIDNIGHT = timedelta(minutes=10)
_DAY = timedelta(days=1)
# Between a refund's own number and its round.
_ROUND = "@"
# A moment before the first payment.
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
# Byte order, the same as Python's order of strings, whatever the server's locale.
_ORDER = "C"


def span_of(db: Session, bill: Bill) -> Span:
    """Compute the span of a day. What moved within MIDNIGHT of a neighbouring day may be on that day's bill, so it is
    judged once both bills are stored. Nothing moved before the first day with a row.
    """
    day, own = bill.day, BillDay.merchant == bill.merchant
    here = set(db.scalars(select(BillDay.day).where(own, BillDay.state != "wanted", BillDay.day >= day - KEPT)))
    first = day
    while first - _DAY in here:
        first -= _DAY
    oldest = db.scalar(select(func.min(BillDay.day)).where(own))
    start = begins(day)
    if day != oldest:
        start += -MIDNIGHT if first < day else MIDNIGHT
    end = ends(day) if day + _DAY in here else ends(day) - MIDNIGHT
    return Span(bill, start, end, _EVER if first == oldest else begins(first))


def bill_records(connection: Connection, bill: Bill) -> Iterator[BillRecord]:
    line = BillLine
    lines = select(line.subject, line.number, line.out_trade_no, line.fen, line.state)
    lines = lines.where(line.merchant == bill.merchant, line.day == bill.day)
    for row in stream(connection, lines.order_by(line.subject, *_sorted(line.number, line.out_trade_no))):
        yield BillRecord(**row._mapping)


def book_records(connection: Connection, kind: AccountKind, span: Span) -> Iterator[BookRecord]:
    found = union_all(*kind.records(span)).subquery()
    order = (found.c.subject, *_sorted(found.c.number, found.c.out_trade_no))
    for row in stream(connection, select(found).order_by(*order)):
        yield BookRecord(**{**row._mapping, "earlier": bool(row.earlier)})


def on_bill_or_missing(span: Span, subject: str, columns: Any, number: Any, at: Any) -> tuple[Select[Any], ...]:
    """Select the records that moved (``at``) in the span and are on no bill, and those that this bill names first."""
    unbilled = columns.where(at >= span.start, at < span.end, ~_on_bill(span.bill, subject, number))
    billed = _billed(span.bill, subject)
    return unbilled, columns.join(billed, billed.c.number == number)


def refunds_on_bill_or_missing(
    span: Span, table: Any, base: Any, is_paid: ColumnElement[bool], columns: Callable[[Any, Any], Select[Any]]
) -> tuple[Select[Any], ...]:
    """Select a table's refunds that were paid in the span and are on no bill, and those that this bill names first.

    ``base``: the column of a refund's number without its round. ``columns`` takes the number and whether it is of an
    earlier round than the refund's present one, as a line of the bill may be.
    """
    present = case((table.round == 1, base), else_=base + _ROUND + cast(table.round, String))
    billed = _billed(span.bill, "refund")
    back = is_paid & (table.ended_at >= span.start) & (table.ended_at < span.end)
    missing = ~_on_bill(span.bill, "refund", present)
    unbilled = columns(present, literal(0)).where(back, table.created_at >= span.since, missing)
    earlier = case((billed.c.number == present, 0), else_=1)
    return unbilled, columns(billed.c.number, earlier).join(billed, billed.c.base_number == base)


def _billed(bill: Bill, subject: str) -> Any:
    """Select the numbers that this day's bill is the first to name, without duplicates."""
    line, before = BillLine, aliased(BillLine)
    earlier = select(before.line).where(before.merchant == bill.merchant, before.subject == subject)
    earlier = earlier.where(before.number == line.number, before.day < bill.day)
    return (
        select(line.number, line.base_number)
        .where(line.merchant == bill.merchant, line.day == bill.day, line.subject == subject)
        .where(~earlier.correlate(line).exists())
        .distinct()
        .subquery()
    )


def _on_bill(bill: Bill, subject: str, number: Any) -> ColumnElement[bool]:
    """Tell whether any bill of the same account names the number."""
    named = select(BillLine.line).where(BillLine.merchant == bill.merchant, BillLine.subject == subject)
    return named.where(BillLine.number == number).exists()


def cause_of(word: str, number: Any) -> ColumnElement[str]:
    """Build the cause under which a ledger has a row: ``order:7``."""
    return literal(f"{word}:") + cast(number, String)


def _sorted(*texts: Any) -> list[ColumnElement[str]]:
    return [collate(one, _ORDER) for one in texts]
