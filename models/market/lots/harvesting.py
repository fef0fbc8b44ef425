"""收了: a seller says that a lot is picked, and how much there is; whoever ordered hears it, and it can be sent."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.goods.ending import hold_own
from models.market.listing import LISTING, Listing
from models.market.lots.lot import TO_PICK, Lot, lot_of, lot_to_pick, move_lot
from models.market.lots.telling import tell_harvested
from models.market.orders.order import LASTS, Order
from models.market.orders.shortfall import Harvest, reduce_harvest, what_waits
from models.market.rules import NO_CROPS, MarketRules
from models.market.submission import set_stock

# So many lots of one seller are asked about.
_MOST = 9


class NothingToHarvest(Refusal):
    """The listing ``number`` has no lot that waits to be picked. ``state``: its lot's; None: it has none."""

    code = "nothing_to_harvest"


def lots_to_pick(db: Session, user_id: int) -> list[Listing]:
    """List the person's listings whose lots wait to be picked, those that are due first first."""
    theirs = select(Listing).join(Lot, Lot.listing_id == Listing.id)
    theirs = theirs.where(Listing.seller_id == user_id, Lot.state.in_(TO_PICK))
    return list(db.scalars(theirs.order_by(Lot.first_day, Listing.id).limit(_MOST)))


def open_lot(db: Session, user_id: int | None, number: int) -> Harvest:
    """Lock the person's own listing, of which a lot waits to be picked, and say what was ordered and is listed.

    Raises NoSuchThing or NothingToHarvest.
    """
    listing: Listing = hold_own(db, user_id, LISTING.name, number)
    if lot_to_pick(db, number) is None:
        lot = lot_of(db, number)
        raise NothingToHarvest(number=number, state=lot.state if lot else None)
    return what_waits(db, listing)


def say_harvested(
    db: Session, user_id: int | None, number: int, there: int | None, now: datetime, rules: MarketRules = NO_CROPS
) -> Harvest:
    """Note that it is picked. ``there``: how much there is; None: as much as was ordered and listed.

    What there is less is shared as after 减产, what there is more goes on sale. Returns what it was before. Raises
    NoSuchThing, NothingToHarvest, or as ``reduce_harvest`` and ``set_stock`` do.
    """
    before = open_lot(db, user_id, number)
    listing = db.get_one(Listing, number)
    if there is not None and there < before.total:
        reduce_harvest(db, user_id, number, there, now)
    elif there is not None and there > before.total:
        set_stock(db, user_id, number, listing.available + there - before.total, now, rules)
    lot = lot_to_pick(db, number)
    # Where nothing was picked it has failed.
    if lot:
        mark_harvested(db, listing, lot, Actor.owner(user_id), now)
    return before


def mark_harvested(db: Session, listing: Listing, lot: Lot, actor: Actor, now: datetime) -> None:
    """Note that a lot is picked: the time to send what its seller has said yes to runs from now.

    For a buyer who waits for the rest it runs from the end of the waiting.
    """
    move_lot(db, lot, "harvested", actor, now)
    accepted = (Order.listing_id == listing.id) & (Order.state == "accepted")
    due = update(Order).where(accepted).values(due_at=func.greatest(now, Order.choice_until) + LASTS["accepted"])
    db.execute(due.execution_options(synchronize_session="fetch"))
    tell_harvested(db, lot, now)
