"""Fetch the channel's bill of a day into a file, check it, store its lines, and compare it with our books.

Payments and refunds that only the bill has are queried at the channel first, which makes up for lost callbacks; what
still differs is a discrepancy. Safe to interrupt at any point and to run twice.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, BinaryIO, Protocol

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.pay.bill import BadBill, BillRow, RowState, read_bill
from bot.pay.client import PayClient
from bot.pay.errors import PayError, Refused
from bot.payments.orders import Hands, Till
from bot.payments.refunds import ask_refund
from models.treasury.bill import (
    BillDay,
    add_lines,
    begin_lines,
    day_of,
    due_day,
    forget_lines,
    keep_day,
    number_of,
    put_off,
    want_days,
)
from models.treasury.reconciliation import compare_day, doubts

log = structlog.get_logger()

PAGE = 1_000
# Separates a refund's number from its round.
_ROUND = "@"


@dataclass(frozen=True, slots=True)
class Reconciler:
    database: Engine
    hands: Hands
    client: PayClient
    mch_id: str
    clock: Callable[[], datetime]

    def fetch_bill(self, number: int) -> bool:
        """Reconcile a day (20261125). False: the day has no bill, or its bill cannot be fetched or read yet."""
        day = day_of(number)
        with Session(self.database) as db, db.begin():
            row = db.get(BillDay, day)
            if row is None:
                want_days(db, self.clock())
                row = db.get(BillDay, day)
            if row is None:
                return False
            wanted = row.state == "wanted"
        if wanted and not self._fetch(day):
            return False
        self._ask(day)
        compared = compare_day(self.database, day, self.clock())
        say = log.warning if compared.new else log.info
        say("bill.compared", day=str(day), new=compared.new, known=compared.known, resolved=compared.resolved)
        return True

    def _fetch(self, day: date) -> bool:
        with tempfile.TemporaryFile() as file:
            try:
                moved = self.client.bill(day, file)
                lines = self._prove(file) if moved else 0
            except (PayError, BadBill) as error:
                self._put_off(day, error)
                return False
            return self._keep(day, file, lines)

    def _prove(self, file: BinaryIO) -> int:
        """Check the bill's totals, which are its last line, before any row is stored. Returns how many rows it has."""
        file.seek(0)
        return sum(1 for _ in read_bill(file, self.mch_id))

    def _keep(self, day: date, file: BinaryIO, lines: int) -> bool:
        with Session(self.database) as db, db.begin():
            if not begin_lines(db, day):
                return True
        file.seek(0)
        rows = read_bill(file, self.mch_id) if lines else iter(())
        for page in _pages(rows):
            with Session(self.database) as db, db.begin():
                add_lines(db, [_line(day, row) for row in page])
        with Session(self.database) as db, db.begin():
            if keep_day(db, day, lines, self.clock()):
                log.info("bill.kept", day=str(day), lines=lines)
                return True
            put_off(db, day, "lines_lost", self.clock())
            return False

    def _put_off(self, day: date, error: PayError | BadBill) -> None:
        code = error.code if isinstance(error, Refused) else type(error).__name__
        trouble = f"{code}:{error.line}:{error.why}" if isinstance(error, BadBill) else code
        with Session(self.database) as db, db.begin():
            put_off(db, day, trouble, self.clock())
        say = log.error if isinstance(error, BadBill) else log.warning
        say("bill.not_kept", day=str(day), trouble=trouble)

    def _ask(self, day: date) -> None:
        """Query the channel about lost callbacks. A failed query does not stop the others: it stays a discrepancy."""
        with Session(self.database) as db:
            found = doubts(db, day)
        for out_trade_no in found.orders:
            try:
                trade = self.client.query(out_trade_no)
            except PayError as error:
                log.warning("bill.not_asked", day=str(day), call=error.call)
                continue
            if trade.is_paid:
                Till(self.database, self.hands).take(trade, self.clock())
        for refund in found.refunds:
            ask_refund(self.database, self.client, refund, self.clock)


class Asking(Protocol):
    """The queue that takes a job unless it is there already: bot.work.queues.JobQueues."""

    def enqueue_once(self, name: str, argument: int) -> None: ...


def ask_for_bills(database: Engine, jobs: Asking, now: datetime) -> date | None:
    """Enqueue the job of the oldest due day and return the day, or None. Raises RedisError.

    One day at a time, since a day's comparison needs the bill of the day before."""
    with Session(database) as db, db.begin():
        want_days(db, now)
        forget_lines(db, now)
        day = due_day(db, now)
    if day is not None:
        jobs.enqueue_once("fetch_bill", number_of(day))
    return day


def _pages(rows: Iterator[BillRow]) -> Iterator[list[BillRow]]:
    while page := list(islice(rows, PAGE)):
        yield page


def _line(day: date, row: BillRow) -> dict[str, Any]:
    """Make a line's columns from a row. A revoked payment is money that went back, so it counts as a refund."""
    common = {"day": day, "line": row.line, "out_trade_no": row.out_trade_no, "fee_fen": row.fee_fen, "at": row.at}
    if row.state is RowState.SUCCESS:
        number = row.transaction_id
        return {**common, "subject": "payment", "number": number, "thing": number, "fen": row.fen, "state": row.state}
    number = row.out_refund_no or ""
    said = {"number": number, "thing": number.partition(_ROUND)[0], "fen": row.refund_asked_fen}
    return {**common, **said, "subject": "refund", "state": row.refund_state}
