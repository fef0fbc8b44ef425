"""Reconcile the bills of sellers' accounts with the payments and refunds of orders."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.market.payments import OrderPaymentIntake
from bot.market.transfers import send_transfer
from bot.pay.partner import PartnerClients
from bot.payments.platform_orders import Enqueuer
from bot.treasury.reconciliation import OnceEnqueuer, Reconciler, enqueue_due_bill
from models.market.money.seller_accounts import ORDERS
from models.treasury.bill import Bill, day_of, postpone
from models.treasury.due_bills import due_accounts

log = structlog.get_logger()


def fetch_order_bills(
    database: Engine, clients: PartnerClients, jobs: Enqueuer, number: int, clock: Callable[[], datetime]
) -> None:
    """Reconcile a day (20261125) of each seller's account that is due; one that fails keeps no other back."""
    with Session(database) as db:
        due = due_accounts(db, ORDERS.numbers(), day_of(number), clock())
    for account in due:
        try:
            order_reconciler(database, clients, jobs, account, clock).fetch_bill(number)
        except Exception as error:  # the other accounts are due too, and this one is again later; the log has the cause
            log.exception("bill.failed", merchant=account, day=str(day_of(number)))
            with Session(database) as db, db.begin():
                postpone(db, Bill(account, day_of(number)), type(error).__name__, clock())


def order_reconciler(
    database: Engine, clients: PartnerClients, jobs: Enqueuer, account: str, clock: Callable[[], datetime]
) -> Reconciler:
    """Make the reconciler of a seller's account; what only its bill knows is applied like a callback."""
    return Reconciler(
        database=database,
        kind=ORDERS,
        client=clients.of(account),
        clock=clock,
        take=OrderPaymentIntake(database, jobs).apply,
        ask_refund=lambda transfer: send_transfer(database, clients, jobs, transfer, clock),
    )


def enqueue_order_bills(database: Engine, jobs: OnceEnqueuer, now: datetime) -> None:
    """Enqueue the job of the oldest day that is due of any seller's account, as ``enqueue_due_bill``."""
    enqueue_due_bill(database, ORDERS, ORDERS.numbers(), "fetch_order_bills", jobs, now)
