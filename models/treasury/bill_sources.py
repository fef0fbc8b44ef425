"""Read the two sides of a day's reconciliation as sorted streams: the bill's lines, and our payments and refunds.

Both sides are of one merchant account. A bill line is matched with ours by number, whatever day we have for it; only
the first bill that names a number is matched. What is ours and on no bill belongs to the day on which it moved by our
clock. A refund moves when it is paid, while the channel lists it on the day it was submitted, which is never later.
``Span`` bounds the day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, case, cast, collate, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased

from models.core.database import stream
from models.ledger.accounts import LedgerAccount
from models.ledger.tables import LedgerEntry, LedgerTransaction
from models.payments.order import PayOrder
from models.payments.refund import Refund
from models.payments.suspense import SuspenseItem
from models.treasury.bill import KEPT, Bill, BillDay, BillLine, begins, ends
from models.treasury.comparison import BillRecord, BookRecord

# Our clock may differ from the channel's by this much.
MIDNIGHT = timedelta(minutes=10)
_IN, _OUT = ("payment_received", "payment_unassigned"), ("refund_paid",)
_DAY = timedelta(days=1)
# Between a refund's own number and its round (models.payments.refund.Refund.number).
_ROUND = "@"
# A moment before the first payment.
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
# Byte order, the same as Python's order of strings, whatever the server's locale.
_ORDER = "C"


@dataclass(frozen=True, slots=True)
class Span:
    """The period in which our payments and refunds on no bill count as missing: from ``start`` to before ``end``.

    ``since``: from then on every day's bill is stored. A refund created earlier may be on a bill that is not.
    """

    bill: Bill
    start: datetime
    end: datetime
    since: datetime


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


def book_records(connection: Connection, span: Span) -> Iterator[BookRecord]:
    found = union_all(
        *_payments(span, PayOrder.transaction_id, PayOrder.paid_at, PayOrder.state, _cause("order:", PayOrder.id)),
        *_payments(
            span,
            SuspenseItem.transaction_id,
            SuspenseItem.opened_at,
            SuspenseItem.kind,
            _cause("suspense_item:", SuspenseItem.id),
        ),
        *_refunds(span),
    ).subquery()
    order = (found.c.subject, *_sorted(found.c.number, found.c.out_trade_no))
    for row in stream(connection, select(found).order_by(*order)):
        yield BookRecord(**{**row._mapping, "earlier": bool(row.earlier)})


def _payments(span: Span, number: Any, at: Any, state: Any, cause: ColumnElement[str]) -> tuple[Select[Any], ...]:
    """Select payments, on the bill or not. A suspense item is a payment too, dated by when it was opened."""
    table = number.class_
    columns = select(
        literal("payment").label("subject"),
        number.label("number"),
        table.out_trade_no.label("out_trade_no"),
        table.amount_fen.label("fen"),
        state.label("state"),
        at.label("done_at"),
        _at_channel(cause, _IN).label("ledger_fen"),
        literal(0).label("earlier"),
    ).where(table.merchant == span.bill.merchant)
    if table is PayOrder:
        # A payment that came as a suspense item and was assigned to its order counts as the item's, not the order's.
        taken = select(SuspenseItem.id).where(SuspenseItem.merchant == PayOrder.merchant)
        columns = columns.where(~taken.where(SuspenseItem.transaction_id == PayOrder.transaction_id).exists())
    unbilled = columns.where(at >= span.start, at < span.end, ~_on_bill(span.bill, "payment", number))
    billed = _billed(span.bill, "payment")
    return unbilled, columns.join(billed, billed.c.number == number)


def _refunds(span: Span) -> tuple[Select[Any], ...]:
    """Select refunds that are paid or on the bill. A line may be of an earlier round than the refund's present one."""
    at_first = Refund.round == 1
    present = case((at_first, Refund.out_refund_no), else_=Refund.out_refund_no + _ROUND + cast(Refund.round, String))
    billed = _billed(span.bill, "refund")
    cause = _cause("refund:", Refund.id)

    def columns(number: Any, earlier: Any) -> Select[Any]:
        found = select(
            literal("refund").label("subject"),
            number.label("number"),
            PayOrder.out_trade_no.label("out_trade_no"),
            Refund.amount_fen.label("fen"),
            Refund.state.label("state"),
            Refund.ended_at.label("done_at"),
            (case((earlier == 1, 0), else_=-_at_channel(cause, _OUT))).label("ledger_fen"),
            earlier.label("earlier"),
        )
        return found.join(PayOrder, PayOrder.id == Refund.pay_order_id).where(Refund.merchant == span.bill.merchant)

    back = (Refund.state == "paid") & (Refund.ended_at >= span.start) & (Refund.ended_at < span.end)
    missing = ~_on_bill(span.bill, "refund", present)
    unbilled = columns(present, literal(0)).where(back, Refund.created_at >= span.since, missing)
    earlier = case((billed.c.number == present, 0), else_=1)
    billed_ones = columns(billed.c.number, earlier).join(billed, billed.c.base_number == Refund.out_refund_no)
    return unbilled, billed_ones, *_by_hand(span, billed)


def _by_hand(span: Span, billed: Any) -> tuple[Any, ...]:
    """Select suspense items that the fund holder refunded by hand on the channel's site, by the number entered then."""
    columns = select(
        literal("refund").label("subject"),
        SuspenseItem.refund_no.label("number"),
        SuspenseItem.out_trade_no.label("out_trade_no"),
        SuspenseItem.amount_fen.label("fen"),
        literal("paid").label("state"),
        SuspenseItem.closed_at.label("done_at"),
        (-_at_channel(_cause("suspense_item:", SuspenseItem.id), _OUT)).label("ledger_fen"),
        literal(0).label("earlier"),
    ).where(SuspenseItem.merchant == span.bill.merchant, SuspenseItem.refund_no.is_not(None))
    lately = (SuspenseItem.closed_at >= span.start) & (SuspenseItem.closed_at < span.end)
    unbilled = columns.where(lately, ~_on_bill(span.bill, "refund", SuspenseItem.refund_no))
    return unbilled, columns.join(billed, billed.c.number == SuspenseItem.refund_no)


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


def _at_channel(cause: ColumnElement[str], kinds: tuple[str, ...]) -> ColumnElement[int]:
    """Sum the fen that postings of these kinds moved at the channel, debit positive, without reversed ones."""
    posted, entry, reversal = LedgerTransaction, LedgerEntry, aliased(LedgerTransaction)
    channel = select(LedgerAccount.id).where(LedgerAccount.kind == "channel")
    return (
        select(func.coalesce(func.sum(entry.amount_fen), 0))
        .join(posted, posted.id == entry.transaction_id)
        .where(entry.account_id.in_(channel), posted.kind.in_(kinds), posted.cause == cause)
        .where(~select(reversal.id).where(reversal.reverses_id == posted.id).exists())
        .scalar_subquery()
    )


def _cause(word: str, number: Any) -> ColumnElement[str]:
    return literal(word) + cast(number, String)


def _sorted(*texts: Any) -> list[ColumnElement[str]]:
    return [collate(one, _ORDER) for one in texts]
