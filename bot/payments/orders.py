"""Place, query and close orders at WeChat Pay, which is called between short transactions and never inside one.

A call's result may be lost: an order that is neither paid nor closed is queried again and again
(models.payments.expiry.due_orders).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.pay.answers import Trade, TradeState
from bot.pay.client import PayClient
from bot.pay.clients import NoKeys, PayClients
from bot.pay.errors import Action, PayError, Refused
from bot.work.job import Named
from models.appeals.appeal import get_appeal
from models.giving.pledge import Pledge
from models.notifications.notification import TO_DELIVER
from models.payments.collection import (
    AppliedPayment,
    PaymentOutcome,
    apply_payment,
    begin_order,
    demand_merchant,
    fresh,
    keep_prepaid,
)
from models.payments.expiry import begin_query, close_order, due_orders, is_over
from models.payments.order import Payment, PayOrder, live_order

log = structlog.get_logger()

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
    """The order could not be placed now; the donor may try again in a moment."""


@dataclass(frozen=True, slots=True)
class PaymentIntake:
    """Applies payments, which are reported by callbacks and by answers to queries."""

    database: Engine
    jobs: Enqueuer

    def apply(self, trade: Trade, now: datetime) -> AppliedPayment:
        """Apply a paid trade whose origin is verified, and enqueue what follows. Raises ValueError if it is unpaid."""
        if not trade.transaction_id or trade.fen is None or trade.paid_at is None:
            raise ValueError("not paid")
        payment = Payment(trade.merchant, trade.out_trade_no, trade.transaction_id, trade.fen, trade.paid_at)
        with Session(self.database) as db, db.begin():
            applied = apply_payment(db, payment, now)
            db.flush()
            told = list(db.info.get(TO_DELIVER, []))
        jobs: list[Named] = [("ask_refunds", [applied.refund_id])] if applied.refund_id else []
        if jobs or told:
            self.jobs.enqueue(jobs, told)
        say = log.error if applied.outcome is PaymentOutcome.SUSPENSE else log.info
        say("payment.taken", transaction=payment.transaction_id, outcome=str(applied.outcome))
        return applied


@dataclass(frozen=True, slots=True)
class OrderService:
    """Places orders and asks the platform about them; what was paid goes to ``intake``."""

    intake: PaymentIntake
    client: PayClient
    clock: Callable[[], datetime]

    @property
    def database(self) -> Engine:
        return self.intake.database

    def place(self, pledge_id: int, openid: str, fallback: str | None = None) -> dict[str, str]:
        """Place the pledge's one live order, and return the signed parameters that open WeChat's pay sheet.

        Raises what ``begin_order`` does, NotNow, or PayError.
        """
        for _ in range(2):
            order, title = self._begin(pledge_id, fallback)
            if fresh(order, self.clock()):
                if prepay_id := order.prepay_id or self._prepay(order, openid, title):
                    return self.client.pay_sign(prepay_id)
            else:
                self.refresh(order.id, timedelta(0))
        raise NotNow

    def refresh(self, order_id: int, apart: timedelta = APART) -> None:
        """Query an order and apply its state, unless it was queried less than ``apart`` ago."""
        with Session(self.database, expire_on_commit=False) as db, db.begin():
            order = begin_query(db, order_id, self.clock(), apart)
            over = order is not None and is_over(db, order, self.clock())
        if order is None:
            return
        try:
            trade = self.client.query(order.out_trade_no)
        except PayError as error:
            if not isinstance(error, Refused) or error.action is not Action.ABSENT:
                self._report(order, error)
                return
            trade = None
        if trade and trade.is_paid:
            self.intake.apply(trade, self.clock())
        elif trade and trade.state in _GONE:
            self._closed(order)
        elif over and self.clock() - order.created_at >= CLOSABLE:
            self._close(order)

    def _begin(self, pledge_id: int, fallback: str | None) -> tuple[PayOrder, str]:
        with Session(self.database, expire_on_commit=False) as db, db.begin():
            order = begin_order(db, self.client.merchant, pledge_id, self.clock(), fallback)
            return order, get_appeal(db, db.get_one(Pledge, pledge_id).appeal_id).title

    def _prepay(self, order: PayOrder, openid: str, title: str) -> str | None:
        """Get a prepay id from the platform. None: the order is no longer payable; its state has been queried."""
        try:
            prepay_id = self.client.order(order.out_trade_no, order.amount_fen, openid, title, expires=order.expires_at)
        except Refused as refused:
            if refused.action not in (Action.QUERY, Action.NEW_NUMBER):
                raise
            self._report(order, refused)
            self.refresh(order.id, timedelta(0))
            return None
        with Session(self.database, expire_on_commit=False) as db, db.begin():
            kept = keep_prepaid(db, order.id, prepay_id, self.clock())
        return kept.prepay_id if kept.state == "prepaid" else None

    def _close(self, order: PayOrder) -> None:
        """Close an order at the platform; if it is being paid at this moment, the next query finds that."""
        try:
            self.client.close_order(order.out_trade_no)
        except PayError as error:
            if not isinstance(error, Refused) or error.action is not Action.ABSENT:
                self._report(order, error)
                return
        self._closed(order)

    def _closed(self, order: PayOrder) -> None:
        with Session(self.database) as db, db.begin():
            close_order(db, order.id, self.clock())
        log.info("order.closed", order=order.id)

    def _report(self, order: PayOrder, error: PayError) -> None:
        code = error.code if isinstance(error, Refused) else type(error).__name__
        wrong = isinstance(error, Refused) and error.action in (Action.FIX, Action.PERSON)
        say = log.error if wrong else log.warning
        say("order.no_answer", order=order.id, call=error.call, code=code, unknown=error.outcome_unknown)


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """Finds the order service of the merchant account that a gift is paid to: that of its appeal's charity."""

    intake: PaymentIntake
    clients: PayClients
    clock: Callable[[], datetime]

    @property
    def database(self) -> Engine:
        return self.intake.database

    def place(self, pledge_id: int, openid: str, fallback: str | None = None) -> dict[str, str]:
        """Place the pledge's order, as ``OrderService.place``; one that is live stays with its account.

        Raises what that does, or NotNow where the settings have no keys for the account.
        """
        with Session(self.database) as db:
            live = live_order(db, pledge_id)
            pledge = db.get_one(Pledge, pledge_id)
            merchant = live.merchant if live else demand_merchant(db, get_appeal(db, pledge.appeal_id))
        try:
            return self._service(merchant).place(pledge_id, openid, fallback)
        except NoKeys:
            log.error("order.no_keys", merchant=merchant, pledge=pledge_id)
            raise NotNow from None

    def refresh(self, order_id: int) -> None:
        """Query an order and apply its state, as ``OrderService.refresh``."""
        with Session(self.database) as db:
            merchant = db.get_one(PayOrder, order_id).merchant
        try:
            service = self._service(merchant)
        except NoKeys:
            log.error("order.no_keys", merchant=merchant, order=order_id)
            return
        service.refresh(order_id)

    def _service(self, merchant: str) -> OrderService:
        return OrderService(self.intake, self.clients.of(merchant), self.clock)


def sweep_orders(database: Engine, jobs: Enqueuer, now: datetime) -> int:
    """Enqueue a query for each order that is due. Returns how many jobs."""
    with Session(database) as db, db.begin():
        due = due_orders(db, now, MOST_DUE)
    if due:
        jobs.enqueue([("query_order", order) for order in due])
    return len(due)
