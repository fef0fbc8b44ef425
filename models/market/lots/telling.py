"""Tell the seller of a lot when picking begins and when its window ends, and its buyers that it is picked, or moved."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.market.listing import Listing
from models.market.lots.lot import Lot
from models.market.orders.order import NOT_SENT, Order
from models.market.orders.shortfall import what_waits
from models.market.orders.telling import facts_of
from models.notifications.notify import NewForUser, drop_unread_of, notify_user, notify_users


def tell_seller(db: Session, listing: Listing, lot: Lot, kind: str, now: datetime, **facts: Any) -> None:
    """Owe the seller a notification, where somebody ordered of it, or it is on sale. Once for each window."""
    waits = what_waits(db, listing)
    if waits.orders == 0 and listing.state != "on_sale" and not facts:
        return
    about = {"number": listing.id, "name": listing.name, "unit": listing.unit, "ordered": waits.ordered}
    about |= {
        "orders": waits.orders,
        "last": lot.last_day.isoformat(),
        "until": (lot.due_at or now).isoformat(),
        **facts,
    }
    key = f"{kind}:{lot.id}:{lot.first_day.isoformat()}"
    notify_user(db, listing.seller_id, kind, about, key, now, ("listing", listing.id))


def tell_harvested(db: Session, lot: Lot, now: datetime) -> None:
    """Owe each buyer who waits for it the word that it is picked, and what comes next."""
    key = f"lot_harvested:{lot.id}:{lot.first_day.isoformat()}"
    told = [
        NewForUser(each.buyer_id, each.id, {**facts_of(each), "state": each.state}, f"{key}:{each.id}")
        for each in _waiting(db, lot)
    ]
    notify_users(db, "lot_harvested", "order", told, now)


def tell_new_day(db: Session, lot: Lot, before: tuple[date, date] | None, now: datetime) -> None:
    """Owe each buyer who waits for it the word that it is picked on other days, and what they may choose.

    ``before``: the window as they knew it; None: it was in stock.
    """
    orders = _waiting(db, lot)
    drop_unread_of(db, ["harvest_moved"], "order", [each.id for each in orders])
    was_first, was_last = before or (None, None)
    days = {"first": lot.first_day, "last": lot.last_day, "was_first": was_first, "was_last": was_last}
    said = {name: day.isoformat() if day else None for name, day in days.items()}
    key = f"harvest_moved:{lot.id}:{now.timestamp()}"
    told = [NewForUser(each.buyer_id, each.id, {**facts_of(each), **said}, f"{key}:{each.id}") for each in orders]
    notify_users(db, "harvest_moved", "order", told, now)


def _waiting(db: Session, lot: Lot) -> Sequence[Order]:
    waiting = select(Order).where(Order.listing_id == lot.listing_id, Order.state.in_(NOT_SENT)).order_by(Order.id)
    return db.scalars(waiting.execution_options(populate_existing=True)).all()
