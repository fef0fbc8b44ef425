"""Read orders as their buyer and their seller may see them; each look of a seller at an address is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record_reading
from models.core.paging import Page, page_of
from models.core.state_machine import Actor
from models.market.after_sales.after_sale import AfterSale
from models.market.lots.lot import TO_PICK, Lot
from models.market.orders.answers import Side, find_by_code, side_of
from models.market.orders.order import ADDRESS_SHOWN, NOT_SENT, TO_SEND, Order
from models.market.orders.steps import NoSuchOrder
from models.organisations.organisation import Organisation
from models.places.region import Region

PAGE = 6


@dataclass(frozen=True, slots=True)
class Address:
    """Where an order goes. ``whole``: nothing of it is masked."""

    recipient: str
    phone: str
    address: str
    place: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Dispute:
    """What its buyer says of an order, and where that stands. ``last``: it goes before the township no more."""

    wrong: str
    wish: str
    part_fen: int | None
    state: str
    due_at: datetime | None
    last: bool


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order as its buyer or its seller (``side``) sees it. ``address``: None where it has none any more.

    ``dispute``: its after-sale, if there is one. ``first_day`` and ``last_day``: the window of its harvest, while that
    is not picked and nothing is sent; else None. ``wanted`` and ``choice``: of a short harvest, as the order has them.
    ``seller``: the organisation that sells it, by name; None of a household.
    """

    number: int
    side: Side
    code: str
    listing: int
    name: str
    unit: str
    quantity: int
    wanted: int | None
    choice: str | None
    choice_until: datetime | None
    price_fen: int
    total_fen: int
    fresh: bool
    state: str
    why: str | None
    due_at: datetime | None
    first_day: date | None
    last_day: date | None
    place: str
    carrier: str | None
    waybill: str | None
    paid: bool
    seller: str | None
    address: Address | None = None
    dispute: Dispute | None = None


def open_order(db: Session, user_id: int | None, number: int, now: datetime) -> OrderLine:
    """Show the person's order with its address. The seller sees it whole from their yes to the delivery, and the look
    is recorded where the buyer finds it. Raises NoSuchOrder."""
    found = db.execute(_select().where(Order.id == number)).first()
    side = side_of(found[0], user_id) if found else None
    if found is None or side is None:
        raise NoSuchOrder(given=str(number))
    order: Order = found[0]
    dispute = _dispute(db, order.id)
    whole = side == "buyer" or order.state in ADDRESS_SHOWN or _is_sent_again(order, dispute)
    if side == "seller" and whole and order.address:
        record_reading(
            db,
            at=now,
            actor=Actor.owner(user_id).name,
            subject="order",
            subject_id=order.id,
            purpose="ship",
            about=order.buyer_id,
        )
    return _line(found, side, _address(order, found[2], whole=whole), dispute)


def _is_sent_again(order: Order, dispute: Dispute | None) -> bool:
    """Tell whether a disputed order still needs its address: it never came, or it is to go out once more."""
    if order.state != "after_sale" or dispute is None:
        return False
    return order.delivered_at is None or (dispute.wish == "again" and dispute.state == "agreed")


def numbered(db: Session, user_id: int | None, given: str) -> int:
    """Return the number of the person's order with this code. Raises NoSuchOrder."""
    return find_by_code(db, user_id, given).id


def list_orders(
    db: Session, user_id: int, side: Side, *, states: Sequence[str] = (), after: int | None = None, most: int = PAGE
) -> Page[OrderLine]:
    """List a page of what the person buys or sells, the newest first, without addresses. ``states``: none for all."""
    wanted = _select().where((Order.buyer_id if side == "buyer" else Order.seller_id) == user_id)
    wanted = wanted.where(Order.state.in_(states)) if states else wanted
    wanted = wanted.where(Order.id < after) if after else wanted
    found = db.execute(wanted.order_by(Order.id.desc()).limit(most + 1)).all()
    return page_of([_line(row, side, None) for row in found], most, lambda line: line.number)


def count_sides(db: Session, user_id: int) -> tuple[int, int, int]:
    """Count what the person buys, what they sell, and what of this waits for them to send it."""
    bought = select(func.count(Order.id)).where(Order.buyer_id == user_id)
    sold = select(func.count(Order.id)).where(Order.seller_id == user_id)
    to_send = sold.where(Order.state.in_(TO_SEND))
    return db.scalar(bought) or 0, db.scalar(sold) or 0, db.scalar(to_send) or 0


def last_address(db: Session, user_id: int) -> Order | None:
    """Return the buyer's newest order that still has its address; None without one."""
    theirs = select(Order).where(Order.buyer_id == user_id, Order.address.is_not(None))
    return db.scalar(theirs.order_by(Order.id.desc()).limit(1))


def _select() -> Select[*tuple[Any, ...]]:
    columns = select(Order, Lot.first_day, Region.full_name, Lot.last_day, Organisation.name)
    waits = (Lot.listing_id == Order.listing_id) & Lot.state.in_(TO_PICK) & Order.state.in_(NOT_SENT)
    columns = columns.outerjoin(Lot, waits).join(Region, Region.code == Order.region_code)
    return columns.outerjoin(Organisation, Organisation.household_id == Order.household_id)


def _address(order: Order, place: str, *, whole: bool) -> Address | None:
    if order.recipient is None or order.phone is None or order.address is None:
        return None
    if whole:
        return Address(order.recipient, order.phone, order.address, place, whole=True)
    name = order.recipient[0] + "*" * (len(order.recipient) - 1)
    return Address(name, f"{order.phone[:3]}****{order.phone[-4:]}", "", place, whole=False)


def _dispute(db: Session, order_id: int) -> Dispute | None:
    found = db.scalar(select(AfterSale).where(AfterSale.order_id == order_id))
    if found is None:
        return None
    return Dispute(found.wrong, found.wish, found.part_fen, found.state, found.due_at, found.is_last)


def _line(row: Any, side: Side, address: Address | None, dispute: Dispute | None = None) -> OrderLine:
    order: Order = row[0]
    return OrderLine(
        number=order.id,
        side=side,
        code=order.code,
        listing=order.listing_id,
        name=order.name,
        unit=order.unit,
        quantity=order.quantity,
        wanted=order.wanted,
        choice=order.choice,
        choice_until=order.choice_until,
        price_fen=order.price_fen,
        total_fen=order.total_fen,
        fresh=order.fresh,
        state=order.state,
        why=order.why,
        due_at=order.due_at,
        first_day=row[1],
        last_day=row[3],
        place=row[2],
        carrier=order.carrier,
        waybill=order.waybill,
        paid=order.paid_at is not None,
        seller=row[4],
        address=address,
        dispute=dispute,
    )
