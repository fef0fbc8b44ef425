"""Keep the pay channel's daily trade bills: their state, their sums, and their lines while the channel keeps them.

Each merchant account has its own bills. A day is a day in China. Its bill can be fetched from ten o'clock the next
morning, for three months, and never changes. A day without transactions has no bill and is compared like any other.
Lines hold numbers and sums, no names.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index, String, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, one_of
from models.core.calendar import CHINA

READY = time(10)
# The channel keeps a bill for three months; our lines are deleted when they could no longer be fetched again.
KEPT = timedelta(days=90)
STATES = ("wanted", "kept", "compared")
SUBJECTS = ("payment", "refund")
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (10, 30, 60, 180, 360))
# An open discrepancy may resolve itself, so its day is compared again at this interval.
COMPARED_AGAIN = timedelta(days=1)
_DAY = timedelta(days=1)
_TROUBLE = 60


class Bill(NamedTuple):
    """Which bill it is: of this merchant account (mchid) and day in China; the key of its row."""

    merchant: str
    day: date


class BillDay(Base):
    """One day and its bill. ``wanted``: not fetched; ``kept``: all lines stored (none if nothing moved); ``compared``:
    compared with our books. ``lines``, ``paid_fen``, ``refunded_fen`` and ``fees_fen`` are the bill's sums;
    ``ledger_paid_fen`` and ``ledger_refunded_fen`` are the ledger's, of everything compared with it. ``due_at``: when
    the day is next worked on. ``trouble``: why the last attempt failed.
    """

    __tablename__ = "bill_days"
    merchant: Mapped[str] = mapped_column(String(32), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    state: Mapped[str] = mapped_column(String(10), default="wanted")
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    trouble: Mapped[str | None] = mapped_column(String(_TROUBLE))
    fetched_at: Mapped[datetime | None]
    compared_at: Mapped[datetime | None]
    lines: Mapped[int] = mapped_column(default=0, server_default="0")
    paid_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    refunded_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    fees_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    ledger_paid_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    ledger_refunded_fen: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        one_of("state", STATES),
        CheckConstraint("(state = 'wanted') = (fetched_at IS NULL)", name="kept_once_fetched"),
        CheckConstraint("state <> 'compared' OR compared_at IS NOT NULL", name="compared_at_a_time"),
        Index("ix_bill_days_due_at", "due_at"),
    )

    @property
    def bill(self) -> Bill:
        return Bill(self.merchant, self.day)


class BillLine(Base):
    """One line of a bill. ``number``: a payment's transaction id, or our number of a refund as the bill has it.
    ``base_number``: the same without the round in which a refund was submitted.
    """

    __tablename__ = "bill_lines"
    merchant: Mapped[str] = mapped_column(String(32), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(String(8))
    number: Mapped[str] = mapped_column(String(64))
    base_number: Mapped[str] = mapped_column(String(64))
    out_trade_no: Mapped[str] = mapped_column(String(32))
    fen: Mapped[int]
    fee_fen: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(("merchant", "day"), ("bill_days.merchant", "bill_days.day")),
        one_of("subject", SUBJECTS),
        Index("ix_bill_lines_number", "merchant", "subject", "number", "day"),
    )


def begins(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA).astimezone(UTC)


def ends(day: date) -> datetime:
    return begins(day + _DAY)


def day_of(number: int) -> date:
    """Read a day from the number that a job carries (20261125). Raises ValueError."""
    return datetime.strptime(str(number), "%Y%m%d").replace(tzinfo=CHINA).date()


def number_of(day: date) -> int:
    return int(f"{day:%Y%m%d}")


def last_day(now: datetime) -> date:
    """Return the newest day whose bill can be fetched now."""
    here = now.astimezone(CHINA)
    return here.date() - (_DAY if here.time() >= READY else 2 * _DAY)


def lock_bill_day(db: Session, bill: Bill) -> BillDay:
    return db.get_one(BillDay, bill, with_for_update=True, populate_existing=True)


def postpone(db: Session, bill: Bill, trouble: str, now: datetime) -> None:
    """Record that the day's bill could not be fetched or read, and set the next attempt. Locks the day."""
    row = lock_bill_day(db, bill)
    row.due_at = now + BACKOFF[min(row.tries, len(BACKOFF) - 1)]
    row.tries, row.trouble = row.tries + 1, trouble[:_TROUBLE]
    db.flush()


def begin_storing(db: Session, bill: Bill) -> bool:
    """Delete the lines that an interrupted attempt left. False: another worker has stored the day. Locks the day."""
    if lock_bill_day(db, bill).state != "wanted":
        return False
    db.execute(delete(BillLine).where(BillLine.merchant == bill.merchant, BillLine.day == bill.day))
    return True


def add_lines(db: Session, lines: Sequence[dict[str, object]]) -> None:
    """Insert a page of lines. Lines that are there already stay, since a bill never changes."""
    db.execute(insert(BillLine).on_conflict_do_nothing(index_elements=["merchant", "day", "line"]), list(lines))


def mark_kept(db: Session, bill: Bill, lines: int, now: datetime) -> bool:
    """Mark the day as kept if all ``lines`` are stored. False: some are missing, so read it again. Locks the day."""
    row = lock_bill_day(db, bill)
    if row.state != "wanted":
        return True
    sums = dict.fromkeys(SUBJECTS, 0)
    count = fees = 0
    totals = select(BillLine.subject, func.count(), func.sum(BillLine.fen), func.sum(BillLine.fee_fen))
    totals = totals.where(BillLine.merchant == bill.merchant, BillLine.day == bill.day)
    for subject, some, fen, fee in db.execute(totals.group_by(BillLine.subject)):
        sums[subject], count, fees = int(fen), count + some, fees + int(fee)
    if count != lines:
        return False
    row.lines, row.paid_fen, row.refunded_fen, row.fees_fen = lines, sums["payment"], sums["refund"], fees
    row.state, row.fetched_at, row.due_at, row.tries, row.trouble = "kept", now, now, 0, None
    # Later days were compared without this bill, which may list their payments near midnight or their refunds.
    later = (BillDay.merchant == bill.merchant) & (BillDay.day > bill.day) & (BillDay.state == "compared")
    db.execute(update(BillDay).where(later).values(due_at=now))
    db.flush()
    return True


def delete_old_lines(db: Session, now: datetime) -> None:
    """Delete the lines of bills that the channel no longer keeps."""
    db.execute(delete(BillLine).where(BillLine.day < now.astimezone(CHINA).date() - KEPT))
