"""减产: a seller harvests less than is listed. What is not ordered goes first; then orders share the rest.

The shares are in proportion to what was ordered, by largest remainder, equal ones to the earlier order. What is
on its way is not touched. Nobody pays for what there is not, and each may cancel what is left.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.apportionment import split
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.goods.ending import hold_own
from models.market.listing import LISTING, MACHINE, Listing
from models.market.lots.lot import follow_stock, lot_to_pick, move_lot
from models.market.orders.closing import cancel_all
from models.market.orders.order import NOT_SENT, Order
from models.market.orders.steps import Held, cut_each, lock_orders
from models.stock.move import move


class NotLess(Refusal):
    """``left`` is not less than the ``total`` that is ordered and listed, in the ``unit`` of the listing ``number``."""

    code = "harvest_not_less"


class NothingToReduce(Refusal):
    """The listing ``number`` is not on sale (``state``), or nothing of it is listed or waits to be sent."""

    code = "nothing_to_reduce"


@dataclass(frozen=True, slots=True)
class Harvest:
    """What of a listing is not sent yet: ``ordered`` and ``listed`` beside that, in its ``unit``; ``orders`` wait."""

    number: int
    name: str
    unit: str
    ordered: int
    listed: int
    orders: int

    @property
    def total(self) -> int:
        return self.ordered + self.listed


def open_harvest(db: Session, user_id: int | None, number: int) -> Harvest:
    """Lock the person's own listing and say what of it is not sent. Raises NoSuchThing or NothingToReduce."""
    listing: Listing = hold_own(db, user_id, LISTING.name, number)
    found = what_waits(db, listing)
    # What was ordered waits also where nothing more can be ordered: sold out, or before officers again.
    if not (found.orders or (listing.state == "on_sale" and found.total)):
        raise NothingToReduce(number=number, state=listing.state)
    return found


def what_waits(db: Session, listing: Listing) -> Harvest:
    """Say what of a listing is not sent. The caller holds the listing."""
    waiting = (Order.listing_id == listing.id) & Order.state.in_(NOT_SENT)
    ordered, orders = db.execute(select(func.sum(Order.quantity), func.count()).where(waiting)).one()
    return Harvest(listing.id, listing.name, listing.unit, int(ordered or 0), listing.available, orders)


def reduce_harvest(db: Session, user_id: int | None, number: int, left: int, now: datetime) -> Harvest:
    """Leave ``left`` of what is not sent yet, and notify each buyer who gets less. Returns what it was before.

    A lot of which nothing is left has failed.

    Raises NoSuchThing, NothingToReduce or NotLess.
    """
    before = open_harvest(db, user_id, number)
    if left >= before.total:
        raise NotLess(number=number, left=left, total=before.total, unit=before.unit)
    held = lock_orders(db, (Order.listing_id == number) & Order.state.in_(NOT_SENT))
    listing, lot = db.get_one(Listing, number), lot_to_pick(db, number)
    if lot and not left:
        move_lot(db, lot, "failed", Actor.owner(listing.seller_id), now)
    if left < before.ordered:
        _share(db, held, left, now)
    db.refresh(listing)
    spoilt = listing.available - max(left - before.ordered, 0)
    if spoilt:
        move(db, listing, "spoil", spoilt, f"harvest:{left}:{now:%Y%m%d%H%M%S%f}", now)
    if listing.state == "on_sale" and not (listing.available or listing.reserved):
        MACHINE.move(db, listing, "sold_out", Actor.owner(listing.seller_id), now)
    db.flush()
    follow_stock(db, listing, now)
    return before


def _share(db: Session, held: list[Held], left: int, now: datetime) -> None:
    shares = split(left, {each.order.id: each.order.quantity for each in held})
    gone = [each for each in held if not shares.get(each.order.id)]
    if gone:
        seller = Actor.owner(gone[0].order.seller_id)
        cancel_all(db, gone[0].listing, [each.order for each in gone], "no_harvest", seller, now)
    cut = [(each.order, shares.get(each.order.id, 0)) for each in held]
    cut = [(order, share) for order, share in cut if 0 < share < order.quantity]
    if cut:
        cut_each(db, held[0].listing, cut, now)
