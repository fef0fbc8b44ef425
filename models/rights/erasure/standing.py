"""Show what stands open for a person who wants to be erased: what has to end first, what ends with it, what stays."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, Appeal, is_under_review
from models.giving.pledge import PAID, Pledge
from models.goods.exchange import OFFER_MACHINE, REQUEST_MACHINE, GoodsRequest, Offer
from models.market.listing import MACHINE as LISTING_MACHINE
from models.market.listing import Listing
from models.market.orders.order import NOT_SENT, Order
from models.payments.order import PayOrder
from models.payments.refund import OPEN, Refund
from models.payments.suspense import SuspenseItem
from models.people.conversation import Conversation
from models.staff.member import HOLDING, Staff
from models.support.ticket import Ticket
from models.verification.case import WITHDRAWABLE, Verification

# So many are named at once; then come the others.
_MOST = 5


@dataclass(frozen=True, slots=True)
class Hold:
    """Something that has to end before the person can be erased.

    ``kind``: appeal (collects or holds money), refund (the person's gift is going back), suspense (a payment of theirs
    is in question), stock (goods promised to somebody), order (in dispute, or sold so lately that it may be), seat
    (staff). ``name``: its number, code or work number.
    """

    kind: str
    name: str
    title: str = ""
    state: str = ""

    @property
    def facts(self) -> dict[str, str]:
        return {"kind": self.kind, "name": self.name, "title": self.title, "state": self.state}


@dataclass(frozen=True, slots=True)
class Standing:
    """``ends``: what ends with the person, kind -> how many. ``gifts``: paid ones, which stay without the name."""

    holds: tuple[Hold, ...]
    ends: dict[str, int]
    gifts: int

    @property
    def facts(self) -> dict[str, Any]:
        return {"ends": {kind: count for kind, count in self.ends.items() if count}, "gifts": self.gifts}


def show_standing(db: Session, conversation_id: int | None, user: int | None) -> Standing:
    """Show it for a person with a conversation, an account, or both."""
    conversation = db.get(Conversation, conversation_id) if conversation_id else None
    seats = _seats(db, conversation) if conversation else ()
    tickets = _count(db, Ticket.id, (Ticket.conversation_id == conversation_id) & (Ticket.state != "closed"))
    if user is None:
        return Standing(seats, {"tickets": tickets}, 0)
    ends = {
        "appeals": _count(db, Appeal.id, (Appeal.owner_id == user) & is_under_review()),
        "cases": _count(db, Verification.id, (Verification.user_id == user) & Verification.state.in_(WITHDRAWABLE)),
        "unpaid": _count(db, Pledge.id, (Pledge.donor_id == user) & (Pledge.state == "awaiting_payment")),
        "goods": _count(db, Offer.id, (Offer.donor_id == user) & Offer.state.in_(_open(OFFER_MACHINE)))
        + _count(db, GoodsRequest.id, (GoodsRequest.owner_id == user) & GoodsRequest.state.in_(_open(REQUEST_MACHINE)))
        + _count(db, Listing.id, (Listing.seller_id == user) & Listing.state.in_(_open(LISTING_MACHINE))),
        "orders": _count(db, Order.id, (Order.buyer_id == user) & Order.state.in_(NOT_SENT)),
        "tickets": tickets,
    }
    holds = (*seats, *_appeals(db, user), *_money(db, user), *_stock(db, user), *_orders(db, user))
    return Standing(holds[:_MOST], ends, _count(db, Pledge.id, (Pledge.donor_id == user) & Pledge.state.in_(PAID)))


def _open(machine: Any) -> list[str]:
    """The states from which a thing can be withdrawn."""
    return [source for source, to in machine.moves if to == "withdrawn"]


def _count(db: Session, column: Any, where: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count(column)).where(where)) or 0


def _seats(db: Session, conversation: Conversation) -> tuple[Hold, ...]:
    theirs = (Staff.account == conversation.account) & (Staff.openid == conversation.openid)
    found = db.scalars(select(Staff.work_no).where(theirs, Staff.state.in_(HOLDING)).order_by(Staff.id))
    return tuple(Hold("seat", work_no) for work_no in found)


def _appeals(db: Session, user: int) -> tuple[Hold, ...]:
    theirs = (Appeal.owner_id == user) & Appeal.state.in_((*LIVE, "frozen")) & Appeal.published_at.is_not(None)
    found = db.scalars(select(Appeal).where(theirs).order_by(Appeal.id).limit(_MOST))
    return tuple(Hold("appeal", str(appeal.id), appeal.title, appeal.state) for appeal in found)


def _money(db: Session, user: int) -> tuple[Hold, ...]:
    """Gifts on their way back, and payments that nobody could place yet: the donor may have to be asked."""
    back = select(Pledge.code).join(Refund, Refund.pledge_id == Pledge.id)
    back = back.where(Pledge.donor_id == user, Refund.state.in_(OPEN)).order_by(Pledge.id).limit(_MOST)
    order = select(Pledge.code).join(PayOrder, PayOrder.pledge_id == Pledge.id)
    order = order.join(SuspenseItem, SuspenseItem.order_id == PayOrder.id)
    order = order.where(Pledge.donor_id == user, SuspenseItem.closed_at.is_(None)).order_by(Pledge.id).limit(_MOST)
    refunds = tuple(Hold("refund", code) for code in db.scalars(back))
    return (*refunds, *(Hold("suspense", code) for code in db.scalars(order)))


def _stock(db: Session, user: int) -> tuple[Hold, ...]:
    """Goods and produce that somebody else has been promised."""
    offers = select(Offer.id, Offer.item).where(Offer.donor_id == user, Offer.reserved > 0)
    lots = select(Listing.id, Listing.name).where(Listing.seller_id == user, Listing.reserved > 0)
    return tuple(
        Hold("stock", str(number), title)
        for rows in (offers.order_by(Offer.id), lots.order_by(Listing.id))
        for number, title in db.execute(rows.limit(_MOST))
    )


def _orders(db: Session, user: int) -> tuple[Hold, ...]:
    """Orders in dispute, of both sides, and what the person sold whose buyer may still say that something is wrong."""
    disputed = (Order.state == "after_sale") & or_(Order.buyer_id == user, Order.seller_id == user)
    sold = (Order.state == "delivered") & (Order.seller_id == user)
    found = select(Order.code, Order.name).where(or_(disputed, sold)).order_by(Order.id).limit(_MOST)
    return tuple(Hold("order", code, name) for code, name in db.execute(found))
