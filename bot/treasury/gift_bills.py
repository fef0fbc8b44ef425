"""Reconcile the bills of charities' accounts with gifts."""

from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy import Engine

from bot.pay.client import PayClient
from bot.payments.orders import PaymentIntake
from bot.payments.platform_orders import Enqueuer
from bot.payments.refunds import ask_refund
from bot.treasury.reconciliation import OnceEnqueuer, Reconciler, enqueue_due_bill
from models.treasury.gift_accounts import GIFTS


def gift_reconciler(database: Engine, jobs: Enqueuer, client: PayClient, clock: Callable[[], datetime]) -> Reconciler:
    """Make the reconciler of the client's account; what only its bill knows is applied like a callback."""
    return Reconciler(
        database=database,
        kind=GIFTS,
        client=client,
        clock=clock,
        take=PaymentIntake(database, jobs).apply,
        ask_refund=lambda refund: ask_refund(database, client, refund, clock),
    )


def enqueue_gift_bill(database: Engine, merchant: str, jobs: OnceEnqueuer, now: datetime) -> date | None:
    """Enqueue the job of the account's oldest due day, as ``enqueue_due_bill``."""
    return enqueue_due_bill(database, GIFTS, [merchant], "fetch_bill", jobs, now)
