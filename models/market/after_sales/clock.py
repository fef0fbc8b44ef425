"""End the states of after-sales that are over, and remind whoever may still act in one that ends soon."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.one_by_one import act_on_each
from models.core.state_machine import SYSTEM
from models.market.after_sales.after_sale import AfterSale
from models.market.after_sales.answers import Disputed, lock_of, move
from models.market.after_sales.telling import remind
from models.market.orders.steps import try_lock_order

BATCH = 200


def end_overdue_after_sales(db: Session, now: datetime) -> int:
    """End the states that are over; returns how many. One that fails is logged and stops no other."""
    due = select(AfterSale.order_id).where(AfterSale.due_at <= now).order_by(AfterSale.due_at, AfterSale.id)
    found = db.scalars(due.limit(BATCH)).all()
    return act_on_each(db, found, lambda number: _end_one(db, number, now), "after_sales")


def remind_of_after_sales(db: Session, now: datetime) -> int:
    """Remind whoever may still act in a state that ends soon, once; returns how many. Takes one batch."""
    soon = select(AfterSale.order_id).where(AfterSale.remind_at <= now).order_by(AfterSale.remind_at, AfterSale.id)
    found = db.scalars(soon.limit(BATCH)).all()
    return act_on_each(db, found, lambda number: _remind_one(db, number, now), "after_sale_reminders")


def _end_one(db: Session, order_id: int, now: datetime) -> bool:
    disputed = _try_lock(db, order_id)
    if disputed is None or disputed.found.due_at is None or disputed.found.due_at > now:
        return False
    move(db, disputed, _by_silence(disputed), SYSTEM, now)
    return True


def _remind_one(db: Session, order_id: int, now: datetime) -> bool:
    disputed = _try_lock(db, order_id)
    if disputed is None or disputed.found.remind_at is None or disputed.found.remind_at > now:
        return False
    disputed.found.remind_at = None
    db.flush()
    remind(db, disputed.found, disputed.held.order, now)
    return True


def _by_silence(disputed: Disputed) -> str:
    """Return where silence leads.

    What never came is not paid because its buyer did not object once more. What was to be sent again and is not becomes
    money where WeChat Pay has it; what was paid by hand nobody here can fetch, whatever the township says.
    """
    found = disputed.found
    if found.state == "refused":
        return "township" if found.wrong == "not_got" else "dismissed"
    if found.state == "agreed":
        paid_back = found.wish == "again" and disputed.held.order.paid_at is not None
        return "unkept" if paid_back or found.is_last else "township"
    return {"asked": "township", "township": "undecided", "done": "settled"}[found.state]


def _try_lock(db: Session, order_id: int) -> Disputed | None:
    held = try_lock_order(db, order_id)
    return lock_of(db, held) if held else None
