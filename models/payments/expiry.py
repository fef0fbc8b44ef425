"""Orders and pledges that nobody has paid: when the platform is asked about them, and when they are let go."""

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.core.state_machine import SYSTEM
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import Pledge
from models.payments.collection import FIRST_CHECK, hold_order
from models.payments.order import LIVE, PayOrder
from models.payments.order import MACHINE as ORDERS

# An order is asked about ever more seldom, and no more seldom than this.
LONGEST_CHECK = timedelta(minutes=10)
_BATCH = 100


def begin_query(db: Session, order_id: int, now: datetime, apart: timedelta) -> PayOrder | None:
    """The order, if it is live and was not asked about within ``apart``: then somebody else has the answer soon."""
    order = hold_order(db, order_id)
    lately = order.queried_at is not None and order.queried_at > now - apart
    if order.state not in LIVE or lately:
        return None
    order.queried_at = now
    db.flush()
    return order


def close_order(db: Session, order_id: int, now: datetime) -> None:
    """The platform has said that nobody can pay it any more."""
    order = hold_order(db, order_id)
    if order.state in LIVE:
        ORDERS.move(db, order, "closed", SYSTEM, now)
        db.flush()


def is_over(db: Session, order: PayOrder, now: datetime) -> bool:
    """Nobody is to pay this order any more: its time is over, or its pledge's is, or that is paid."""
    return order.expires_at <= now or db.get_one(Pledge, order.pledge_id).state != "awaiting_payment"


def due_orders(db: Session, now: datetime, most: int) -> list[int]:
    """Orders of which it is time to ask the platform; each comes again later, the older the more seldom."""
    due = select(PayOrder).where(PayOrder.state.in_(LIVE), PayOrder.check_at <= now).order_by(PayOrder.check_at)
    orders = db.scalars(due.limit(most).with_for_update(skip_locked=True)).all()
    for order in orders:
        # What is over is closed, and that is soon done.
        age = now - order.created_at if order.expires_at > now else FIRST_CHECK
        order.check_at = now + min(max(age / 3, FIRST_CHECK), LONGEST_CHECK)
    db.flush()
    return [order.id for order in orders]


def expire_pledges(db: Session, now: datetime) -> int:
    """Pledges whose time to be paid is over, and with no order that somebody may be paying just now."""
    paying = exists().where(PayOrder.pledge_id == Pledge.id, PayOrder.state.in_(LIVE))
    over = select(Pledge).where(Pledge.state == "awaiting_payment", Pledge.pay_by <= now, ~paying)
    pledges = db.scalars(over.order_by(Pledge.pay_by).limit(_BATCH).with_for_update(skip_locked=True)).all()
    for pledge in pledges:
        PLEDGES.move(db, pledge, "expired", SYSTEM, now)
    db.flush()
    return len(pledges)
