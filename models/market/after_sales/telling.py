"""Tell the buyer and the seller where an after-sale stands and whose turn it is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.core.calendar import day_in_china
from models.market.after_sales.after_sale import NAME, AfterSale
from models.market.orders.order import Order
from models.notifications.notify import drop_unread, notify_user
from models.staff.member import Staff, notify_staff
from models.staff.task import find_task

# State -> who hears of it, beside whoever made it so.
_TOLD: Mapping[str, tuple[str, ...]] = {
    "asked": ("seller",),
    "refused": ("buyer",),
    "township": ("buyer", "seller"),
    "agreed": ("buyer", "seller"),
    "done": ("buyer",),
    "settled": ("seller",),
    "dismissed": ("buyer", "seller"),
    "withdrawn": ("seller",),
    **dict.fromkeys(("unkept", "undecided"), ("buyer", "seller")),
}
# State -> who may still act in it, and is reminded of its end.
_REMINDED: Mapping[str, str] = {"agreed": "seller", "done": "buyer"}


def tell(db: Session, found: AfterSale, order: Order, now: datetime, by: str | None = None) -> None:
    """Owe the notifications of the state that it is in now. ``by``: the side whose word it was, who knows it."""
    drop_unread(db, ("after_sale_moved",), ("order", order.id))
    for side in _TOLD[found.state]:
        if side != by:
            _tell(db, found, order, side, now)


def remind(db: Session, found: AfterSale, order: Order, now: datetime) -> None:
    """Owe whoever may still act in its state the word that it ends soon, and what then becomes of it."""
    if found.state == "township":
        _remind_officer(db, found, order, now)
        return
    drop_unread(db, ("after_sale_moved",), ("order", order.id))
    _tell(db, found, order, _REMINDED[found.state], now, soon=True)


def _remind_officer(db: Session, found: AfterSale, order: Order, now: datetime) -> None:
    task = find_task(db, NAME, found.id)
    if task and task.assignee and found.due_at:
        facts = {"number": found.id, "name": order.name, "until": found.due_at.isoformat()}
        key = f"after_sale_ends:{found.id}:{found.round}"
        staff = db.get_one(Staff, task.assignee)
        notify_staff(db, staff, "after_sale_ends", facts, key, now, (NAME, found.id))


def _tell(db: Session, found: AfterSale, order: Order, side: str, now: datetime, *, soon: bool = False) -> None:
    to = order.buyer_id if side == "buyer" else order.seller_id
    facts = {**_facts(found, order), "side": side, "soon": soon}
    key = f"after_sale:{found.id}:{side}:{found.state}:{found.round}{':soon' if soon else ''}"
    notify_user(db, to, "after_sale_moved", facts, key, now, ("order", order.id))


def _facts(found: AfterSale, order: Order) -> dict[str, Any]:
    return {
        "order": order.id,
        "code": order.code,
        "number": order.listing_id,
        "name": order.name,
        "wrong": found.wrong,
        "wish": found.wish,
        "part_fen": found.part_fen,
        "paid": order.paid_at is not None,
        "last": found.is_last,
        "state": found.state,
        "due": day_in_china(found.due_at) if found.due_at else None,
    }
