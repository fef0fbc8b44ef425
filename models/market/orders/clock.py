"""End the states of orders that are over, and delete what the law asks to keep for three years and no longer.

The orders of each listing are a savepoint of their own: one that fails is logged and stops no other.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from models.core.state_machine import SYSTEM
from models.market.listing import Listing
from models.market.orders import steps
from models.market.orders.closing import cancel_all, deliver_all
from models.market.orders.filling import fill
from models.market.orders.order import Order

Row = TypeVar("Row", Order, Listing)

BATCH = 1_000
MOST_COMPLETED = 1_000

log = structlog.get_logger()

# Why an order that waited too long for its buyer or its seller is cancelled.
_WHY: Mapping[str, str] = {"awaiting_payment": "unpaid", "paid": "silent", "placed": "silent", "accepted": "not_sent"}
_ENDING = (*_WHY, "shipped")


def end_overdue_orders(db: Session, now: datetime) -> int:
    """End the states that are over; returns how many. Takes one batch, and skips what another transaction holds.

    The orders of a listing go together; where that fails, one by one.
    """
    due = select(Order.id, Order.listing_id).where(Order.due_at <= now, Order.state.in_(_ENDING))
    found = db.execute(due.order_by(Order.due_at, Order.id).limit(BATCH)).all()
    of_listing: dict[int, list[int]] = {}
    for number, listing_id in found:
        of_listing.setdefault(listing_id, []).append(number)
    count = 0
    for listing_id, numbers in of_listing.items():
        ended = _try(db, listing_id, numbers, now)
        if ended is None and len(numbers) > 1:
            ended = sum(_try(db, listing_id, [number], now) or 0 for number in numbers)
        count += ended or 0
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


def _try(db: Session, listing_id: int, numbers: Sequence[int], now: datetime) -> int | None:
    """End them in a savepoint of their own; returns how many, None where it failed, which is logged."""
    try:
        with db.begin_nested():
            return _end(db, listing_id, numbers, now)
    except Exception:  # of any kind: the others must still be ended; logged
        log.exception("orders.clock_failed", numbers=list(numbers[:20]))
        return None


def _end(db: Session, listing_id: int, numbers: Sequence[int], now: datetime) -> int:
    listing = db.scalar(_free(select(Listing).where(Listing.id == listing_id)))
    if listing is None:
        return 0
    # Between the search and the lock its buyer or seller may have answered.
    wanted = select(Order).where(Order.id.in_(numbers), Order.due_at <= now, Order.state.in_(_ENDING))
    orders = db.scalars(_free(wanted.order_by(Order.id))).all()
    for why in dict.fromkeys(_WHY.values()):
        cancel_all(db, listing, [each for each in orders if _WHY.get(each.state) == why], why, SYSTEM, now)
    deliver_all(db, listing, [each for each in orders if each.state == "shipped"], now)
    fill(db, listing, now)
    return len(orders)


def _free(wanted: Select[Row]) -> Select[Row]:
    """Read rows afresh and lock them, but for those that another transaction has locked."""
    return wanted.with_for_update(skip_locked=True).execution_options(populate_existing=True)
