"""Move an order on, with its stock, its clock and its notifications: the only place where orders move stock.

Every function here runs in its caller's transaction, under the locks of ``lock_order``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.market.listing import MACHINE, Listing
from models.market.lots.lot import TO_PICK, Lot, follow_stock, lot_of, lot_to_pick, lots_to_pick, move_lot
from models.market.money.sub_merchant import Owner
from models.market.orders.order import (
    ASKED,
    CHOOSE_WITHIN,
    KEPT_FOR,
    LASTS,
    ORDER_MACHINE,
    WAYBILL_PURPOSE,
    Order,
    ends_at,
    on_cancelled,
    on_cut,
)
from models.market.orders.pricing import total_of
from models.market.orders.telling import drop_overtaken, tell, tell_agreed, tell_cut_each, tell_filled, tell_short_each
from models.organisations.organisation import Organisation
from models.stock.move import move, move_each

Row = TypeVar("Row", Order, Listing)


class NoSuchOrder(Refusal):
    """There is no such order, or this person is neither its buyer nor its seller. ``given``: what they wrote."""

    code = "no_such_order"
    final = True


@dataclass(frozen=True, slots=True)
class Held:
    """A locked order with its listing."""

    order: Order
    listing: Listing


def lock_order(db: Session, number: int) -> Held:
    """Lock an order, and its listing before it. Raises NoSuchOrder."""
    found = db.get(Order, number)
    if found is None:
        raise NoSuchOrder(given=str(number))
    listing = db.get_one(Listing, found.listing_id, with_for_update=True, populate_existing=True)
    return Held(db.get_one(Order, number, with_for_update=True, populate_existing=True), listing)


def try_lock_order(db: Session, number: int) -> Held | None:
    """Lock an order as ``lock_order`` does; None where another transaction holds it or its listing."""
    found = db.get_one(Order, number)
    listing = db.scalar(_free(Listing, Listing.id == found.listing_id))
    order = db.scalar(_free(Order, Order.id == number)) if listing else None
    return Held(order, listing) if order and listing else None


def lock_orders(db: Session, which: ColumnElement[bool]) -> list[Held]:
    """Lock the orders for which the condition holds: all listings first, then the orders, by number."""
    numbers = select(Order.listing_id).where(which).scalar_subquery()
    theirs = select(Listing).where(Listing.id.in_(numbers)).order_by(Listing.id).with_for_update()
    listings = {each.id: each for each in db.scalars(theirs.execution_options(populate_existing=True))}
    found = select(Order).where(which, Order.listing_id.in_(listings)).order_by(Order.id).with_for_update()
    orders = db.scalars(found.execution_options(populate_existing=True))
    return [Held(order, listings[order.listing_id]) for order in orders]


def accept(db: Session, held: Held, now: datetime) -> None:
    """Note that the seller will send it, or hand it over: some days from now, from the harvest or its buyer's waiting.

    Before the harvest it is due some days after the lot would fail, the latest that there is.
    """
    order, lot = held.order, lot_to_pick(db, held.listing.id)
    order.accepted_at = order.accepted_at or now
    begins = lot.fails_at if lot else max(now, order.choice_until or now)
    _to(db, held, "accepted", Actor.owner(order.seller_id), now, due=begins + LASTS["accepted"])


def accept_new(db: Session, orders: Sequence[Order], now: datetime) -> None:
    """Note it at once of many orders that are not in the database yet; the caller writes them, and tells of them."""
    lots = lots_to_pick(db, {order.listing_id for order in orders})
    for order in orders:
        lot = lots.get(order.listing_id)
        order.accepted_at, order.due_at = now, (lot.fails_at if lot else now) + LASTS["accepted"]
        ORDER_MACHINE.move(db, order, "accepted", Actor.owner(order.seller_id), now)


def pay(db: Session, held: Held, now: datetime) -> None:
    """Note that it is paid: its seller hears of it, and has the same time to answer as for a reservation."""
    held.order.paid_at = now
    _ask_seller(db, held, "paid", now)


def _ask_seller(db: Session, held: Held, state: str, now: datetime) -> None:
    """Wait for the seller's answer; whoever agreed before it was placed is not asked, and hears that it is to be sent.

    ``state``: paid or placed.
    """
    if held.order.accepted_at is None:
        _to(db, held, state, SYSTEM, now)
        return
    ORDER_MACHINE.move(db, held.order, state, SYSTEM, now)
    accept(db, held, now)
    tell_agreed(db, held.order, now)


def reserve_instead(db: Session, owner: Owner, now: datetime) -> int:
    """Make reservations of the orders that wait for a payment which their seller takes no more; returns how many.

    ``owner``: whose number of WeChat Pay it was, an organisation's or a person's for what their household sells.
    """
    of_organisations = select(Organisation.household_id)
    if owner.kind == "organisation":
        theirs = Order.household_id == of_organisations.where(Organisation.id == owner.id).scalar_subquery()
    else:
        theirs = (Order.seller_id == owner.id) & Order.household_id.not_in(of_organisations)
    found = lock_orders(db, theirs & (Order.state == "awaiting_payment"))
    waiting = [held for held in found if held.order.state == "awaiting_payment"]
    for held in waiting:
        _ask_seller(db, held, "placed", now)
    return len(waiting)


def ship(db: Session, held: Held, carrier: str | None, waybill: str | None, now: datetime) -> None:
    """Note that it was sent. ``waybill``: the number, made normal; None: it has none."""
    order = held.order
    take_less(db, order, now)
    order.shipped_at = now
    set_waybill(order, carrier, waybill)
    _to(db, held, "shipped", Actor.owner(order.seller_id), now)
    _first_leaves(db, held, now)


def set_waybill(order: Order, carrier: str | None, waybill: str | None) -> None:
    order.carrier, order.waybill = carrier, waybill
    order.waybill_hash = keyring().lookup_hashes(waybill, WAYBILL_PURPOSE)[0] if waybill else None


def deliver(db: Session, held: Held, actor: Actor, now: datetime) -> None:
    """Note that the buyer has it; of a listing of which nothing is left, all is sold."""
    order, listing = held.order, held.listing
    take_less(db, order, now)
    order.delivered_at = now
    move(db, listing, "deliver", order.quantity, f"order:{order.id}:deliver", now)
    _to(db, held, "delivered", actor, now)
    _first_leaves(db, held, now)
    if not (listing.available or listing.reserved) and listing.state == "on_sale":
        MACHINE.move(db, listing, "sold_out", SYSTEM, now)


def complete(db: Session, order: Order, now: datetime) -> None:
    """Note that the buyer has kept it; its data is kept as long as the law asks. The caller holds the order."""
    order.ended_at, order.forget_at, order.due_at = now, now + KEPT_FOR, None
    ORDER_MACHINE.move(db, order, "completed", SYSTEM, now)


def dispute(db: Session, held: Held, actor: Actor, now: datetime) -> None:
    """Note that something is wrong with it: its clock stands still while that is looked into."""
    _to(db, held, "after_sale", actor, now)


def end_dispute(db: Session, held: Held, state: str, actor: Actor, now: datetime, *, lost: bool) -> None:
    """End an order of which something was wrong: ``state`` refunded, rejected or completed.

    What was on its way counts as delivered now, or as ``lost`` where it never came and its price went back.
    """
    order = held.order
    if order.delivered_at is None:
        move(db, held.listing, "lose" if lost else "deliver", order.quantity, f"order:{order.id}:end", now)
        order.delivered_at = None if lost else now
    elif lost:
        move(db, held.listing, "miss", order.quantity, f"order:{order.id}:end", now)
        order.delivered_at = None
    order.ended_at, order.forget_at = now, now + KEPT_FOR
    _to(db, held, state, actor, now)


def cancel(db: Session, held: Held, why: str, actor: Actor, now: datetime) -> None:
    """End it before anything was sent: its stock can be ordered again, and the address is deleted.

    ``why``: of models.market.orders.order.WHY_CANCELLED.
    """
    order = held.order
    move(db, held.listing, "release", order.quantity, f"order:{order.id}:release", now)
    order.why, order.ended_at = why, now
    order.wanted = order.choice = order.choice_until = None
    order.recipient = order.phone = order.address = None
    _to(db, held, "cancelled", actor, now, detail=why)
    on_cancelled(db, [order.id], now)
    follow_stock(db, held.listing, now)


def cut_each(db: Session, listing: Listing, shares: Sequence[tuple[Order, int]], now: datetime) -> None:
    """Lower orders of which nothing is sent to these quantities, as there is no more, and notify their buyers.

    Where the rest may come yet, each buyer is asked, and who waits goes on waiting; what was paid beyond stays until
    they choose. Else it goes back now, as it does of what is not paid yet. It takes a few statements, however many they
    are, but for what goes back. The caller holds the listing and the orders.
    """
    lot, before = lot_of(db, listing.id), {order.id: order.quantity for order, _ in shares}
    lost = [(order.quantity - share, _cause(order, "cut", share, now)) for order, share in shares]
    move_each(db, listing, "lose", lost, now)
    less: list[Order] = []
    short: list[Order] = []
    for order, share in shares:
        order.quantity, order.total_fen = share, total_of(order.price_fen, share, order.unit)
        if order.state == "awaiting_payment" or lot is None or not lot.may_bring(now):
            less.append(order)
            if order.choice in ASKED:
                order.choice, order.choice_until = "less", None
                _send_after(order, lot, now)
            continue
        short.append(order)
        order.wanted = order.wanted if order.wanted and order.choice in ASKED else before[order.id]
        if order.choice != "wait":
            order.choice, order.choice_until = "open", now + CHOOSE_WITHIN
            _send_after(order, lot, now + CHOOSE_WITHIN)
    db.flush()
    for order in less:
        on_cut(db, order.id, order.state, now)
    tell_cut_each(db, [(order, before[order.id]) for order in less], now)
    tell_short_each(db, short, now)


def take_less(db: Session, order: Order, now: datetime) -> None:
    """Note that the buyer gets what is reserved: what was paid beyond goes back. Nothing where nothing is asked."""
    if order.choice not in ASKED:
        return
    order.choice, order.choice_until = "less", None
    db.flush()
    _send_from(db, order, now, now)
    on_cut(db, order.id, order.state, now)


def wait_for_rest(db: Session, order: Order, lot: Lot, now: datetime) -> None:
    """Note that the buyer waits for the rest, to the last day of the window; it is sent after that."""
    order.choice, order.choice_until = "wait", lot.window_ends_at
    db.flush()
    _send_from(db, order, lot.window_ends_at, now)


def add_to(db: Session, held: Held, more: int, now: datetime) -> None:
    """Reserve more for an order that waits for it, and notify its buyer; who has all waits no more."""
    order = held.order
    move(db, held.listing, "reserve", more, _cause(order, "fill", order.quantity + more, now), now)
    order.quantity += more
    order.total_fen = total_of(order.price_fen, order.quantity, order.unit)
    whole = order.quantity == order.wanted
    if whole:
        order.wanted = order.choice = order.choice_until = None
    db.flush()
    if whole:
        _send_from(db, order, now, now)
    tell_filled(db, order, now)


def _to(
    db: Session,
    held: Held,
    state: str,
    actor: Actor,
    now: datetime,
    *,
    due: datetime | None = None,
    detail: str | None = None,
) -> None:
    order = held.order
    order.due_at = due or ends_at(state, now)
    # The row satisfies its constraints only with the new state: all goes in one statement.
    ORDER_MACHINE.move(db, order, state, actor, now, detail)
    db.flush()
    drop_overtaken(db, [order])
    tell(db, order, now)


def _cause(order: Order, what: str, quantity: int, now: datetime) -> str:
    """Name a change of its quantity, which may come to be the same twice."""
    return f"order:{order.id}:{what}:{quantity}:{int(now.timestamp() * 1_000_000):x}"


def _send_from(db: Session, order: Order, begins: datetime, now: datetime) -> None:
    """Have what the seller said yes to sent some days from ``begins``; what is not picked yet has its day already."""
    _send_after(order, lot_of(db, order.listing_id), begins)
    db.flush()


def _send_after(order: Order, lot: Lot | None, begins: datetime) -> None:
    if order.state == "accepted" and (lot is None or lot.state not in TO_PICK):
        order.due_at = begins + LASTS["accepted"]


def _first_leaves(db: Session, held: Held, now: datetime) -> None:
    """Note that the first order of a lot has left."""
    lot = lot_of(db, held.listing.id)
    if lot and lot.state == "harvested":
        move_lot(db, lot, "shipping", Actor.owner(held.order.seller_id), now)


def _free(table: type[Row], which: ColumnElement[bool]) -> Select[Row]:
    """Select a row afresh unless another transaction has locked it."""
    return select(table).where(which).with_for_update(skip_locked=True).execution_options(populate_existing=True)
