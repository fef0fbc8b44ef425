"""Begin the lot of a listing that becomes public before its harvest; what is listed as ripe is picked."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from models.core.calendar import CHINA, start_of_day_of
from models.core.state_machine import SYSTEM
from models.market.listing import Listing
from models.market.lots.harvesting import mark_harvested
from models.market.lots.lot import TO_PICK, Lot, follow_stock, lot_of, move_lot
from models.market.lots.telling import tell_new_day
from models.market.orders.filling import fill
from models.market.orders.order import LASTS, Order


def begin_lot(db: Session, listing: Listing, now: datetime) -> None:
    """Begin a lot, or the next one of the same listing; one that waits to be picked gets the window anew.

    The next one begins also while orders of what was picked are on their way: none waits to be sent any more
    (models.market.lots.new_day).

    What is sold in a shop elsewhere has none. Who waits for the rest of it gets what there is now. The caller holds the
    listing.
    """
    _follow(db, listing, now)
    fill(db, listing, now)


def _follow(db: Session, listing: Listing, now: datetime) -> None:
    lot, until = lot_of(db, listing.id), listing.harvest_until
    today = now.astimezone(CHINA).date()
    if listing.harvest_date is None or until is None or listing.shop_url:
        if lot and lot.state in TO_PICK:
            mark_harvested(db, listing, lot, SYSTEM, now)
        return
    if listing.harvest_date <= today and (lot is None or lot.first_day == listing.harvest_date):
        return  # officers looked again while it is picked: its seller says when it is
    before = (lot.first_day, lot.last_day) if lot and lot.state in TO_PICK else None
    due = start_of_day_of(listing.harvest_date)
    if lot is None:
        first, last = listing.harvest_date, until
        lot = Lot(listing_id=listing.id, state="open", first_day=first, last_day=last, begun_at=now, due_at=due)
        db.add(lot)
        db.flush()
    elif lot.state in ("harvested", "shipping") and lot.first_day == listing.harvest_date:
        return  # it was picked before its day
    else:
        lot.first_day, lot.last_day, lot.due_at = listing.harvest_date, until, due
        lot.picking_at = lot.asked_at = None
        lot.counted = False
        if lot.state not in TO_PICK:
            lot.begun_at, lot.harvested_at = now, None
            move_lot(db, lot, "open", SYSTEM, now)
        db.flush()
    # What was said yes to before waits for the harvest as well.
    accepted = (Order.listing_id == listing.id) & (Order.state == "accepted")
    later = update(Order).where(accepted).values(due_at=lot.fails_at + LASTS["accepted"])
    db.execute(later.execution_options(synchronize_session="fetch"))
    if before != (lot.first_day, lot.last_day):
        tell_new_day(db, lot, before, now)
    follow_stock(db, listing, now)
