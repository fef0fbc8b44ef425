"""Reconcile a day's bill with our books, and keep the discrepancies and the day's sums.

It reads one snapshot of the database and writes a page at a time. It changes nothing else: the ledger follows
payments and refunds alone, and people decide what to do about a discrepancy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, Connection, Engine, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.calendar import CHINA
from models.core.database import snapshot
from models.core.state_machine import SYSTEM
from models.treasury.account_kind import AccountKind, Span
from models.treasury.bill import COMPARED_AGAIN, Bill, BillDay, ends, lock_bill_day
from models.treasury.bill_sources import bill_records, book_records, span_of
from models.treasury.comparison import FoundDiscrepancy, judge, pair
from models.treasury.discrepancy import MACHINE, RESOLVED, Discrepancy
from models.treasury.discrepancy_tasks import sync_discrepancy_tasks

PAGE = 200
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Compared:
    """Counts of discrepancies: ``new``, ``known`` (found before) and ``resolved`` (no longer found)."""

    new: int
    known: int
    resolved: int


def compare_day(database: Engine, kind: AccountKind, bill: Bill, now: datetime) -> Compared:
    """Compare a day whose bill is kept. Safe to repeat, and to interrupt at any point."""
    with Session(database) as db:
        span = span_of(db, bill)
    sums = {"payment": 0, "refund": 0}
    new = known = 0
    with snapshot(database.url) as connection:
        found = _found(connection, kind, span, sums)
        while page := list(islice(found, PAGE)):
            with Session(database) as db, db.begin():
                added = _keep(db, kind, page, now)
            new, known = new + added, known + len(page) - added
    resolved = 0
    while some := _resolve(database, bill, now):
        resolved += some
    with Session(database) as db, db.begin():
        _end(db, bill, sums, now)
        sync_discrepancy_tasks(db, now)
    return Compared(new, known, resolved)


def _found(
    connection: Connection, kind: AccountKind, span: Span, sums: dict[str, int]
) -> Iterator[tuple[Bill, FoundDiscrepancy]]:
    """Yield each discrepancy with the bill it is of; add what the ledger moved, in fen, to ``sums`` by subject."""
    day_ends = ends(span.bill.day)
    for mine, yours in pair(book_records(connection, kind, span), bill_records(connection, span.bill)):
        bill = span.bill
        if mine:
            sums[mine.subject] += mine.ledger_fen
            if yours is None and mine.done_at:
                bill = bill._replace(day=mine.done_at.astimezone(CHINA).date())
        for found in judge(mine, yours, day_ends):
            yield bill, found


def _keep(db: Session, kind: AccountKind, page: Sequence[tuple[Bill, FoundDiscrepancy]], now: datetime) -> int:
    """Insert or update a page of discrepancies. Returns how many are new."""
    found_once = ("merchant", "day", "subject", "number", "out_trade_no", "kind")
    count = 0
    for bill, found in page:
        subject, number, _ = found.key
        says = {
            "ours_fen": found.ours_fen,
            "theirs_fen": found.theirs_fen,
            "ours_state": found.ours_state or kind.state_here(db, bill.merchant, *found.key),
            "theirs_state": found.theirs_state,
            "seen_at": now,
        }
        which = dict(zip(found_once, (*bill, *found.key, found.kind), strict=True))
        refund_no = number if subject == "refund" else None
        new = insert(Discrepancy).values(**which, **says, out_refund_no=refund_no, state="open", found_at=now)
        made = db.scalar(new.on_conflict_do_nothing(index_elements=found_once).returning(Discrepancy.id))
        if made is None:
            db.execute(update(Discrepancy).filter_by(**which, state="open").values(**says))
            continue
        count += 1
        record(db, at=now, actor="system", action="opened", subject="discrepancy", subject_id=made, detail=found.kind)
    return count


def _resolve(database: Engine, bill: Bill, now: datetime) -> int:
    """Close up to a page of the discrepancies that this comparison no longer found. Returns how many."""
    over = select(Discrepancy).where(_open_of(bill), Discrepancy.seen_at < now)
    with Session(database) as db, db.begin():
        discrepancies = db.scalars(over.order_by(Discrepancy.id).limit(PAGE).with_for_update()).all()
        for discrepancy in discrepancies:
            discrepancy.closed_at, discrepancy.reason = now, RESOLVED
            MACHINE.move(db, discrepancy, "closed", SYSTEM, now, detail=RESOLVED)
        return len(discrepancies)


def _end(db: Session, bill: Bill, sums: dict[str, int], now: datetime) -> None:
    row = lock_bill_day(db, bill)
    row.ledger_paid_fen, row.ledger_refunded_fen = sums["payment"], sums["refund"]
    row.state, row.compared_at, row.tries, row.trouble = "compared", now, 0, None
    # A discrepancy near midnight may have been found for the day before, so that day's due time is set as well.
    for one in (row, db.get(BillDay, bill._replace(day=bill.day - _DAY))):
        if one is None or one.state != "compared":
            continue
        if db.scalar(select(Discrepancy.id).where(_open_of(one.bill)).limit(1)) is None:
            one.due_at = None
        elif one is row or one.due_at is None:
            one.due_at = now + COMPARED_AGAIN
    db.flush()


def _open_of(bill: Bill) -> ColumnElement[bool]:
    of_bill = (Discrepancy.merchant == bill.merchant) & (Discrepancy.day == bill.day)
    return of_bill & (Discrepancy.state == "open")
