"""Lock the rows of a payment, always in this order: appeal, pledge, order, refund or suspense item.

Matching pools and then the ledger's accounts are locked after them (models.giving.matching). A lock lasts to the end of
the transaction; rows that refer to a locked one may still be inserted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Text, any_, bindparam, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.giving.pledge import Pledge
from models.ledger.accounts import channel_of
from models.organisations.charity import Charity
from models.organisations.merchant import Merchant
from models.payments.commit import ArrivedGift
from models.payments.order import PayOrder
from models.payments.refund import Refund
from models.people.user import User

_LOCK: dict[str, Any] = {"key_share": True}


def lock_pledge(db: Session, number: int) -> Pledge:
    return db.get_one(Pledge, number, with_for_update=_LOCK, populate_existing=True)


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """Hold an order that is paid, with its pledge and appeal, all three locked, and the donor.

    ``charity``: the appeal's, kept here so that the session need not ask for it. ``charity_id``: whose merchant account
    was paid.
    """

    order: PayOrder
    pledge: Pledge
    appeal: Appeal
    charity: Charity | None
    donor: User
    charity_id: int

    @property
    def arrived(self) -> ArrivedGift:
        return ArrivedGift(self.appeal, self.pledge, self.donor, channel_of(self.charity_id), self.order.cause)


def lock_gifts(db: Session, orders: Sequence[tuple[str, str]]) -> dict[tuple[str, str], PaidOrder]:
    """Lock the appeals, then the pledges and orders of these (merchant account, our number of the order).

    Two statements, for any number; an order that is none of ours is left out.
    """
    merchants, numbers = (any_(bindparam(None, sorted(set(each)), ARRAY(Text))) for each in zip(*orders, strict=True))
    these = (PayOrder.merchant == merchants) & (PayOrder.out_trade_no == numbers)
    theirs = select(Pledge.appeal_id).join(PayOrder, PayOrder.pledge_id == Pledge.id).where(these)
    held = select(Appeal, Charity).outerjoin(Charity, Charity.id == Appeal.charity_id).where(Appeal.id.in_(theirs))
    held = held.order_by(Appeal.id).with_for_update(of=Appeal, **_LOCK).execution_options(populate_existing=True)
    appeals = {appeal.id: (appeal, charity) for appeal, charity in db.execute(held)}
    if not appeals:
        return {}
    found = select(PayOrder, Pledge, User, Merchant.charity_id).join(Pledge, Pledge.id == PayOrder.pledge_id)
    found = found.join(User, User.id == Pledge.donor_id).join(Merchant, Merchant.number == PayOrder.merchant)
    found = found.where(these).order_by(Pledge.id, PayOrder.id).with_for_update(of=(Pledge, PayOrder), **_LOCK)
    rows = db.execute(found.execution_options(populate_existing=True))
    return {
        (order.merchant, order.out_trade_no): PaidOrder(order, pledge, *appeals[pledge.appeal_id], donor, charity_id)
        for order, pledge, donor, charity_id in rows
    }


def lock_order(db: Session, number: int) -> PayOrder:
    return db.get_one(PayOrder, number, with_for_update=_LOCK, populate_existing=True)


def lock_refund(db: Session, number: int) -> Refund | None:
    return db.get(Refund, number, with_for_update=_LOCK, populate_existing=True)
