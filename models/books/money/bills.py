"""Check reconciliation: each day was compared in time, its bill's lines are complete, no discrepancy is overdue.

A discrepancy by itself is no violation; it is one when it has been open for WAITS. A missing bill is a violation as
long as the bill can still be fetched.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, or_, select
from sqlalchemy.orm import aliased

from models.books.violation import Violation
from models.core.calendar import CHINA
from models.core.database import stream
from models.staff.task import Task
from models.treasury.account_kind import KINDS
from models.treasury.bill import KEPT, SUBJECTS, Bill, BillDay, BillLine, number_of
from models.treasury.discrepancy import Discrepancy

WAITS = timedelta(days=7)
COMPARED_WITHIN = timedelta(days=3)
_DAY = timedelta(days=1)


def check_bills(connection: Connection, now: datetime) -> Iterator[Violation]:
    yield from _missing(connection, now)
    yield from _lines(connection, now)
    waits = select(Discrepancy.id, Discrepancy.kind, Discrepancy.day).where(Discrepancy.state == "open")
    for found in stream(connection, waits.where(Discrepancy.found_at < now - WAITS).order_by(Discrepancy.id)):
        words = f"({found.kind} of {found.day}) has been open for more than {WAITS.days} days"
        yield Violation("discrepancy_waits", "discrepancy", found.id, words)
    yield from _tasks(connection)


def _tasks(connection: Connection) -> Iterator[Violation]:
    """Check that each compared day with open discrepancies has a task, and that no other task is open."""
    other, waits = aliased(Discrepancy), (Task.subject == "discrepancy") & Task.closed_at.is_(None)
    named = select(Task.id).join(other, other.id == Task.subject_id).where(waits, other.day == Discrepancy.day)
    of_bill = (BillDay.merchant == Discrepancy.merchant) & (BillDay.day == Discrepancy.day)
    missing = select(Discrepancy.id).join(BillDay, of_bill)
    missing = missing.where(Discrepancy.state == "open", BillDay.state == "compared", ~named.exists())
    for found in stream(connection, missing.order_by(Discrepancy.id)):
        yield Violation("task_missing", "discrepancy", found.id, "is open, and in nobody's queue")
    needless = select(Task.subject_id).outerjoin(Discrepancy, Discrepancy.id == Task.subject_id).where(waits)
    needless = needless.where(or_(Discrepancy.id.is_(None), Discrepancy.state != "open")).order_by(Task.subject_id)
    for found in stream(connection, needless):
        yield Violation("task_needless", "discrepancy", found.subject_id, "has a task open, and is closed")


def _missing(connection: Connection, now: datetime) -> Iterator[Violation]:
    """Check that every day with a row, and every day up to the last on which money moved, was compared in time.

    Each merchant account, of a charity or a seller, has bills from its own first order on.
    """
    for kind in KINDS.values():
        for account in connection.execute(kind.periods()).all():
            first, last = (at.astimezone(CHINA).date() for at in (account.began, account.moved or account.began))
            yield from _missing_of(connection, account.merchant, first, last, now)


def _missing_of(connection: Connection, merchant: str, first: date, last: date, now: datetime) -> Iterator[Violation]:
    today = now.astimezone(CHINA).date()
    begin, until = max(first, today - KEPT), today - COMPARED_WITHIN
    rows = select(BillDay.day, BillDay.state, BillDay.trouble).where(BillDay.merchant == merchant)
    known = {row.day: row for row in connection.execute(rows.where(BillDay.day >= begin, BillDay.day < until))}
    for day in (begin + n * _DAY for n in range((until - begin).days)):
        row = known.get(day)
        if row is None and day <= last:
            yield Violation("bill_missing", "bill_day", number_of(day), f"of account {merchant} was never asked for")
        elif row is not None and row.state != "compared":
            why = row.trouble or "nothing came between"
            words = f"of account {merchant} is {row.state} after {COMPARED_WITHIN.days} days ({why})"
            yield Violation("bill_missing", "bill_day", number_of(day), words)


def _lines(connection: Connection, now: datetime) -> Iterator[Violation]:
    """Check that the lines of each day, while they are kept, have the count and sums stored with the day."""
    since = now.astimezone(CHINA).date() - KEPT
    key = (BillLine.merchant, BillLine.day, BillLine.subject)
    each = select(*key, func.count().label("lines"), func.sum(BillLine.fen).label("fen"))
    sums: dict[tuple[Bill, str], tuple[int, int]] = {}
    for some in stream(connection, each.where(BillLine.day >= since).group_by(*key)):
        sums[Bill(some.merchant, some.day), some.subject] = (some.lines, int(some.fen))
    days = select(BillDay.merchant, BillDay.day, BillDay.lines, BillDay.paid_fen, BillDay.refunded_fen)
    days = days.where(BillDay.state != "wanted", BillDay.day >= since).order_by(BillDay.day, BillDay.merchant)
    for row in connection.execute(days):
        bill = Bill(row.merchant, row.day)
        (paid, paid_fen), (back, back_fen) = (sums.get((bill, subject), (0, 0)) for subject in SUBJECTS)
        if (row.lines, row.paid_fen, row.refunded_fen) != (paid + back, paid_fen, back_fen):
            words = f"has {row.lines} lines, and {paid + back} of {paid_fen} and {back_fen} fen are there"
            yield Violation("bill_lines", "bill_day", number_of(row.day), words)
