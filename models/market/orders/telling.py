"""Tell the buyer and the seller of an order where it stands and whose turn it is."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.core.calendar import day_in_china, last_day_before
from models.market.lots.lot import lots_to_pick
from models.market.orders.order import NOT_SENT, TO_ANSWER, Order
from models.notifications.notify import NewForUser, drop_unread, drop_unread_of, notify_user, notify_users

# State -> the kind of notification for its buyer, and for its seller.
TOLD: Mapping[str, tuple[str | None, str | None]] = {
    "placed": (None, "ordered"),
    "awaiting_payment": (None, None),
    "paid": ("order_paid", "ordered"),
    "accepted": ("order_accepted", None),
    "shipped": ("shipped", None),
    "delivered": ("order_handed", "order_received"),
    # Of an after-sale both hear by models.market.after_sales.telling.
    **dict.fromkeys(("completed", "after_sale", "refunded", "rejected"), (None, None)),
    "cancelled": ("order_ended", "order_ended"),
}
# Why it was cancelled -> whose word it was, who has the answer to that already.
_BY_WORD: Mapping[str | None, str] = {
    "buyer": "buyer",
    "no_stock": "seller",
    "no_harvest": "seller",
    "buyer_left": "buyer",
}
# A kind -> the state in which it asks for something.
_ANSWERED_IN: Mapping[str, Sequence[str]] = {
    "ordered": TO_ANSWER,
    "order_short": ("placed", "paid", "accepted"),
    "harvest_moved": NOT_SENT,
    "order_accepted": ("accepted",),
    "order_agreed": ("accepted",),
    "shipped": ("shipped",),
}


def tell(db: Session, order: Order, now: datetime) -> None:
    """Owe the notifications of the state that the order is in now, in the caller's transaction."""
    tell_all(db, [order], now)


def tell_all(db: Session, orders: Sequence[Order], now: datetime) -> None:
    """Owe those of many orders at once."""
    lots = lots_to_pick(db, {order.listing_id for order in orders if order.state == "accepted"})
    told: dict[str, list[NewForUser]] = {}
    for order in orders:
        for side, kind, user in _whom(order):
            facts = {**facts_of(order), "side": side}
            if order.state == "accepted" and (lot := lots.get(order.listing_id)):
                facts |= {"first": lot.first_day.isoformat(), "last": lot.last_day.isoformat()}
            key = f"{kind}:{side}:order:{order.id}:{order.state}"
            told.setdefault(kind, []).append(NewForUser(user, order.id, facts, key))
    for kind, notices in told.items():
        notify_users(db, kind, "order", notices, now)


def _whom(order: Order) -> Iterator[tuple[str, str, int]]:
    """Yield the sides that are told of the order's state, with the kind of notification and the user."""
    buyer, seller = TOLD[order.state]
    if order.state == "delivered":
        # Who says that it arrived, or that it was handed over, knows it; of the clock both hear what the other would.
        buyer, seller = (buyer, None) if order.shipped_at is None else (None, seller)
    word = _BY_WORD.get(order.why)
    for side, kind, user in (("buyer", buyer, order.buyer_id), ("seller", seller, order.seller_id)):
        if kind and word != side:
            yield side, kind, user


def tell_agreed(db: Session, order: Order, now: datetime) -> None:
    """Tell the seller, who agreed before it was placed, that it is to be sent."""
    facts, lot = facts_of(order), lots_to_pick(db, {order.listing_id}).get(order.listing_id)
    if lot:
        facts |= {"first": lot.first_day.isoformat(), "last": lot.last_day.isoformat()}
    key = f"order_agreed:{order.id}"
    notify_user(db, order.seller_id, "order_agreed", facts, key, now, ("order", order.id))


def tell_cut(db: Session, order: Order, before: int, now: datetime) -> None:
    """Owe the buyer the word that there is less: ``before`` was ordered."""
    tell_cut_each(db, [(order, before)], now)


def tell_cut_each(db: Session, cut: Sequence[tuple[Order, int]], now: datetime) -> None:
    """Owe many buyers the word that there is less, each with what was ordered before."""
    told = [
        NewForUser(
            order.buyer_id, order.id, {**facts_of(order), "before": before}, f"order_cut:{order.id}:{now.timestamp()}"
        )
        for order, before in cut
    ]
    notify_users(db, "order_cut", "order", told, now)


def tell_short_each(db: Session, orders: Sequence[Order], now: datetime) -> None:
    """Ask buyers what is to become of orders of which less is there; who waits hears how much is."""
    drop_unread_of(db, ["order_short"], "order", [order.id for order in orders])
    for kind, choice in (("order_short", "open"), ("order_filled", "wait")):
        _tell_buyers(db, [order for order in orders if order.choice == choice], kind, now)


def tell_filled(db: Session, order: Order, now: datetime) -> None:
    """Owe the buyer who waits the word that more is there."""
    _tell_buyers(db, [order], "order_filled", now)


def _tell_buyers(db: Session, orders: Sequence[Order], kind: str, now: datetime) -> None:
    told = []
    for order in orders:
        facts = {**facts_of(order), "wanted": order.wanted}
        facts["until"] = order.choice_until.isoformat() if order.choice_until else None
        key = f"{kind}:{order.id}:{now.timestamp()}:{order.quantity}"
        told.append(NewForUser(order.buyer_id, order.id, facts, key))
    notify_users(db, kind, "order", told, now)


def drop_asked(db: Session, order: Order) -> None:
    """Delete the question that is answered, or asked anew."""
    drop_unread(db, ["order_short"], ("order", order.id))


def drop_overtaken(db: Session, orders: Sequence[Order]) -> None:
    """Delete what waits unread of orders in one state, and can be answered no more."""
    overtaken = [kind for kind, states in _ANSWERED_IN.items() if orders[0].state not in states]
    drop_unread_of(db, overtaken, "order", [order.id for order in orders])


def _due_day(order: Order) -> str | None:
    """Return the day by which its state asks for something; of what is delivered, the last to say what is wrong."""
    if order.due_at is None:
        return None
    return last_day_before(order.due_at).isoformat() if order.state == "delivered" else day_in_china(order.due_at)


def facts_of(order: Order) -> dict[str, Any]:
    """State what its notifications may name: the waybill only while it travels, and never who lives where."""
    travels = order.state == "shipped"
    return {
        "order": order.id,
        "code": order.code,
        "number": order.listing_id,
        "name": order.name,
        "quantity": order.quantity,
        "unit": order.unit,
        "amount_fen": order.total_fen,
        "paid": order.paid_at is not None,
        "fresh": order.fresh,
        "due": _due_day(order),
        "carrier": order.carrier if travels else None,
        "waybill": order.waybill if travels else None,
        "why": order.why,
    }
