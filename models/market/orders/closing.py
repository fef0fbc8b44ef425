"""End many orders of one listing at once: all that are cancelled, or that count as arrived, in a few statements.

The orders of a harvest come due in one night (``make bench ARGS=market``). Each function does to every order what its
namesake in models.market.orders.steps does to one; the caller holds the listing and the orders.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from models.core.state_machine import SYSTEM, Actor
from models.market.listing import MACHINE, Listing
from models.market.lots.lot import follow_stock
from models.market.orders.order import NOT_SENT, ORDER_MACHINE, Order, ends_at, on_cancelled
from models.market.orders.steps import Held, lock_orders
from models.market.orders.telling import drop_overtaken, tell_all
from models.stock.move import move_each


def cancel_all(db: Session, listing: Listing, orders: Sequence[Order], why: str, actor: Actor, now: datetime) -> None:
    """Cancel orders of which nothing was sent, as ``cancel`` does one."""
    if not orders:
        return
    released = [(order.quantity, f"order:{order.id}:release") for order in orders]
    for order in orders:
        order.why, order.ended_at, order.due_at = why, now, None
        order.wanted = order.choice = order.choice_until = None
        order.recipient = order.phone = order.address = None
        ORDER_MACHINE.move(db, order, "cancelled", actor, now, detail=why)
    db.flush()
    on_cancelled(db, [order.id for order in orders], now)
    move_each(db, listing, "release", released, now)
    drop_overtaken(db, orders)
    tell_all(db, orders, now)
    follow_stock(db, listing, now)


def deliver_all(db: Session, listing: Listing, orders: Sequence[Order], now: datetime) -> None:
    """Count orders that were sent as arrived, as ``deliver`` does one; by the clock."""
    if not orders:
        return
    move_each(db, listing, "deliver", [(order.quantity, f"order:{order.id}:deliver") for order in orders], now)
    for order in orders:
        order.delivered_at, order.due_at = now, ends_at("delivered", now)
        ORDER_MACHINE.move(db, order, "delivered", SYSTEM, now)
    db.flush()
    drop_overtaken(db, orders)
    tell_all(db, orders, now)
    if not (listing.available or listing.reserved) and listing.state == "on_sale":
        MACHINE.move(db, listing, "sold_out", SYSTEM, now)


def cancel_unsent(db: Session, which: ColumnElement[bool], why: str, now: datetime) -> list[Held]:
    """Cancel the orders of which nothing is sent and for which the condition holds; returns them."""
    found = lock_orders(db, which & Order.state.in_(NOT_SENT))
    unsent = [held for held in found if held.order.state in NOT_SENT]
    listings = {held.listing.id: held.listing for held in unsent}
    for number, listing in listings.items():
        cancel_all(db, listing, [held.order for held in unsent if held.listing.id == number], why, SYSTEM, now)
    return unsent
