"""Take payments of orders: apply them, and place and query them in their sellers' names."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.pay.answers import Trade
from bot.pay.partner import PartnerClients
from bot.payments.platform_orders import Enqueuer, PlatformOrders, payment_of, sweep_orders, take_payment
from bot.work.job import Named
from models.market.money.paying import AppliedPaid, PaidOutcome, apply_paid, begin_payment
from models.market.money.payment import OrderPayment
from models.market.orders.order import Order

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OrderPaymentIntake:
    """Applies payments of orders, which callbacks and answers to queries report."""

    database: Engine
    jobs: Enqueuer

    def apply(self, trade: Trade, now: datetime) -> AppliedPaid:
        """Apply a paid trade that the platform signed, and enqueue its refund and notices. Raises as ``payment_of``."""
        payment = payment_of(trade)

        def then(applied: AppliedPaid) -> Named | None:
            return ("send_transfers", [applied.transfer_id]) if applied.transfer_id else None

        applied = take_payment(self.database, self.jobs, lambda db: apply_paid(db, payment, now), then)
        strange = applied.outcome in (PaidOutcome.UNKNOWN, PaidOutcome.TWICE)
        say = log.error if strange else log.info
        say("order_payment.taken", transaction=payment.transaction_id, outcome=str(applied.outcome))
        return applied


@dataclass(frozen=True, slots=True)
class OrderPaymentDesk:
    """Places and queries payments of orders; what was paid goes to ``intake``."""

    intake: OrderPaymentIntake
    clients: PartnerClients
    clock: Callable[[], datetime]

    @property
    def database(self) -> Engine:
        return self.intake.database

    def place(self, order_id: int, openid: str) -> dict[str, str]:
        """Place the order's one live payment, as ``PlatformOrders.place``.

        Raises what ``begin_payment`` does, NotNow, or PayError.
        """

        def begin(db: Session, now: datetime) -> tuple[OrderPayment, str]:
            return begin_payment(db, order_id, now), db.get_one(Order, order_id).name

        return self.orders.place(begin, openid)

    def refresh(self, number: int) -> None:
        """Query a payment and apply its state, as ``PlatformOrders.refresh``."""
        self.orders.refresh(number)

    @property
    def orders(self) -> PlatformOrders[OrderPayment]:
        return PlatformOrders(self.database, OrderPayment, self.clients.of, self.intake.apply, self.clock)


sweep_payments = partial(sweep_orders, kind=OrderPayment, job="query_order_payment")
