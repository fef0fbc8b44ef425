"""Check lots: their states against their days and their orders, and that who waits for the rest gets what comes."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, or_, select

from models.books.violation import Violation
from models.core.database import stream
from models.market.listing import Listing
from models.market.lots.lot import TO_PICK, Lot
from models.market.orders.order import NOT_SENT, ORDER_MACHINE, Order

# The sweep comes every minute; a lot that it could not move for so long is stuck.
_MOVED_WITHIN = timedelta(days=1)


def check_lots(connection: Connection, now: datetime) -> Iterator[Violation]:
    stuck = select(Lot.id).where(Lot.due_at <= now - _MOVED_WITHIN).order_by(Lot.id)
    for found in stream(connection, stuck):
        yield Violation("lot_stuck", "lot", found.id, "should have been moved by its window, long ago")
    left = Order.shipped_at.is_not(None) | Order.delivered_at.is_not(None)
    early = _with_order(left, Order.placed_at >= Lot.begun_at).where(Lot.state.in_(TO_PICK))
    for found in stream(connection, early):
        yield Violation("lot_sent_early", "lot", found.id, "is not picked, and an order of it has left")
    failed = _with_order(Order.state.in_(NOT_SENT), Order.placed_at < Lot.ended_at).where(Lot.state == "failed")
    for found in stream(connection, failed):
        yield Violation("lot_failed_open", "lot", found.id, "has failed, and an order of it waits to be sent")
    going = _with_order(Order.state.in_(ORDER_MACHINE.sources), Order.placed_at < Lot.ended_at)
    for found in stream(connection, going.where(Lot.state == "done")):
        yield Violation("lot_done_open", "lot", found.id, "is done, and an order of it is not over")
    cut_short = _with_order(Order.state == "accepted", Order.due_at < Lot.due_at).where(Lot.state.in_(TO_PICK))
    for found in stream(connection, cut_short):
        yield Violation("lot_order_clock", "lot", found.id, "has an order that ends before it can be picked")
    waits = Order.choice_until.is_not(None)
    late = select(Order.id).where(waits, Order.choice_until <= now - _MOVED_WITHIN).order_by(Order.id)
    for found in stream(connection, late):
        yield Violation("order_choice_stuck", "order", found.id, "should have taken what there is, long ago")
    unfilled = _with_order(Order.choice == "wait").join(Listing, Listing.id == Lot.listing_id)
    for found in stream(connection, unfilled.where(Listing.state == "on_sale", Listing.available > 0)):
        yield Violation("lot_unfilled", "lot", found.id, "has stock on sale, and an order of it waits for the rest")
    window = or_(Listing.harvest_until.is_(None), Listing.harvest_date.is_(None), Listing.shop_url.is_not(None))
    no_window = select(Lot.id).join(Listing, Listing.id == Lot.listing_id)
    public = Listing.state.in_(("on_sale", "sold_out")) & Listing.looked_at.is_not(None)
    for found in stream(connection, no_window.where(Lot.state.in_(TO_PICK), public, window).order_by(Lot.id)):
        yield Violation("lot_without_window", "lot", found.id, "waits to be picked, and its listing has no window")


def _with_order(*which: ColumnElement[bool]) -> Select[int]:
    orders = select(Order.id).where(Order.listing_id == Lot.listing_id, *which).exists()
    return select(Lot.id).where(orders).order_by(Lot.id)
