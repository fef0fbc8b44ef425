"""A day's bill held against our books, and what became of it kept: discrepancies, and the day's sums.

Read from one picture of the database and written a page at a time. Nothing else is ever changed by it: the ledger
follows payments and refunds alone, and what to do about a discrepancy is for people.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.calendar import CHINA
from models.core.database import snapshot
from models.core.state_machine import SYSTEM
from models.payments.order import PayOrder
from models.payments.refund import GOING, Refund, find_number
from models.treasury.bill import LOOKED_AGAIN, BillDay, BillLine, ends, hold_day
from models.treasury.bill_sources import Span, ours_of, span_of, theirs_of
from models.treasury.comparison import BACK, Found, judge, pair
from models.treasury.discrepancy import MACHINE, RESOLVED, Discrepancy
from models.treasury.discrepancy_tasks import call_people

PAGE = 200
# Of what may come right by itself, so many are asked about before a day is compared.
MOST_ASKED = 500
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Doubts:
    """What the channel can be asked about: numbers of unpaid orders, and refunds that are under way here."""

    orders: tuple[str, ...]
    refunds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """``new`` discrepancies, ``known`` that were found before, and ``resolved`` that are none any more."""

    new: int
    known: int
    resolved: int


def doubts(db: Session, day: date) -> Doubts:
    """Their callbacks may have been lost: by the bill they are paid, or back."""
    on_bill = BillLine.day == day
    unpaid = select(PayOrder.out_trade_no).distinct().join(BillLine, BillLine.out_trade_no == PayOrder.out_trade_no)
    unpaid = unpaid.where(on_bill, BillLine.subject == "payment", PayOrder.state != "paid")
    going = select(Refund.id).distinct().join(BillLine, BillLine.thing == Refund.out_refund_no)
    going = going.where(on_bill, BillLine.subject == "refund", BillLine.state == BACK, Refund.state.in_(GOING))
    return Doubts(tuple(db.scalars(unpaid.limit(MOST_ASKED))), tuple(db.scalars(going.limit(MOST_ASKED))))


def compare_day(database: Engine, day: date, now: datetime) -> Compared:
    """Safe to be done again, and to be left off anywhere. The day's bill is kept."""
    with Session(database) as db:
        span = span_of(db, day)
    sums = {"payment": 0, "refund": 0}
    new = known = 0
    with snapshot(database.url) as connection:
        found = _found(connection, span, sums)
        while page := list(islice(found, PAGE)):
            with Session(database) as db, db.begin():
                added = _keep(db, page, now)
            new, known = new + added, known + len(page) - added
    resolved = 0
    while some := _resolve(database, day, now):
        resolved += some
    with Session(database) as db, db.begin():
        _end(db, day, sums, now)
        call_people(db, now)
    return Compared(new, known, resolved)


def _found(connection: Connection, span: Span, sums: dict[str, int]) -> Iterator[tuple[date, Found]]:
    """Each discrepancy with its day; ``sums`` are filled with what the ledger has of all that was judged."""
    day_ends = ends(span.day)
    for mine, yours in pair(ours_of(connection, span), theirs_of(connection, span.day)):
        day = span.day
        if mine:
            sums[mine.subject] += mine.ledger_fen
            if yours is None and mine.done_at:
                day = mine.done_at.astimezone(CHINA).date()
        for found in judge(mine, yours, day_ends):
            yield day, found


def _keep(db: Session, page: Sequence[tuple[date, Found]], now: datetime) -> int:
    """Returns how many of them are new."""
    keys = (Discrepancy.day, Discrepancy.subject, Discrepancy.number, Discrepancy.out_trade_no, Discrepancy.kind)
    count = 0
    for day, found in page:
        subject, number, _ = found.key
        says = {
            "ours_fen": found.ours_fen,
            "theirs_fen": found.theirs_fen,
            "ours_state": found.ours_state or _state_here(db, found),
            "theirs_state": found.theirs_state,
            "seen_at": now,
        }
        which = dict(zip((key.key for key in keys), (day, *found.key, found.kind), strict=True))
        refund_no = number if subject == "refund" else None
        new = insert(Discrepancy).values(**which, **says, out_refund_no=refund_no, state="open", found_at=now)
        made = db.scalar(new.on_conflict_do_nothing(index_elements=list(which)).returning(Discrepancy.id))
        if made is None:
            same = [key == which[key.key] for key in keys]
            db.execute(update(Discrepancy).where(*same, Discrepancy.state == "open").values(**says))
            continue
        count += 1
        record(db, at=now, actor="system", action="opened", subject="discrepancy", subject_id=made, detail=found.kind)
    return count


def _state_here(db: Session, found: Found) -> str | None:
    """Of an order that is ours, on whose payment we have nothing; or of a refund that was billed before."""
    subject, number, out_trade_no = found.key
    if subject == "payment":
        return db.scalar(select(PayOrder.state).where(PayOrder.out_trade_no == out_trade_no))
    refund = find_number(db, number)
    return refund.state if refund else None


def _resolve(database: Engine, day: date, now: datetime) -> int:
    """Close what this comparison has not found any more, a page of it."""
    over = select(Discrepancy).where(Discrepancy.day == day, Discrepancy.state == "open", Discrepancy.seen_at < now)
    with Session(database) as db, db.begin():
        discrepancies = db.scalars(over.order_by(Discrepancy.id).limit(PAGE).with_for_update()).all()
        for discrepancy in discrepancies:
            discrepancy.closed_at, discrepancy.reason = now, RESOLVED
            MACHINE.move(db, discrepancy, "closed", SYSTEM, now, detail=RESOLVED)
        return len(discrepancies)


def _end(db: Session, day: date, sums: dict[str, int], now: datetime) -> None:
    row = hold_day(db, day)
    row.ledger_paid_fen, row.ledger_refunded_fen = sums["payment"], sums["refund"]
    row.state, row.compared_at, row.tries, row.trouble = "compared", now, 0, None
    # What moved just before midnight may have been found for the day before.
    for one in (row, db.get(BillDay, day - _DAY)):
        if one is None or one.state != "compared":
            continue
        theirs = select(Discrepancy.id).where(Discrepancy.day == one.day, Discrepancy.state == "open").limit(1)
        if db.scalar(theirs) is None:
            one.due_at = None
        elif one is row or one.due_at is None:
            one.due_at = now + LOOKED_AGAIN
    db.flush()
