"""Ask a buyer whose share of a short harvest is less: take less, wait for the rest, or have all back.

Who waits keeps what is reserved, and ``wanted`` says for how much: what the seller adds goes to them first
(models.market.orders.filling). On the last day of the window what is there is what they get. What was paid beyond that
goes back then, or when less is taken (models.market.orders.steps.take_less).
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.one_by_one import act_on_each
from models.core.refusal import Refusal
from models.market.lots.lot import TO_PICK, Lot, lot_of, lot_to_pick
from models.market.orders.answers import OrderMoved, hold_own
from models.market.orders.filling import fill
from models.market.orders.order import ASKED, NOT_SENT, Order
from models.market.orders.steps import Held, take_less, try_lock_order, wait_for_rest
from models.market.orders.telling import drop_asked, tell_cut

BATCH = 200
# So many orders are asked about at once.
_MOST = 9


class NothingToChoose(Refusal):
    """Nothing is asked of the order ``code``, or of any order of theirs (None)."""

    code = "nothing_to_choose"


class WindowOver(Refusal):
    """The harvest of the order ``code`` is over, so that nothing more is to come."""

    code = "window_over"


def asked_orders(db: Session, user_id: int, *, waiting: bool) -> list[Order]:
    """List the orders whose buyer is asked now. ``waiting``: with those for whose rest they wait."""
    theirs = select(Order).where(Order.buyer_id == user_id, Order.choice.in_(ASKED if waiting else ("open",)))
    return list(db.scalars(theirs.order_by(Order.id).limit(_MOST)))


def unpicked_orders(db: Session, user_id: int) -> list[Order]:
    """List the person's orders that wait for a harvest: these they may go on waiting for, or give up."""
    theirs = select(Order).join(Lot, Lot.listing_id == Order.listing_id)
    theirs = theirs.where(Order.buyer_id == user_id, Order.state.in_(NOT_SENT), Lot.state.in_(TO_PICK))
    return list(db.scalars(theirs.order_by(Order.id).limit(_MOST)))


def choose_less(db: Session, user_id: int | None, number: int, now: datetime) -> Order:
    """Note that the buyer takes what there is; also who waited. Raises NoSuchOrder, OrderMoved or NothingToChoose."""
    held = _hold_asked(db, user_id, number)
    take_less(db, held.order, now)
    drop_asked(db, held.order)
    return held.order


def choose_wait(db: Session, user_id: int | None, number: int, now: datetime) -> Order:
    """Note that the buyer waits for the rest; what is there already is theirs. Who waits for the harvest goes on.

    Raises NoSuchOrder, OrderMoved, NothingToChoose, or WindowOver after the last day.
    """
    held = hold_own(db, user_id, number, "buyer")
    if held.order.state in NOT_SENT and held.order.choice not in ASKED and lot_to_pick(db, held.listing.id):
        return held.order
    held = _hold_asked(db, user_id, number)
    lot = lot_of(db, held.listing.id)
    if lot is None or not lot.may_bring(now):
        raise WindowOver(number=number, code=held.order.code)
    wait_for_rest(db, held.order, lot, now)
    drop_asked(db, held.order)
    fill(db, held.listing, now)
    return held.order


def end_choices(db: Session, now: datetime) -> int:
    """Have those take less who did not answer, and those who waited to the last day; returns how many.

    Takes one batch. One that fails is logged and stops no other.
    """
    due = select(Order.id).where(Order.choice_until <= now).order_by(Order.choice_until, Order.id)
    found = db.scalars(due.limit(BATCH)).all()
    return act_on_each(db, found, lambda number: _end_one(db, number, now), "choices")


def _end_one(db: Session, number: int, now: datetime) -> bool:
    held = try_lock_order(db, number)
    if held is None or held.order.choice_until is None or held.order.choice_until > now:
        return False
    order, waited, wanted = held.order, held.order.choice == "wait", held.order.wanted or 0
    take_less(db, order, now)
    drop_asked(db, order)
    if waited:
        tell_cut(db, order, wanted, now)
    return True


def _hold_asked(db: Session, user_id: int | None, number: int) -> Held:
    held = hold_own(db, user_id, number, "buyer")
    order = held.order
    if order.state not in NOT_SENT:
        raise OrderMoved(number=order.id, code=order.code, name=order.name, state=order.state)
    if order.choice not in ASKED:
        raise NothingToChoose(code=order.code)
    return held
