"""Take payments of orders: ask for one, and apply what came exactly once.

Locks are taken in this order: the listing and its order (models.market.orders.steps.lock_order), payment, transfer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.codes import new_order_number
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM
from models.market.money.account import post
from models.market.money.payment import MACHINE, OrderPayment, live_payment, lock_payment
from models.market.money.sending import owe_beyond
from models.market.money.sub_merchant import sub_merchant_of
from models.market.money.transfer import owe
from models.market.orders import steps
from models.market.orders.order import Order
from models.notifications.service_window import open_by_payment
from models.payments.platform_order import FIRST_CHECK, Payment

# Until then the platform takes a payment that is asked for at the last moment.
LAST_ASKED = timedelta(minutes=5)


class OrderNotPayable(Refusal):
    """The order waits for no payment (any more). ``state``: where it is."""

    code = "order_not_payable"
    final = True


class PaidOutcome(StrEnum):
    """What became of a payment. ``UNKNOWN``: it is none of ours. ``TWICE``: a second one of the same number."""

    PAID = "paid"
    BACK = "back"
    REPEATED = "repeated"
    UNKNOWN = "unknown"
    TWICE = "twice"


@dataclass(frozen=True, slots=True)
class AppliedPaid:
    """``transfer_id``: a refund to ask for after the commit, if there is one."""

    outcome: PaidOutcome
    transfer_id: int | None = None


def check_payable(db: Session, order: Order, now: datetime) -> str:
    """Return the sub-merchant number that the order can be paid to now. Raises OrderNotPayable."""
    number = sub_merchant_of(db, order.seller_id, order.household_id)
    if order.state != "awaiting_payment" or number is None or order.due_at is None or order.due_at <= now:
        raise OrderNotPayable(code=order.code, state=order.state)
    return number


def begin_payment(db: Session, order_id: int, now: datetime) -> OrderPayment:
    """Get or create the order's one live payment; two taps at once get the same. Raises OrderNotPayable.

    One that no longer ``is_fresh`` has to be closed first.
    """
    order = steps.lock_order(db, order_id).order
    number = check_payable(db, order, now)
    if live := live_payment(db, order.id, lock=True):
        return live
    assert order.due_at is not None  # noqa: S101 - check_payable has looked
    payment = OrderPayment(
        order_id=order.id,
        sub_merchant=number,
        out_trade_no=new_order_number(),
        amount_fen=order.total_fen,
        state="created",
        created_at=now,
        expires_at=max(order.due_at, now + LAST_ASKED),
        check_at=now + FIRST_CHECK,
    )
    db.add(payment)
    db.flush()
    return payment


def apply_paid(db: Session, paid: Payment, now: datetime) -> AppliedPaid:
    """Apply a payment exactly once, however often and in whatever order it is reported.

    What the order does not wait for any more, and another sum than was asked for, goes back whole.
    """
    known = db.scalar(select(OrderPayment).where(OrderPayment.out_trade_no == paid.out_trade_no))
    if known is None or known.sub_merchant != paid.merchant:
        return AppliedPaid(PaidOutcome.UNKNOWN)
    held = steps.lock_order(db, known.order_id)
    payment, order = lock_payment(db, known.id), held.order
    if payment.state == "paid":
        same = payment.transaction_id == paid.transaction_id
        return AppliedPaid(PaidOutcome.REPEATED if same else PaidOutcome.TWICE)
    payment.transaction_id, payment.paid_fen, payment.paid_at = paid.transaction_id, paid.fen, paid.paid_at
    MACHINE.move(db, payment, "paid", SYSTEM, now)
    db.flush()
    post(db, order.id, "paid", paid.fen, payment.cause, now)
    if paid.fen == payment.amount_fen and order.state == "awaiting_payment":
        steps.pay(db, held, now)
        # It may have been lowered since it was asked for.
        owe_beyond(db, order.id, order.state, now)
        open_by_payment(db, {order.buyer_id: paid.paid_at})
        return AppliedPaid(PaidOutcome.PAID)
    back = owe(db, payment, "refund", "late" if paid.fen == payment.amount_fen else "other_amount", now)
    open_by_payment(db, {order.buyer_id: paid.paid_at})
    return AppliedPaid(PaidOutcome.BACK, back.id if back else None)
