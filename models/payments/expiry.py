"""Expire unpaid orders and pledges, let donors drop what they promised, and decide when an order is asked about."""

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.appeals.appeal import get_appeal
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import UNPAID, Pledge
from models.payments.collection import FIRST_CHECK
from models.payments.locks import lock_order, lock_pledge
from models.payments.order import LIVE, PayOrder
from models.payments.order import MACHINE as ORDERS
from models.payments.refund_entitlement import NoSuchGift
from models.payments.suspense import has_open_suspense_item
from models.people.user import User

# The longest time between two queries about an order; they become rarer as it grows older.
LONGEST_CHECK = timedelta(minutes=10)
_BATCH = 100


def begin_query(db: Session, order_id: int, now: datetime, apart: timedelta) -> PayOrder | None:
    """Lock the order and mark it as queried; None if it is not live, or was queried less than ``apart`` ago.

    A query that recent belongs to another worker, which will act on the answer.
    """
    order = lock_order(db, order_id)
    lately = order.queried_at is not None and order.queried_at > now - apart
    if order.state not in LIVE or lately:
        return None
    order.queried_at = now
    db.flush()
    return order


def close_order(db: Session, order_id: int, now: datetime) -> None:
    """Close a live order after the platform has confirmed that it cannot be paid any more."""
    order = lock_order(db, order_id)
    if order.state in LIVE:
        ORDERS.move(db, order, "closed", SYSTEM, now)
        db.flush()


def is_over(db: Session, order: PayOrder, now: datetime) -> bool:
    """Tell whether the order should be closed: it has expired, or its pledge no longer waits for payment."""
    return order.expires_at <= now or db.get_one(Pledge, order.pledge_id).state != "awaiting_payment"


def due_orders(db: Session, now: datetime, most: int) -> list[int]:
    """List the orders that are due for a query, and set their next one; older orders are queried less often."""
    due = select(PayOrder).where(PayOrder.state.in_(LIVE), PayOrder.check_at <= now).order_by(PayOrder.check_at)
    orders = db.scalars(due.limit(most).with_for_update(skip_locked=True)).all()
    for order in orders:
        # An expired order is about to be closed, so it is queried again soon.
        age = now - order.created_at if order.expires_at > now else FIRST_CHECK
        order.check_at = now + min(max(age / 3, FIRST_CHECK), LONGEST_CHECK)
    db.flush()
    return [order.id for order in orders]


class PaidAlready(Refusal):
    """The gift is paid, so that it can only be refunded, or its payment is in question."""

    code = "paid_already"
    final = True


def let_go(db: Session, donor: User, code: str, now: datetime) -> Pledge:
    """Cancel the donor's unpaid pledge, as the donor wishes; again changes nothing. Raises NoSuchGift or PaidAlready.

    An order that is paid at this moment is refunded like any late payment.
    """
    found = db.scalar(select(Pledge).where(Pledge.code == code, Pledge.donor_id == donor.id))
    if found is None:
        raise NoSuchGift(gift=code)
    get_appeal(db, found.appeal_id, lock=True)
    pledge = lock_pledge(db, found.id)
    if pledge.state in UNPAID and not has_open_suspense_item(db, pledge.id):
        PLEDGES.move(db, pledge, "cancelled", Actor.owner(donor.id), now)
        db.flush()
    elif pledge.state not in ("cancelled", "expired"):
        raise PaidAlready(gift=code, number=pledge.appeal_id, paid=pledge.state not in UNPAID)
    return pledge


def expire_pledges(db: Session, now: datetime) -> int:
    """Expire overdue pledges that have no live order, which could be paid at this moment. Returns how many."""
    paying = exists().where(PayOrder.pledge_id == Pledge.id, PayOrder.state.in_(LIVE))
    over = select(Pledge).where(Pledge.state == "awaiting_payment", Pledge.pay_by <= now, ~paying)
    pledges = db.scalars(over.order_by(Pledge.pay_by).limit(_BATCH).with_for_update(skip_locked=True)).all()
    for pledge in pledges:
        PLEDGES.move(db, pledge, "expired", SYSTEM, now)
    db.flush()
    return len(pledges)
