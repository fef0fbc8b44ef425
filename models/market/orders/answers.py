"""Take what the buyer and the seller of an order say, each for their own part alone."""

import zlib
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.codes import ALPHABET
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.goods.matches.carriers import Carriers, normal_waybill
from models.goods.matches.match import Match
from models.market.lots.lot import NotHarvested, lot_to_pick
from models.market.orders import steps
from models.market.orders.filling import fill
from models.market.orders.order import CODE_LENGTH, NOT_SENT, TO_ANSWER, TO_SEND, WAYBILL_PURPOSE, Order
from models.market.orders.steps import Held, NoSuchOrder, lock_order

Side = Literal["buyer", "seller"]

# Names the advisory lock of an order's waybill beside other advisory locks.
_LOCK = 15


class OrderMoved(Refusal):
    """The order ``number`` (``code``) is no longer where this answer belongs. ``state``: where it is now."""

    code = "order_moved"
    final = True


class OrderWaybillUsed(Refusal):
    """This waybill stands on the parcel of another buyer, or of goods that are given away."""

    code = "order_waybill_used"
    step = "waybill"


def read_code(given: str) -> str | None:
    """Return the order's code that this is when written plainly; None where it does not have the form of one."""
    code = given.strip().upper()
    return code if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET) else None


def side_of(order: Order, user_id: int | None) -> Side | None:
    return {order.buyer_id: "buyer", order.seller_id: "seller"}.get(user_id or 0)  # type: ignore[return-value]


def find_by_code(db: Session, user_id: int | None, given: str) -> Order:
    """Return the order with this code that the person buys or sells. Raises NoSuchOrder to everybody else."""
    code = read_code(given)
    order = db.scalar(select(Order).where(Order.code == code)) if code else None
    if order is None or side_of(order, user_id) is None:
        raise NoSuchOrder(given=given[:24])
    return order


def hold_own(db: Session, user_id: int | None, number: int, side: Side) -> Held:
    """Lock the person's order. Raises NoSuchOrder, also where they are not on this side of it."""
    order = db.get(Order, number)
    if order is None or side_of(order, user_id) != side:
        raise NoSuchOrder(given=str(number))
    return lock_order(db, number)


def accept(db: Session, user_id: int | None, number: int, now: datetime) -> Order:
    """Note the seller's yes. Raises NoSuchOrder or OrderMoved."""
    held = _in_state(hold_own(db, user_id, number, "seller"), *TO_ANSWER)
    steps.accept(db, held, now)
    return held.order


def decline(db: Session, user_id: int | None, number: int, now: datetime) -> Order:
    """Note that the seller has none left for it, also after a yes. Raises NoSuchOrder or OrderMoved."""
    held = _in_state(hold_own(db, user_id, number, "seller"), *NOT_SENT)
    steps.cancel(db, held, "no_stock", Actor.owner(held.order.seller_id), now)
    fill(db, held.listing, now)
    return held.order


def cancel(db: Session, user_id: int | None, number: int, now: datetime) -> Order:
    """Note that the buyer does not want it any more, before it is sent. Raises NoSuchOrder or OrderMoved."""
    held = _in_state(hold_own(db, user_id, number, "buyer"), *NOT_SENT)
    steps.cancel(db, held, "buyer", Actor.owner(held.order.buyer_id), now)
    fill(db, held.listing, now)
    return held.order


def hand_over(db: Session, user_id: int | None, number: int, now: datetime) -> Order:
    """Note that the seller handed it to the buyer in person. Raises NoSuchOrder, OrderMoved or NotHarvested."""
    held = _in_state(hold_own(db, user_id, number, "seller"), *TO_SEND)
    check_harvested(db, held.order)
    if held.order.state in TO_ANSWER:
        steps.accept(db, held, now)
    steps.deliver(db, held, Actor.owner(held.order.seller_id), now)
    return held.order


def got(db: Session, user_id: int | None, number: int, now: datetime) -> Order:
    """Note that the buyer has what was sent. Raises NoSuchOrder or OrderMoved."""
    held = _in_state(hold_own(db, user_id, number, "buyer"), "shipped")
    steps.deliver(db, held, Actor.owner(held.order.buyer_id), now)
    return held.order


def send(db: Session, user_id: int | None, number: int, waybill: str, carriers: Carriers, now: datetime) -> Order:
    """Note that the seller sent it. ``waybill``: as it was written; empty: without a number.

    What is sent without a yes is accepted by it; what was sent before gets the new number. Raises NoSuchOrder,
    OrderMoved, NotHarvested, BadWaybill or OrderWaybillUsed.
    """
    held = _in_state(hold_own(db, user_id, number, "seller"), *TO_SEND, "shipped")
    order = held.order
    check_harvested(db, order)
    number_ = normal_waybill(waybill) if waybill else None
    if number_:
        _check_unused(db, number_, order)
    carrier = carriers.carrier_of(number_) if number_ else None
    if order.state == "shipped":
        steps.set_waybill(order, carrier, number_)
        db.flush()
        return order
    if order.state in TO_ANSWER:
        steps.accept(db, held, now)
    steps.ship(db, held, carrier, number_, now)
    return order


def check_harvested(db: Session, order: Order) -> None:
    """Check that what was ordered is picked, as its seller said: buyers go by that word. Raises NotHarvested."""
    if order.state in TO_SEND and lot_to_pick(db, order.listing_id):
        raise NotHarvested(number=order.listing_id, code=order.code)


def _in_state(held: Held, *states: str) -> Held:
    order = held.order
    if order.state not in states:
        raise OrderMoved(number=order.id, code=order.code, name=order.name, state=order.state)
    return held


def _check_unused(db: Session, waybill: str, order: Order) -> None:
    """Check that the waybill stands on no parcel to anybody else; two who write one at once queue for it here.

    What one seller sends one buyer may lie in one box. Raises OrderWaybillUsed.
    """
    db.execute(select(func.pg_advisory_xact_lock(_LOCK, zlib.crc32(waybill.encode()) - 2**31)))
    same = Order.waybill_hash.in_(keyring().lookup_hashes(waybill, WAYBILL_PURPOSE))
    one_box = (Order.seller_id == order.seller_id) & (Order.buyer_id == order.buyer_id)
    others = db.scalar(select(Order.id).where(same, Order.id != order.id, ~one_box).limit(1))
    given = db.scalar(select(Match.id).where(Match.waybill == waybill).limit(1))
    if others or given:
        raise OrderWaybillUsed(waybill=waybill)
