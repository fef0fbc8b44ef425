"""Give what comes to be of a harvest to the buyers who wait for it, before anybody else can order it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.market.listing import Listing
from models.market.lots.lot import follow_stock
from models.market.orders.order import NOT_SENT, Order
from models.market.orders.steps import Held, add_to


def fill(db: Session, listing: Listing, now: datetime) -> None:
    """Give what is there to those who wait for it, in the order of placing. The caller holds the listing."""
    if listing.state != "on_sale" or not listing.available:
        return
    waiting = select(Order).where(Order.listing_id == listing.id, Order.choice == "wait", Order.state.in_(NOT_SENT))
    waiting = waiting.order_by(Order.placed_at, Order.id).with_for_update()
    for order in db.scalars(waiting.execution_options(populate_existing=True)).all():
        more = min((order.wanted or 0) - order.quantity, listing.available)
        if more > 0:
            add_to(db, Held(order, listing), more, now)
    follow_stock(db, listing, now)
