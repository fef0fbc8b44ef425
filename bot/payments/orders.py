"""Take gifts: apply their payments, and place and query their orders, each with its charity's merchant account."""

from collections.abc import Callable
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
from models.appeals.appeal import get_appeal
from models.giving.pledge import Pledge
from models.payments.collection import AppliedPayment, PaymentOutcome, apply_payment, begin_order, demand_merchant
from models.payments.order import PayOrder, live_order

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PaymentIntake:
    """Applies payments, which are reported by callbacks and by answers to queries."""

    database: Engine
    jobs: Enqueuer

    def apply(self, trade: Trade, now: datetime) -> AppliedPayment:
        """Apply a paid trade that the platform signed, and enqueue its refund and notices. Raises as ``payment_of``."""
        payment = payment_of(trade)

        def then(applied: AppliedPayment) -> Named | None:
            return ("ask_refunds", [applied.refund_id]) if applied.refund_id else None

        applied = take_payment(self.database, self.jobs, lambda db: apply_payment(db, payment, now), then)
        say = log.error if applied.outcome is PaymentOutcome.SUSPENSE else log.info
        say("payment.taken", transaction=payment.transaction_id, outcome=str(applied.outcome))
        return applied


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
