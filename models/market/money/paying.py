"""Take payments of orders: ask for one, apply what came exactly once, and close what is not paid in time.

Locks are taken in this order: the listing and its order (models.market.orders.steps.lock_order), payment, transfer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.codes import new_order_number
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.market.money.account import post
from models.market.money.payment import (
    LIVE,
    PAYMENT_MACHINE,
    OrderPayment,
    Paid,
    live_payment,
    lock_payment,
)
from models.market.money.sending import owe_beyond
from models.market.money.sub_merchant import sub_merchant_of
from models.market.money.transfer import owe
from models.market.orders import steps
from models.market.orders.order import Order
from models.notifications.service_window import open_by_payment
from models.people.conversation import Conversation

# A payment with less time left is not used: the platform requires a minute, and the buyer needs one more.
SHORTEST = timedelta(minutes=2)
# Until then the platform takes a payment that is asked for at the last moment.
LAST_ASKED = timedelta(minutes=5)
FIRST_CHECK = timedelta(minutes=1)
LONGEST_CHECK = timedelta(minutes=10)


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
    number = sub_merchant_of(db, order.seller_id)
    if order.state != "awaiting_payment" or number is None or order.due_at is None or order.due_at <= now:
        raise OrderNotPayable(code=order.code, state=order.state)
    return number


def begin_payment(db: Session, order_id: int, now: datetime) -> OrderPayment:
    """Get or create the order's one live payment; two taps at once get the same. Raises OrderNotPayable.

    One that is no longer ``fresh`` has to be closed first.
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


def fresh(payment: OrderPayment, now: datetime) -> bool:
    """Tell whether there is enough time left to pay it."""
    return payment.expires_at - now >= SHORTEST


def keep_prepaid(db: Session, number: int, prepay_id: str, now: datetime) -> OrderPayment:
    """Keep the platform's ``prepay_id``; what was paid or closed meanwhile stays as it is."""
    payment = lock_payment(db, number)
    if payment.state in LIVE:
        payment.prepay_id = prepay_id
        if payment.state == "created":
            buyer = db.get_one(Order, payment.order_id).buyer_id
            PAYMENT_MACHINE.move(db, payment, "prepaid", Actor.owner(buyer), now)
        db.flush()
    return payment


def apply_paid(db: Session, paid: Paid, now: datetime) -> AppliedPaid:
    """Apply a payment exactly once, however often and in whatever order it is reported.

    What the order does not wait for any more, and another sum than was asked for, goes back whole.
    """
    known = db.scalar(select(OrderPayment).where(OrderPayment.out_trade_no == paid.out_trade_no))
    if known is None or known.sub_merchant != paid.sub_merchant:
        return AppliedPaid(PaidOutcome.UNKNOWN)
    held = steps.lock_order(db, known.order_id)
    payment, order = lock_payment(db, known.id), held.order
    if payment.state == "paid":
        same = payment.transaction_id == paid.transaction_id
        return AppliedPaid(PaidOutcome.REPEATED if same else PaidOutcome.TWICE)
    payment.transaction_id, payment.paid_fen, payment.paid_at = paid.transaction_id, paid.fen, paid.paid_at
    PAYMENT_MACHINE.move(db, payment, "paid", SYSTEM, now)
    db.flush()
    post(db, order.id, "paid", paid.fen, payment.cause, now)
    if paid.fen == payment.amount_fen and order.state == "awaiting_payment":
        steps.pay(db, held, now)
        # It may have been lowered since it was asked for.
        owe_beyond(db, order.id, order.state, now)
        _open_window(db, order.buyer_id, paid.paid_at)
        return AppliedPaid(PaidOutcome.PAID)
    back = owe(db, payment, "refund", "late" if paid.fen == payment.amount_fen else "other_amount", now)
    _open_window(db, order.buyer_id, paid.paid_at)
    return AppliedPaid(PaidOutcome.BACK, back.id if back else None)


def begin_query(db: Session, number: int, now: datetime, apart: timedelta) -> OrderPayment | None:
    """Lock the payment and mark it as queried; None if it is not live, or was queried less than ``apart`` ago."""
    payment = lock_payment(db, number)
    lately = payment.queried_at is not None and payment.queried_at > now - apart
    if payment.state not in LIVE or lately:
        return None
    payment.queried_at = now
    db.flush()
    return payment


def is_over(db: Session, payment: OrderPayment, now: datetime) -> bool:
    """Tell whether it should be closed: it has expired, or its order waits for no payment any more."""
    return payment.expires_at <= now or db.get_one(Order, payment.order_id).state != "awaiting_payment"


def close_payment(db: Session, number: int, now: datetime) -> None:
    """Close a live payment after the platform has confirmed that it cannot be paid any more."""
    payment = lock_payment(db, number)
    if payment.state in LIVE:
        PAYMENT_MACHINE.move(db, payment, "closed", SYSTEM, now)
        db.flush()


def due_payments(db: Session, now: datetime, most: int) -> Sequence[int]:
    """List the payments that are due for a query, and set their next one; older ones are queried less often."""
    due = select(OrderPayment).where(OrderPayment.state.in_(LIVE), OrderPayment.check_at <= now)
    payments = db.scalars(due.order_by(OrderPayment.check_at).limit(most).with_for_update(skip_locked=True)).all()
    for payment in payments:
        age = now - payment.created_at if payment.expires_at > now else FIRST_CHECK
        payment.check_at = now + min(max(age / 3, FIRST_CHECK), LONGEST_CHECK)
    db.flush()
    return [payment.id for payment in payments]


def _open_window(db: Session, buyer_id: int, paid_at: datetime) -> None:
    """Open the service window of the conversation that paid; not where the buyer has several.

    Called after the notifications are written, in the order in which workers take these locks.
    """
    theirs = db.scalars(select(Conversation.id).where(Conversation.user_id == buyer_id)).all()
    if len(theirs) == 1:
        open_by_payment(db, theirs[0], paid_at)
