"""End the states of orders that are over, and delete what the law asks to keep for three years and no longer.

Each order is a savepoint of its own: one that fails is logged and stops no other.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.core.state_machine import SYSTEM
from models.market.orders import steps
from models.market.orders.filling import fill
from models.market.orders.order import Order
from models.market.orders.steps import Held

BATCH = 200
MOST_COMPLETED = 1_000

log = structlog.get_logger()

_ENDS: Mapping[str, Callable[[Session, Held, datetime], None]] = {
    "awaiting_payment": lambda db, held, now: steps.cancel(db, held, "unpaid", SYSTEM, now),
    "paid": lambda db, held, now: steps.cancel(db, held, "silent", SYSTEM, now),
    "placed": lambda db, held, now: steps.cancel(db, held, "silent", SYSTEM, now),
    "accepted": lambda db, held, now: steps.cancel(db, held, "not_sent", SYSTEM, now),
    "shipped": lambda db, held, now: steps.deliver(db, held, SYSTEM, now),
}


def end_overdue_orders(db: Session, now: datetime) -> int:
    """End the states that are over; returns how many. Takes one batch, and skips what another transaction holds."""
    due = select(Order.id).where(Order.due_at <= now, Order.state.in_(_ENDS)).order_by(Order.due_at, Order.id)
    count = 0
    for number in db.scalars(due.limit(BATCH)).all():
        try:
            with db.begin_nested():
                count += _end_one(db, number, now)
        except Exception:  # of any kind: the others must still be ended; logged
            log.exception("orders.clock_failed", number=number)
    return count


def complete_delivered(db: Session, now: datetime) -> int:
    """Complete what its buyers have kept; returns how many. No stock moves and nobody is told, so that many go at once.

    A harvest's orders come due in one night (``make bench ARGS=market``).
    """
    kept = select(Order).where(Order.state == "delivered", Order.due_at <= now).order_by(Order.due_at, Order.id)
    orders = db.scalars(kept.limit(MOST_COMPLETED).with_for_update(skip_locked=True)).all()
    for order in orders:
        steps.complete(db, order, now)
    db.flush()
    return len(orders)


def forget_old_orders(db: Session, now: datetime) -> int:
    """Delete names, addresses, phones and waybills of orders that ended three years ago; returns how many."""
    old = select(Order.id).where(Order.forget_at <= now).order_by(Order.forget_at).limit(BATCH)
    numbers = db.scalars(old.with_for_update(skip_locked=True)).all()
    emptied = {"recipient": None, "phone": None, "address": None, "waybill": None, "waybill_hash": None}
    gone = update(Order).where(Order.id.in_(numbers)).values(**emptied, carrier=None, forget_at=None)
    db.execute(gone.execution_options(synchronize_session=False))
    return len(numbers)


def _end_one(db: Session, number: int, now: datetime) -> bool:
    held = steps.try_lock_order(db, number)
    # Between the search and the lock its buyer or seller may have answered.
    if held is None or held.order.due_at is None or held.order.due_at > now:
        return False
    _ENDS[held.order.state](db, held, now)
    if held.order.state == "cancelled":
        fill(db, held.listing, now)
    return True
