"""Take gifts: apply their payments, and place and query their orders, each with its charity's merchant account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.pay.answers import Trade
from bot.pay.clients import PayClients
from bot.payments.platform_orders import Enqueuer, PlatformOrders, payment_of, sweep_orders, take_payment
from bot.work.job import Named
from bot.work.together import Together
from models.appeals.appeal import get_appeal
from models.giving.pledge import Pledge
from models.payments.collection import (
    AppliedPayment,
    PaymentOutcome,
    apply_payment,
    apply_payments,
    begin_order,
    demand_merchant,
)
from models.payments.order import PayOrder, live_order
from models.payments.platform_order import Payment

log = structlog.get_logger()


class PaymentIntake:
    """Applies payments, which are reported by callbacks and by answers to queries. Safe to share between threads.

    Those that are reported at once are applied in one transaction, so that an appeal to which the whole country gives
    costs one commit for many.
    """

    def __init__(self, database: Engine, jobs: Enqueuer) -> None:
        self.database, self.jobs = database, jobs
        self._together: Together[tuple[Payment, datetime], AppliedPayment] = Together(self._apply_all)

    def apply(self, trade: Trade, now: datetime) -> AppliedPayment:
        """Apply a paid trade that the platform signed, and enqueue its refund and notices. Raises as ``payment_of``."""
        payment = payment_of(trade)
        applied = self._together.do((payment, now))
        say = log.error if applied.outcome is PaymentOutcome.SUSPENSE else log.info
        say("payment.taken", transaction=payment.transaction_id, outcome=str(applied.outcome))
        return applied

    def _apply_all(self, asked: Sequence[tuple[Payment, datetime]]) -> list[AppliedPayment | Exception]:
        known: list[AppliedPayment | None] = [None] * len(asked)
        if len(asked) > 1:
            payments, now = [payment for payment, _ in asked], max(now for _, now in asked)
            try:
                known = take_payment(
                    self.database, self.jobs, lambda db: apply_payments(db, payments, now), lambda _: None
                )
            except Exception as error:  # whatever it is, each is then applied alone, and has its own error
                log.warning("payments.not_together", count=len(asked), error=type(error).__name__)
        return [done or self._apply_alone(*one) for done, one in zip(known, asked, strict=True)]

    def _apply_alone(self, payment: Payment, now: datetime) -> AppliedPayment | Exception:
        def then(applied: AppliedPayment) -> Named | None:
            return ("ask_refunds", [applied.refund_id]) if applied.refund_id else None

        try:
            return take_payment(self.database, self.jobs, lambda db: apply_payment(db, payment, now), then)
        except Exception as error:  # raised to who asked
            return error


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """Places and queries the orders of gifts; what was paid goes to ``intake``."""

    intake: PaymentIntake
    clients: PayClients
    clock: Callable[[], datetime]

    @property
    def database(self) -> Engine:
        return self.intake.database

    def place(self, pledge_id: int, openid: str, fallback: str | None = None) -> dict[str, str]:
        """Place the pledge's one live order, as ``PlatformOrders.place``.

        A new one is paid to the account of its appeal's charity; one that is live stays with its account. Raises what
        ``begin_order`` does, NotNow, or PayError.
        """

        def begin(db: Session, now: datetime) -> tuple[PayOrder, str]:
            live, appeal = live_order(db, pledge_id), get_appeal(db, db.get_one(Pledge, pledge_id).appeal_id)
            merchant = live.merchant if live else demand_merchant(db, appeal)
            self.clients.of(merchant)  # without keys, none is begun
            return begin_order(db, merchant, pledge_id, now, fallback), appeal.title

        return self.orders.place(begin, openid)

    def refresh(self, order_id: int) -> None:
        """Query an order and apply its state, as ``PlatformOrders.refresh``."""
        self.orders.refresh(order_id)

    @property
    def orders(self) -> PlatformOrders[PayOrder]:
        return PlatformOrders(self.database, PayOrder, self.clients.of, self.intake.apply, self.clock)


sweep_gift_orders = partial(sweep_orders, kind=PayOrder, job="query_order")
