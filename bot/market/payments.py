"""Place, query and close payments of orders at WeChat Pay, which is called between short transactions.

A call's result may be lost: a payment that is neither paid nor closed is queried again and again
(models.market.money.paying.due_payments).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.pay.answers import Trade, TradeState
from bot.pay.errors import Action, PayError, Refused
from bot.pay.partner import PartnerClients
from bot.payments.orders import APART as QUERIES_APART
from bot.payments.orders import CLOSABLE, MOST_DUE, Enqueuer, NotNow
from bot.work.job import Named
from models.market.money.paying import (
    AppliedPaid,
    PaidOutcome,
    apply_paid,
    begin_payment,
    begin_query,
    close_payment,
    due_payments,
    fresh,
    is_over,
    keep_prepaid,
)
from models.market.money.payment import OrderPayment, Paid
from models.market.orders.order import Order
from models.notifications.notification import TO_DELIVER

log = structlog.get_logger()

_GONE = frozenset({TradeState.CLOSED, TradeState.REVOKED})


@dataclass(frozen=True, slots=True)
class OrderPaymentIntake:
    """Applies payments of orders, which callbacks and answers to queries report."""

    database: Engine
    jobs: Enqueuer

    def apply(self, trade: Trade, now: datetime) -> AppliedPaid:
        """Apply a paid trade whose origin is verified, and enqueue what follows. Raises ValueError if it is unpaid."""
        if not trade.transaction_id or trade.fen is None or trade.paid_at is None:
            raise ValueError("not paid")
        paid = Paid(trade.merchant, trade.out_trade_no, trade.transaction_id, trade.fen, trade.paid_at)
        with Session(self.database) as db, db.begin():
            applied = apply_paid(db, paid, now)
            db.flush()
            told = list(db.info.get(TO_DELIVER, []))
        jobs: list[Named] = [("send_transfers", [applied.transfer_id])] if applied.transfer_id else []
        if jobs or told:
            self.jobs.enqueue(jobs, told)
        strange = applied.outcome in (PaidOutcome.UNKNOWN, PaidOutcome.TWICE)
        (log.error if strange else log.info)(
            "order_payment.taken", transaction=paid.transaction_id, outcome=str(applied.outcome)
        )
        return applied


@dataclass(frozen=True, slots=True)
class OrderPaymentDesk:
    """Places payments of orders and asks the platform about them; what was paid goes to ``intake``."""

    intake: OrderPaymentIntake
    clients: PartnerClients
    clock: Callable[[], datetime]

    @property
    def database(self) -> Engine:
        return self.intake.database

    def place(self, order_id: int, openid: str) -> dict[str, str]:
        """Place the order's one live payment, and return the signed parameters that open WeChat's pay sheet.

        Raises what ``begin_payment`` does, NotNow, or PayError.
        """
        for _ in range(2):
            with Session(self.database, expire_on_commit=False) as db, db.begin():
                payment = begin_payment(db, order_id, self.clock())
                title = db.get_one(Order, order_id).name
            if fresh(payment, self.clock()):
                if prepay_id := payment.prepay_id or self._prepay(payment, openid, title):
                    return self.clients.of(payment.sub_merchant).pay_sign(prepay_id)
            else:
                self.refresh(payment.id, timedelta(0))
        raise NotNow

    def refresh(self, number: int, apart: timedelta = QUERIES_APART) -> None:
        """Query a payment and apply its state, unless it was queried less than ``apart`` ago."""
        with Session(self.database, expire_on_commit=False) as db, db.begin():
            payment = begin_query(db, number, self.clock(), apart)
            over = payment is not None and is_over(db, payment, self.clock())
        if payment is None:
            return
        try:
            trade = self.clients.of(payment.sub_merchant).query(payment.out_trade_no)
        except PayError as error:
            if not isinstance(error, Refused) or error.action is not Action.ABSENT:
                self._report(payment, error)
                return
            trade = None
        if trade and trade.is_paid:
            self.intake.apply(trade, self.clock())
        elif trade and trade.state in _GONE:
            self._closed(payment)
        elif over and self.clock() - payment.created_at >= CLOSABLE:
            self._close(payment)

    def _prepay(self, payment: OrderPayment, openid: str, title: str) -> str | None:
        """Get a prepay id from the platform. None: it can no longer be paid; its state has been queried."""
        client = self.clients.of(payment.sub_merchant)
        try:
            prepay_id = client.order(
                payment.out_trade_no, payment.amount_fen, openid, title, expires=payment.expires_at
            )
        except Refused as refused:
            if refused.action not in (Action.QUERY, Action.NEW_NUMBER):
                raise
            self._report(payment, refused)
            self.refresh(payment.id, timedelta(0))
            return None
        with Session(self.database, expire_on_commit=False) as db, db.begin():
            kept = keep_prepaid(db, payment.id, prepay_id, self.clock())
        return kept.prepay_id if kept.state == "prepaid" else None

    def _close(self, payment: OrderPayment) -> None:
        """Close it at the platform; if it is being paid at this moment, the next query finds that."""
        try:
            self.clients.of(payment.sub_merchant).close_order(payment.out_trade_no)
        except PayError as error:
            if not isinstance(error, Refused) or error.action is not Action.ABSENT:
                self._report(payment, error)
                return
        self._closed(payment)

    def _closed(self, payment: OrderPayment) -> None:
        with Session(self.database) as db, db.begin():
            close_payment(db, payment.id, self.clock())
        log.info("order_payment.closed", payment=payment.id)

    def _report(self, payment: OrderPayment, error: PayError) -> None:
        code = error.code if isinstance(error, Refused) else type(error).__name__
        wrong = isinstance(error, Refused) and error.action in (Action.FIX, Action.PERSON)
        say = log.error if wrong else log.warning
        say("order_payment.no_answer", payment=payment.id, call=error.call, code=code, unknown=error.outcome_unknown)


def sweep_payments(database: Engine, jobs: Enqueuer, now: datetime) -> int:
    """Enqueue a query for each payment that is due. Returns how many jobs."""
    with Session(database) as db, db.begin():
        due = due_payments(db, now, MOST_DUE)
    if due:
        jobs.enqueue([("query_order_payment", number) for number in due])
    return len(due)
