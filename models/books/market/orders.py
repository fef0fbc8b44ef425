"""Check orders: what a listing holds is what its buyers wait for, sums are right, and clocks run and stop."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from models.books.violation import Violation
from models.core.database import stream
from models.market.after_sales.after_sale import LASTS as AFTER_LASTS
from models.market.after_sales.after_sale import OPEN, AfterSale
from models.market.listing import Listing
from models.market.orders.order import LASTS, RESERVED, Order
from models.market.orders.pricing import total_of

# Of what is disputed, what was delivered before is the buyer's, and what was on its way is still held.
_HELD = Order.state.in_(RESERVED) | (Order.state == "after_sale") & Order.delivered_at.is_(None)
_HAVE_IT = Order.delivered_at.is_not(None)


def check_orders(connection: Connection, now: datetime) -> Iterator[Violation]:
    for which, column, most in ((_HELD, Listing.reserved, False), (_HAVE_IT, Listing.delivered, True)):
        ordered = select(Order.listing_id.label("id"), func.sum(Order.quantity).label("ordered"))
        sums = ordered.where(which).group_by(Order.listing_id).subquery()
        held = func.coalesce(sums.c.ordered, 0)
        # A seller may have sold some elsewhere, which counts as delivered.
        wrong = held > column if most else held != column
        rows = select(Listing.id).outerjoin(sums, sums.c.id == Listing.id).where(wrong).order_by(Listing.id)
        for found in stream(connection, rows):
            yield Violation("listing_holds", "listing", found.id, f"has another {column.key} than its orders")
    columns = (Order.id, Order.price_fen, Order.quantity, Order.unit, Order.total_fen)
    for found in stream(connection, select(*columns).order_by(Order.id)):
        if found.total_fen != total_of(found.price_fen, found.quantity, found.unit):
            yield Violation("order_total", "order", found.id, "costs something else than its price and quantity say")
    running = Order.state.in_(LASTS) != Order.due_at.is_not(None)
    for found in stream(connection, select(Order.id, Order.state).where(running).order_by(Order.id)):
        yield Violation("order_clock", "order", found.id, f"stands in {found.state} and has no clock, or one too many")
    disputed = (AfterSale.order_id == Order.id) & AfterSale.state.in_(OPEN)
    apart = select(Order.id).where((Order.state == "after_sale") != select(AfterSale.id).where(disputed).exists())
    for found in stream(connection, apart.order_by(Order.id)):
        yield Violation("order_disputed", "order", found.id, "is in dispute without an after-sale, or the reverse")
    # Before the township it has one where money is frozen.
    halted = AfterSale.state.in_(AFTER_LASTS) != AfterSale.due_at.is_not(None)
    halted &= AfterSale.state != "township"
    for found in stream(connection, select(AfterSale.id).where(halted).order_by(AfterSale.id)):
        yield Violation("after_sale_clock", "after_sale", found.id, "has no clock, or one too many")
    # Kept for three years from its end and no longer.
    sealed = or_(*(column.is_not(None) for column in (Order.recipient, Order.phone, Order.address, Order.waybill)))
    ended = Order.ended_at.is_not(None) & Order.forget_at.is_(None) & sealed
    for found in stream(connection, select(Order.id).where(ended).order_by(Order.id)):
        yield Violation("order_kept", "order", found.id, "has ended, and no day on which its address is deleted")
