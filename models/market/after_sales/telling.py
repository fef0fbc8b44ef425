"""Tell the buyer and the seller where an after-sale stands and whose turn it is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.core.calendar import day_in_china
from models.market.after_sales.after_sale import AfterSale
from models.market.orders.order import Order
from models.notifications.notify import drop_unread, notify_user

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
}


def tell(db: Session, found: AfterSale, order: Order, now: datetime, by: str | None = None) -> None:
    """Owe the notifications of the state that it is in now. ``by``: the side whose word it was, who knows it."""
    drop_unread(db, ("after_sale_moved",), ("order", order.id))
    key = f"{found.state}:{found.round}"
    for side in _TOLD[found.state]:
        if side != by:
            to = order.buyer_id if side == "buyer" else order.seller_id
            facts = {**_facts(found, order), "side": side}
            notify_user(
                db, to, "after_sale_moved", facts, f"after_sale:{found.id}:{side}:{key}", now, ("order", order.id)
            )


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
        "state": found.state,
        "due": day_in_china(found.due_at) if found.due_at else None,
    }
