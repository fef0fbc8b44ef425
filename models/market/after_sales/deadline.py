"""Say by when a complaint about an order that was paid online has to be over: while its money can still go back.

WeChat Pay pays a refund of frozen money out of it, and lets the money go to its sub-merchant after PAY_FREEZE_DAYS; a
refund after that is the seller's balance's, which may be empty. So what nobody decided goes back before.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from models.core.database import order_money_frozen_for
from models.market.after_sales.after_sale import AfterSale
from models.market.orders.order import Order

# A refund that WeChat Pay does not take at once is asked for again for so long.
SPARE = timedelta(days=2)
# What is asked later than so long before its last moment could not be looked into: it runs without one.
LEAST = timedelta(days=2)
# Of the time that a buyer has to say whether the goods came again, the township keeps so much.
TO_DECIDE = timedelta(days=1)
# States that end there by themselves; the others leave the township half of the time.
_TO_THE_END = ("agreed", "done", "township")


def decide_by(db: Session, found: AfterSale, order: Order) -> datetime | None:
    """Return the last moment of the complaint; None where nothing was paid online, or where that is too near."""
    frozen_for = order_money_frozen_for(db)
    if order.paid_at is None or not frozen_for:
        return None
    last = order.paid_at + frozen_for - SPARE
    return last if last - found.asked_at >= LEAST else None


def due_within(
    found: AfterSale, to: str, due: datetime | None, last: datetime | None, now: datetime
) -> datetime | None:
    """Return when the state ``to`` ends by itself: at ``due``, and early enough before ``last``.

    The township, which has no such end else, has it at the last moment.
    """
    if last is None or (due is None and to != "township"):
        return due
    half = now + max(last - now, timedelta()) / 2
    waits_for_goods = to == "agreed" and found.wish != "again"
    if to not in _TO_THE_END or waits_for_goods:
        last = half
    elif to == "done":
        last = max(half, last - TO_DECIDE)
    return min(due, last) if due else last
