"""Tell a seller once that little of a listing is left to be ordered."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.measures import JIN
from models.market.listing import LISTING, Listing
from models.notifications.notify import notify_user
from models.stock.move import StockMove

# Little is a tenth of what was listed, and of any listing so many of its unit; of a small one never more than half.
PART, LEAST = 10, 10


def tell_low_stock(db: Session, listing: Listing, now: datetime) -> None:
    """Owe the seller the word that little is left: once until stock is added. The caller holds the listing."""
    if not is_low(listing):
        return
    added = (StockMove.thing == LISTING.name) & (StockMove.thing_id == listing.id) & (StockMove.kind == "add")
    last = db.scalar(select(func.max(StockMove.id)).where(added))
    facts = {"number": listing.id, "name": listing.name, "left": listing.available, "unit": listing.unit}
    key = f"stock_low:{listing.id}:{last}"
    notify_user(db, listing.seller_id, "stock_low", facts, key, now, about=(LISTING.name, listing.id))


def is_low(listing: Listing) -> bool:
    least = LEAST * (JIN if listing.unit == "jin" else 1)
    little = listing.available * PART < listing.initial or listing.available < least
    return little and listing.available * 2 < listing.initial
