"""Check the day on which picking begins, where a seller gives another to what is ordered."""

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.calendar import CHINA
from models.core.refusal import Refusal
from models.market.listing import Listing
from models.market.lots.lot import lot_of
from models.market.orders.order import NOT_SENT, Order


class PickedNotSent(Refusal):
    """Of the listing ``number`` (``item``) so many ``orders`` wait for what is picked: the next harvest begins once
    they are sent."""

    code = "picked_not_sent"


def check_new_day(db: Session, listing: Listing, first: date | None, now: datetime) -> None:
    """Check that picking may begin on another day than was said. The caller holds the listing. Raises PickedNotSent."""
    lot = lot_of(db, listing.id)
    if first is None or first <= now.astimezone(CHINA).date() or (lot and lot.first_day == first):
        return
    unsent = select(func.count(Order.id)).where(Order.listing_id == listing.id, Order.state.in_(NOT_SENT))
    if lot and lot.harvested_at and (waiting := db.scalar(unsent)):
        raise PickedNotSent(number=listing.id, item=listing.name, orders=waiting)
