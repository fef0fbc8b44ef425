"""Fetch the channel's bill of a day into a file, check it, store its lines, and compare it with our books.

Accounts of every kind are reconciled alike (models.treasury.account_kind). Payments and refunds that only the bill has
are queried at the channel first, which makes up for lost callbacks; what still differs is a discrepancy. Safe to
interrupt at any point and to run twice.
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

from bot.pay.answers import Trade
from bot.pay.bill import BadBill, BillRow, RowState
from bot.pay.client import PayClient
from bot.pay.errors import PayError, Refused
from models.treasury.account_kind import AccountKind
from models.treasury.bill import (
    Bill,
    BillDay,
    add_lines,
    begin_storing,
    day_of,
    delete_old_lines,
    mark_kept,
    number_of,
    postpone,
)
from models.treasury.due_bills import Accounts, add_bill_days, next_due_day
from models.treasury.reconciliation import compare_day

log = structlog.get_logger()

PAGE = 1_000
# Separates a refund's number from its round.
_ROUND = "@"


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Reconciles one account. ``take`` applies a paid trade; ``ask_refund`` queries a refund by our id and applies it.

    Both make up for lost callbacks.
    """

    database: Engine
    kind: AccountKind
    client: PayClient
    clock: Callable[[], datetime]
    take: Callable[[Trade, datetime], object]
    ask_refund: Callable[[int], object]

    def fetch_bill(self, number: int) -> bool:
        """Reconcile a day (20261125). False: the day has no bill, or its bill cannot be fetched or read yet."""
        bill = Bill(self.client.merchant, day_of(number))
        with Session(self.database) as db, db.begin():
            row = db.get(BillDay, bill)
            if row is None:
                add_bill_days(db, self.kind, [bill.merchant], self.clock())
                row = db.get(BillDay, bill)
            if row is None:
                return False
            wanted = row.state == "wanted"
        if wanted and not self._fetch(bill):
            return False
        self._query_unconfirmed(bill)
        compared = compare_day(self.database, self.kind, bill, self.clock())
        say = log.warning if compared.new else log.info
        counts = {"new": compared.new, "known": compared.known, "resolved": compared.resolved}
        say("bill.compared", merchant=bill.merchant, day=str(bill.day), **counts)
        return True

    def _fetch(self, bill: Bill) -> bool:
        with tempfile.TemporaryFile() as file:
            try:
                moved = self.client.bill(bill.day, file)
                lines = self._prove(file) if moved else 0
            except (PayError, BadBill) as error:
                self._postpone(bill, error)
                return False
            return self._keep(bill, file, lines)

    def _prove(self, file: BinaryIO) -> int:
        """Check the bill's totals, which are its last line, before any row is stored. Returns how many rows it has."""
        return sum(1 for _ in self.client.rows(file))

    def _keep(self, bill: Bill, file: BinaryIO, lines: int) -> bool:
        with Session(self.database) as db, db.begin():
            if not begin_storing(db, bill):
                return True
        rows = self.client.rows(file) if lines else iter(())
        for page in _pages(rows):
            with Session(self.database) as db, db.begin():
                add_lines(db, [_line(bill, row) for row in page])
        with Session(self.database) as db, db.begin():
            if mark_kept(db, bill, lines, self.clock()):
                log.info("bill.kept", merchant=bill.merchant, day=str(bill.day), lines=lines)
                return True
            postpone(db, bill, "lines_lost", self.clock())
            return False

    def _postpone(self, bill: Bill, error: PayError | BadBill) -> None:
        code = error.code if isinstance(error, Refused) else type(error).__name__
        trouble = f"{code}:{error.line}:{error.why}" if isinstance(error, BadBill) else code
        with Session(self.database) as db, db.begin():
            postpone(db, bill, trouble, self.clock())
        say = log.error if isinstance(error, BadBill) else log.warning
        say("bill.not_kept", merchant=bill.merchant, day=str(bill.day), trouble=trouble)

    def _query_unconfirmed(self, bill: Bill) -> None:
        """Query the channel about lost callbacks. A failed query does not stop the others: it stays a discrepancy."""
        with Session(self.database) as db:
            found = self.kind.unconfirmed(db, bill)
        for out_trade_no in found.orders:
            try:
                trade = self.client.query(out_trade_no)
            except PayError as error:
                log.warning("bill.not_asked", merchant=bill.merchant, day=str(bill.day), call=error.call)
                continue
            if trade.is_paid:
                self.take(trade, self.clock())
        for refund in found.refunds:
            self.ask_refund(refund)


class OnceEnqueuer(Protocol):
    """Enqueues a job unless it is there already: bot.work.queues.JobQueues."""

    def enqueue_once(self, name: str, argument: int) -> None: ...


def enqueue_due_bill(
    database: Engine, kind: AccountKind, accounts: Accounts, job: str, jobs: OnceEnqueuer, now: datetime
) -> date | None:
    """Enqueue the job of the oldest due day of these accounts and return the day, or None. Raises RedisError.

    One day at a time, since a day's comparison needs the bill of the day before."""
    with Session(database) as db, db.begin():
        add_bill_days(db, kind, accounts, now)
        delete_old_lines(db, now)
        day = next_due_day(db, accounts, now)
    if day is not None:
        jobs.enqueue_once(job, number_of(day))
    return day


def _pages(rows: Iterator[BillRow]) -> Iterator[list[BillRow]]:
    while page := list(islice(rows, PAGE)):
        yield page


def _line(bill: Bill, row: BillRow) -> dict[str, Any]:
    """Make a line's columns from a row. A revoked payment is money that went back, so it counts as a refund."""
    common = {"line": row.line, "out_trade_no": row.out_trade_no, "fee_fen": row.fee_fen, "at": row.at}
    common |= bill._asdict()
    if row.state is RowState.SUCCESS:
        number = row.transaction_id
        return {
            **common,
            "subject": "payment",
            "number": number,
            "base_number": number,
            "fen": row.fen,
            "state": row.state,
        }
    number = row.out_refund_no or ""
    said = {"number": number, "base_number": number.partition(_ROUND)[0], "fen": row.refund_asked_fen}
    return {**common, **said, "subject": "refund", "state": row.refund_state}
