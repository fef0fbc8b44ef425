"""Check the day on which picking begins, where a seller gives another to what is ordered.

What is paid online stays frozen for a while only (PAY_FREEZE_DAYS), after which it is the seller's whatever becomes of
the order. So its harvest is not put off beyond that: who cannot keep the day gives the money back.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models.core.calendar import CHINA
from models.core.database import order_money_frozen_for
from models.core.refusal import Refusal
from models.market.listing import Listing
from models.market.lots.lot import TO_PICK, WORD_WITHIN, fails_after, lot_of
from models.market.orders.order import FROM_YES_TO_END, NOT_SENT, Order


class PickedNotSent(Refusal):
    """Of the listing ``number`` (``item``) so many ``orders`` wait for what is picked: the next harvest begins once
    they are sent."""

    code = "picked_not_sent"


class BeyondFreeze(Refusal):
    """So many ``orders`` of the listing ``number`` (``item``) are paid online, and would be over only after their money
    is frozen no more. ``latest``: the last day on which picking may begin; None: no later one than it has."""

    code = "beyond_freeze"
    step = "harvest_date"


def check_new_day(db: Session, listing: Listing, first: date | None, window: timedelta, now: datetime) -> None:
    """Check that picking may begin on another day than was said, for so long. The caller holds the listing.

    Raises PickedNotSent or BeyondFreeze.
    """
    today, lot = now.astimezone(CHINA).date(), lot_of(db, listing.id)
    if first is None or first <= today:
        return
    to_pick = lot is not None and lot.state in TO_PICK
    if lot and lot.first_day == first and not to_pick:
        return
    unsent = (Order.listing_id == listing.id) & Order.state.in_(NOT_SENT)
    if lot and lot.harvested_at and (waiting := db.scalar(select(func.count(Order.id)).where(unsent))):
        raise PickedNotSent(number=listing.id, item=listing.name, orders=waiting)
    if lot and to_pick and first + window <= lot.last_day:
        return
    _check_freeze(db, listing, unsent, first, window, today if lot is None else max(lot.first_day, today))


def _check_freeze(
    db: Session, listing: Listing, unsent: ColumnElement[bool], first: date, window: timedelta, before: date
) -> None:
    online = unsent & (Order.paid_at.is_not(None) | (Order.state == "awaiting_payment"))
    # What is not paid yet is frozen from the payment on, which comes later.
    since = func.min(func.coalesce(Order.paid_at, Order.placed_at))
    orders, oldest = db.execute(select(func.count(Order.id), since).where(online)).one()
    if not orders:
        return
    over_by = oldest + order_money_frozen_for(db) - FROM_YES_TO_END
    if fails_after(first + window) > over_by:
        last = (over_by - WORD_WITHIN).astimezone(CHINA).date() - timedelta(days=1)
        latest = last - window
        later = latest.isoformat() if latest > before else None
        raise BeyondFreeze(number=listing.id, item=listing.name, orders=orders, latest=later)
