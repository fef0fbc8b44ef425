"""Place an order: check that the listing can be bought, and reserve the stock in the same transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.codes import new_code
from models.core.refusal import Refusal
from models.goods.exchange import NoSuchThing
from models.market.listing import Listing
from models.market.lots.lot import follow_stock, lot_to_pick
from models.market.money.account import post
from models.market.money.sub_merchant import takes_payment
from models.market.orders.low_stock import tell_low_stock
from models.market.orders.order import CODE_LENGTH, LASTS, NOT_SENT, Order
from models.market.orders.pricing import total_of
from models.market.orders.steps import Held, accept
from models.market.orders.telling import tell
from models.organisations.organisation import organisation_of
from models.organisations.representative import is_in_its_household
from models.people.family_member import belongs_to
from models.people.user import User
from models.stock.move import OutOfStock, move

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
    """What a buyer orders. ``price_fen``: what they read; ``fresh``: it spoils, which they were told."""

    draft_id: str
    listing_id: int
    quantity: int
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
    if listing.price_fen != wanted.price_fen:
        raise PriceChanged(
            number=listing.id,
            unit=listing.unit,
            price_fen=listing.price_fen,
            before=wanted.price_fen,
            ways=(("buy", str(listing.id)),),
        )
    check_left(listing, wanted.quantity)
    order = _reserve(db, listing, wanted, buyer, now)
    tell(db, order, now)
    tell_low_stock(db, listing, now)
    return order


def place_divided(
    db: Session, wanted: NewOrder, listing: Listing, buyer: User, now: datetime, *, pays_within: timedelta
) -> Order:
    """Order what a campaign divided, at its price and not the listing's; the seller said yes by joining it.

    The caller has locked the listing and seen that it has so much. Where the seller is paid by WeChat Pay, the buyer
    has so long to pay.
    """
    order = _reserve(db, listing, wanted, buyer, now)
    if order.state == "awaiting_payment":
        order.due_at = now + pays_within
        db.flush()
    else:
        accept(db, Held(order, listing), now)
    tell_low_stock(db, listing, now)
    return order


def _reserve(db: Session, listing: Listing, wanted: NewOrder, buyer: User, now: datetime) -> Order:
    """Make the order, at the price that the buyer agreed to, and reserve its stock. Raises NotEnoughLeft."""
    state = "awaiting_payment" if takes_payment(db, listing.seller_id, listing.household_id) else "placed"
    order = Order(
        draft_id=wanted.draft_id,
        code=new_code(CODE_LENGTH),
        listing_id=listing.id,
        seller_id=listing.seller_id,
        household_id=listing.household_id,
        buyer_id=buyer.id,
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
        due_at=now + LASTS[state],
        placed_at=now,
    )
    db.add(order)
    db.flush()
    try:
        move(db, listing, "reserve", order.quantity, f"order:{order.id}:reserve", now)
    except OutOfStock as refusal:
        raise NotEnoughLeft(left=refusal.values["left"], unit=listing.unit) from None
    follow_stock(db, listing, now)
    if state == "awaiting_payment":
        post(db, order.id, "promised", order.total_fen, f"order:{order.id}", now)
    return order
