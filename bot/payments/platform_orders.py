"""Place, query and close orders at WeChat Pay, which is called between short transactions and never inside one.

A call's result may be lost: an order that is neither paid nor closed is queried again and again
(models.payments.platform_order.due_orders).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.pay.answers import Trade, TradeState
from bot.pay.client import PayClient
from bot.pay.clients import NoKeys
from bot.pay.errors import Action, PayError, Refused
from bot.work.job import Named
from models.notifications.notification import TO_DELIVER
from models.payments.platform_order import (
    Order,
    Payment,
    PlatformOrder,
    begin_query,
    close_order,
    due_orders,
    keep_prepaid,
)

log = structlog.get_logger()
Result = TypeVar("Result")

# The platform does not close an order younger than this.
CLOSABLE = timedelta(minutes=5)
# The least time between two queries about one order, by all workers together.
APART = timedelta(seconds=2)
MOST_DUE = 200
_GONE = frozenset({TradeState.CLOSED, TradeState.REVOKED})


class Enqueuer(Protocol):
    """Enqueues jobs, and ids of notifications to push: bot.work.queues.JobQueues."""

    def enqueue(self, jobs: Sequence[Named], told: Sequence[int] = ()) -> None: ...


class NotNow(Exception):
    """The order could not be placed now; the payer may try again in a moment."""


@dataclass(frozen=True, slots=True)
class PlatformOrders(Generic[Order]):
    """Places orders of one kind and asks the platform about them; a trade that was paid goes to ``take``.

    ``client_of`` returns the client of a merchant account, or raises NoKeys where the settings have no keys for it.
    """

    database: Engine
    kind: type[Order]
    client_of: Callable[[str], PayClient]
    take: Callable[[Trade, datetime], object]
    clock: Callable[[], datetime]

    def place(self, begin: Callable[[Session, datetime], tuple[Order, str]], openid: str) -> dict[str, str]:
        """Place a live order, and return the signed parameters that open WeChat's pay sheet.

        ``begin`` gets or creates the order, and returns it with its description. Raises what ``begin`` does, NotNow,
        or PayError.
        """
        for _ in range(2):
            try:
                with Session(self.database, expire_on_commit=False) as db, db.begin():
                    order, description = begin(db, self.clock())
                client = self.client_of(order.account)
            except NoKeys as missing:
                log.error("order.no_keys", kind=self.kind.machine.subject, merchant=str(missing))
                raise NotNow from None
            if order.is_fresh(self.clock()):
                if prepay_id := order.prepay_id or self._prepay(client, order, openid, description):
                    return client.pay_sign(prepay_id)
            else:
                self.refresh(order.id, timedelta(0))
        raise NotNow

    def refresh(self, number: int, apart: timedelta = APART) -> None:
        """Query an order and apply its state, unless it was queried less than ``apart`` ago."""
        with Session(self.database, expire_on_commit=False) as db, db.begin():
            order = begin_query(db, self.kind, number, self.clock(), apart)
            over = order is not None and order.is_over(db, self.clock())
        if order is None:
            return
        try:
            client = self.client_of(order.account)
            trade = client.query(order.out_trade_no)
        except NoKeys as missing:
            log.error("order.no_keys", kind=self.kind.machine.subject, merchant=str(missing), order=order.id)
            return
        except PayError as error:
            if not isinstance(error, Refused) or error.action is not Action.ABSENT:
                self._report(order, error)
                return
            trade = None
        if trade and trade.is_paid:
            self.take(trade, self.clock())
        elif trade and trade.state in _GONE:
            self._closed(order)
        elif over and self.clock() - order.created_at >= CLOSABLE:
            self._close(client, order)

    def _prepay(self, client: PayClient, order: Order, openid: str, description: str) -> str | None:
        """Get a prepay id from the platform. None: the order is no longer payable; its state has been queried."""
        try:
            prepay_id = client.order(
                order.out_trade_no, order.amount_fen, openid, description, expires=order.expires_at
            )
        except Refused as refused:
            if refused.action not in (Action.QUERY, Action.NEW_NUMBER):
                raise
            self._report(order, refused)
            self.refresh(order.id, timedelta(0))
            return None
        with Session(self.database, expire_on_commit=False) as db, db.begin():
            kept = keep_prepaid(db, self.kind, order.id, prepay_id, self.clock())
        return kept.prepay_id if kept.state == "prepaid" else None

    def _close(self, client: PayClient, order: Order) -> None:
        """Close an order at the platform; if it is being paid at this moment, the next query finds that."""
        try:
            client.close_order(order.out_trade_no)
        except PayError as error:
            if not isinstance(error, Refused) or error.action is not Action.ABSENT:
                self._report(order, error)
                return
        self._closed(order)

    def _closed(self, order: Order) -> None:
        with Session(self.database) as db, db.begin():
            close_order(db, self.kind, order.id, self.clock())
        log.info("order.closed", kind=self.kind.machine.subject, order=order.id)

    def _report(self, order: Order, error: PayError) -> None:
        code = error.code if isinstance(error, Refused) else type(error).__name__
        wrong = isinstance(error, Refused) and error.action in (Action.FIX, Action.PERSON)
        say = log.error if wrong else log.warning
        say(
            "order.no_answer",
            kind=self.kind.machine.subject,
            order=order.id,
            call=error.call,
            code=code,
            unknown=error.outcome_unknown,
        )


def take_payment(
    database: Engine, jobs: Enqueuer, apply: Callable[[Session], Result], then: Callable[[Result], Named | None]
) -> Result:
    """Apply a payment in one transaction, and enqueue what is told of it and the job that ``then`` names."""
    with Session(database) as db, db.begin():
        applied = apply(db)
        db.flush()
        told = list(db.info.get(TO_DELIVER, []))
    job = then(applied)
    if job or told:
        jobs.enqueue([job] if job else [], told)
    return applied


def payment_of(trade: Trade) -> Payment:
    """Return what a trade says was paid. Raises ValueError if it is unpaid."""
    if not trade.transaction_id or trade.fen is None or trade.paid_at is None:
        raise ValueError("not paid")
    return Payment(trade.merchant, trade.out_trade_no, trade.transaction_id, trade.fen, trade.paid_at)


def sweep_orders(database: Engine, jobs: Enqueuer, now: datetime, *, kind: type[PlatformOrder], job: str) -> int:
    """Enqueue a query, the job of this name, for each order that is due. Returns how many jobs."""
    with Session(database) as db, db.begin():
        due = due_orders(db, kind, now, MOST_DUE)
    if due:
        jobs.enqueue([(job, number) for number in due])
    return len(due)
