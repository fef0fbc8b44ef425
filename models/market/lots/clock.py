"""Move lots by their window: picking begins, the window ends, and what nobody said a word of fails."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.calendar import start_of_day_of
from models.core.state_machine import SYSTEM
from models.market.listing import MACHINE as LISTINGS
from models.market.listing import Listing
from models.market.lots.lot import WORD_WITHIN, Lot, lot_to_pick, move_lot
from models.market.lots.telling import tell_seller
from models.market.orders.closing import cancel_unsent
from models.market.orders.order import ORDER_MACHINE, Order

BATCH = 200
# An order in one of these may still move.
GOING = tuple(sorted(ORDER_MACHINE.sources))


def due_lots(db: Session, now: datetime) -> list[int]:
    """List a batch of the lots whose clock is over."""
    due = select(Lot.id).where(Lot.due_at <= now).order_by(Lot.due_at, Lot.id)
    return list(db.scalars(due.limit(BATCH)))


def move_on(db: Session, number: int, now: datetime) -> bool:
    """Do what a lot's clock says; False where another transaction holds its listing, or it was done meanwhile."""
    listing = _hold(db, db.get_one(Lot, number).listing_id)
    lot = lot_to_pick(db, listing.id) if listing else None
    if listing is None or lot is None or lot.due_at is None or lot.due_at > now:
        return False
    if lot.picking_at is None:
        _begin_picking(db, listing, lot, now)
    elif lot.asked_at is None:
        # Three whole days, also where the clock was late.
        lot.asked_at, lot.due_at = now, max(lot.fails_at, now + WORD_WITHIN)
        tell_seller(db, listing, lot, "lot_ends", now)
    else:
        _fail(db, listing, lot, now)
    db.flush()
    return True


def end_lots(db: Session, now: datetime) -> int:
    """End the lots of which every order is over and nothing is on sale; returns how many. Takes one batch."""
    going = select(Order.id).where(Order.listing_id == Lot.listing_id, Order.state.in_(GOING)).exists()
    on_sale = (Listing.state == "on_sale") & (Listing.available > 0)
    over = select(Lot.id, Lot.listing_id).join(Listing, Listing.id == Lot.listing_id)
    over = over.where(Lot.state.in_(("harvested", "shipping")), ~on_sale, ~going).order_by(Lot.id).limit(BATCH)
    count = 0
    for number, listing_id in db.execute(over).all():
        # Under the listing's lock nobody orders, so that what was over still is.
        if _hold(db, listing_id) is None or db.scalar(over.where(Lot.id == number)) is None:
            continue
        move_lot(db, db.get_one(Lot, number, populate_existing=True), "done", SYSTEM, now)
        count += 1
    return count


def _begin_picking(db: Session, listing: Listing, lot: Lot, now: datetime) -> None:
    lot.picking_at, lot.due_at = now, start_of_day_of(lot.last_day)
    if lot.state == "open":
        move_lot(db, lot, "locked", SYSTEM, now)
    tell_seller(db, listing, lot, "lot_picking", now)


def _fail(db: Session, listing: Listing, lot: Lot, now: datetime) -> None:
    """Cancel what was ordered of it, and take it off sale: its seller lists it again once there is something."""
    move_lot(db, lot, "failed", SYSTEM, now)
    cancelled = len(cancel_unsent(db, Order.listing_id == listing.id, "no_harvest", now))
    was_listed = listing.state == "on_sale"
    if was_listed:
        LISTINGS.move(db, listing, "expired", SYSTEM, now)
    if cancelled or was_listed:
        tell_seller(db, listing, lot, "lot_failed", now, cancelled=cancelled)


def _hold(db: Session, listing_id: int) -> Listing | None:
    """Lock a listing unless another transaction holds it."""
    free = select(Listing).where(Listing.id == listing_id).with_for_update(skip_locked=True)
    return db.scalar(free.execution_options(populate_existing=True))
