"""Cancel what cannot be sent any more when the seller's household is suspended or a listing is taken down."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.core.leaver import Leaver
from models.market.orders.closing import cancel_unsent
from models.market.orders.filling import fill
from models.market.orders.order import Order


def household_suspended(db: Session, household_id: int, now: datetime) -> None:
    """Cancel what the household has not sent: it, or what it sells, is suspended. The caller holds its listings."""
    cancel_unsent(db, Order.household_id == household_id, "suspended", now)


def listing_taken_down(db: Session, number: int, _state: str, now: datetime) -> None:
    """Cancel what was ordered from a listing that an officer takes down. The caller holds the listing."""
    cancel_unsent(db, Order.listing_id == number, "suspended", now)


def buyer_left(db: Session, leaver: Leaver) -> None:
    """Cancel what was not sent to an erased person; what is on its way runs on without them."""
    cancelled = cancel_unsent(db, Order.buyer_id == leaver.user_id, "buyer_left", leaver.now)
    for listing in {held.listing.id: held.listing for held in cancelled}.values():
        fill(db, listing, leaver.now)
