"""Place an order: check that the listing can be bought, and reserve the stock in the same transaction."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.base import draw_ids
from models.core.codes import new_code
from models.core.database import order_money_frozen_for
from models.core.refusal import Refusal
from models.goods.exchange import NoSuchThing
from models.market.listing import Listing
from models.market.lots.lot import Lot, follow_stock, lot_to_pick, lots_to_pick
from models.market.money.account import post_each
from models.market.money.sub_merchant import paid_online
from models.market.orders.low_stock import tell_low_stock
from models.market.orders.order import CODE_LENGTH, FROM_YES_TO_END, LASTS, NOT_SENT, Order, ends_at
from models.market.orders.pricing import total_of
from models.market.orders.steps import accept_new
from models.market.orders.telling import tell, tell_all
from models.organisations.organisation import organisation_of
from models.organisations.representative import is_in_its_household
from models.people.family_member import belongs_to
from models.people.user import User
from models.stock.move import OutOfStock, move_each

# Orders of one buyer that nothing has been sent of: nobody keeps a market's stock from all others.
MOST_OPEN = 9


class NotForSale(Refusal):
    """The listing ``number`` is not on sale now, or is sold in a shop elsewhere (``shop``)."""

    code = "not_for_sale"
    final = True


class BeingPicked(Refusal):
    """The listing ``number`` is being picked, and its seller has not said yet how much there is."""

    code = "being_picked"
    final = True


class OwnListing(Refusal):
    """The listing is of the buyer's own household, also where they are only named as a member of it.

    So is what an organisation sells for which the buyer, or one of their household, speaks (``name``: what it is
    called, None of a household).
    """

    code = "own_listing"
    final = True


class NotEnoughLeft(Refusal):
    """Only ``left`` of it can be ordered, in its ``unit``."""

    code = "not_enough_left"
    step = "amount"


class PriceChanged(Refusal):
    """The listing's price is now ``price_fen``, and was ``before`` when the buyer read it."""

    code = "price_changed"
    final = True


class TooManyOrders(Refusal):
    """The buyer has ``most`` orders of which nothing is sent yet."""

    code = "too_many_orders"
    final = True


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a buyer orders. ``price_fen`` and ``unit``: what they read; ``fresh``: it spoils, which they were told."""

    draft_id: str
    listing_id: int
    quantity: int
    unit: str
    price_fen: int
    fresh: bool
    recipient: str
    phone: str
    region_code: str
    address: str


def check_buyable(db: Session, number: int, buyer: User, *, lock: bool = False) -> Listing:
    """Return the listing, which this person may order from. Raises NoSuchThing, OwnListing, NotForSale.

    Raises BeingPicked until the seller says what there is, TooManyOrders where they have enough open orders.
    """
    listing = db.get(Listing, number, with_for_update=lock, populate_existing=lock)
    if listing is None:
        raise NoSuchThing(what="listing", number=number)
    organisation = organisation_of(db, listing.household_id)
    own = buyer.id == listing.seller_id or belongs_to(db, buyer, listing.household_id)
    if own or (organisation and is_in_its_household(db, organisation, buyer)):
        raise OwnListing(number=number, name=organisation.name if organisation else None)
    if listing.state != "on_sale" or listing.looked_at is None or listing.shop_url:
        raise NotForSale(number=number, shop=listing.shop_url if listing.state == "on_sale" else None)
    if not listing.available:
        raise NotForSale(number=number, shop=None)
    lot = lot_to_pick(db, listing.id)
    if lot and lot.state == "locked" and not lot.counted:
        raise BeingPicked(number=number)
    unsent = select(func.count(Order.id)).where(Order.buyer_id == buyer.id, Order.state.in_(NOT_SENT))
    if (db.scalar(unsent) or 0) >= MOST_OPEN:
        raise TooManyOrders(most=MOST_OPEN)
    return listing


def check_left(listing: Listing, quantity: int) -> None:
    """Raises NotEnoughLeft."""
    if quantity > listing.available:
        raise NotEnoughLeft(left=listing.available, unit=listing.unit)


def place_order(db: Session, wanted: NewOrder, buyer: User, now: datetime) -> Order:
    """Order from a listing, and notify its seller. The same draft again returns the earlier order.

    Locks the listing, so that buyers of the last of it queue. Raises as ``check_buyable`` does, PriceChanged or
    NotEnoughLeft.
    """
    earlier = db.scalar(select(Order).where(Order.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    listing = check_buyable(db, wanted.listing_id, buyer, lock=True)
    if (listing.price_fen, listing.unit) != (wanted.price_fen, wanted.unit):
        raise PriceChanged(
            number=listing.id,
            unit=listing.unit,
            price_fen=listing.price_fen,
            before=wanted.price_fen,
            ways=(("buy", str(listing.id)),),
        )
    check_left(listing, wanted.quantity)
    ordered = [(listing, buyer.id, wanted)]
    (order,) = orders = _new_orders(db, ordered, now)
    _reserve(db, ordered, orders, now)
    tell(db, order, now)
    tell_low_stock(db, listing, now)
    return order


def place_divided(
    db: Session, wanted: Sequence[tuple[Listing, int, NewOrder]], now: datetime, *, pays_within: timedelta
) -> list[Order]:
    """Order what a campaign divided, at its price and not the listings'; the sellers said yes by joining it.

    ``wanted``: the listing, the buyer's id, and what they order. All of it goes in a few statements for each listing.
    The caller has locked the listings and seen that they have so much. Where a seller is paid by WeChat Pay, the buyer
    has so long to pay.
    """
    orders = _new_orders(db, wanted, now)
    for order in orders:
        if order.state == "awaiting_payment":
            order.accepted_at, order.due_at = now, now + pays_within
    accepted = [order for order in orders if order.state == "placed"]
    accept_new(db, accepted, now)
    _reserve(db, wanted, orders, now)
    tell_all(db, accepted, now)
    for listing in _listings_of(wanted).values():
        tell_low_stock(db, listing, now)
    return orders


def takes_payment(db: Session, listing: Listing, now: datetime) -> bool:
    """Tell whether a new order of this listing is paid by WeChat Pay; all others are reservations."""
    return listing.id in online_among(db, [listing], now)


def online_among(db: Session, listings: Collection[Listing], now: datetime) -> set[int]:
    """Return the numbers of those listings of which a new order is paid by WeChat Pay.

    Its seller has a number there, and the money stays frozen until the order is over at the latest.
    """
    frozen_for = order_money_frozen_for(db)
    if not frozen_for:
        return set()
    lots = lots_to_pick(db, {listing.id for listing in listings})
    in_time = [listing for listing in listings if _over_by(lots.get(listing.id), now) <= now + frozen_for]
    paid = paid_online(db, {(listing.seller_id, listing.household_id) for listing in in_time})
    return {listing.id for listing in in_time if (listing.seller_id, listing.household_id) in paid}


def _over_by(lot: Lot | None, now: datetime) -> datetime:
    """Return when an order that is paid now is over at the latest, with the time for a complaint."""
    answered = now + LASTS["paid"]
    return (max(answered, lot.fails_at) if lot else answered) + FROM_YES_TO_END


def _new_orders(db: Session, wanted: Sequence[tuple[Listing, int, NewOrder]], now: datetime) -> list[Order]:
    """Make the orders, at the price that each buyer agreed to; they have their ids, and are not in the database yet."""
    listings = _listings_of(wanted).values()
    online = online_among(db, listings, now)
    orders = []
    for number, (listing, buyer, each) in zip(draw_ids(db, Order, len(wanted)), wanted, strict=True):
        state = "awaiting_payment" if listing.id in online else "placed"
        orders.append(_new_order(number, listing, each, buyer, state, now))
    return orders


def _reserve(
    db: Session, wanted: Sequence[tuple[Listing, int, NewOrder]], orders: Sequence[Order], now: datetime
) -> None:
    """Write new orders, and reserve their stock. Raises NotEnoughLeft."""
    db.add_all(orders)
    db.flush()
    of_listing = defaultdict[int, list[Order]](list)
    for order in orders:
        of_listing[order.listing_id].append(order)
    for number, listing in _listings_of(wanted).items():
        reserved = [(order.quantity, f"order:{order.id}:reserve") for order in of_listing[number]]
        try:
            move_each(db, listing, "reserve", reserved, now)
        except OutOfStock as refusal:
            raise NotEnoughLeft(left=refusal.values["left"], unit=listing.unit) from None
        follow_stock(db, listing, now)
    promised = [order for order in orders if order.state == "awaiting_payment"]
    post_each(db, "promised", [(order.id, order.total_fen, f"order:{order.id}") for order in promised], now)


def _listings_of(wanted: Sequence[tuple[Listing, int, NewOrder]]) -> dict[int, Listing]:
    return {listing.id: listing for listing, _, _ in wanted}


def _new_order(number: int, listing: Listing, wanted: NewOrder, buyer_id: int, state: str, now: datetime) -> Order:
    return Order(
        id=number,
        draft_id=wanted.draft_id,
        code=new_code(CODE_LENGTH),
        listing_id=listing.id,
        seller_id=listing.seller_id,
        household_id=listing.household_id,
        buyer_id=buyer_id,
        name=listing.name,
        unit=listing.unit,
        quantity=wanted.quantity,
        price_fen=wanted.price_fen,
        total_fen=total_of(wanted.price_fen, wanted.quantity, listing.unit),
        fresh=wanted.fresh,
        region_code=wanted.region_code,
        recipient=wanted.recipient,
        phone=wanted.phone,
        address=wanted.address,
        state=state,
        due_at=ends_at(state, now),
        placed_at=now,
    )
