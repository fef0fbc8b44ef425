"""Lock the rows of a payment, always in this order: appeal, pledge, order, refund or suspense item.

Matching pools and then the ledger's accounts are locked after them (models.giving.matching). A lock lasts to the end of
the transaction; rows that refer to a locked one may still be inserted.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.giving.pledge import Pledge
from models.organisations.merchant import Merchant
from models.payments.order import PayOrder
from models.payments.refund import Refund
from models.people.user import User

_LOCK = {"key_share": True}


def lock_pledge(db: Session, number: int) -> Pledge:
    return db.get_one(Pledge, number, with_for_update=_LOCK, populate_existing=True)


def lock_gift(db: Session, order_id: int) -> tuple[Pledge, PayOrder, User, Merchant]:
    """Lock a pledge and then its order in one statement, and read its donor and the order's merchant number with them.

    The caller keeps what it gets as long as it works with it: the session then finds these rows without asking.
    """
    found = select(Pledge, PayOrder, User, Merchant).join(PayOrder, PayOrder.pledge_id == Pledge.id)
    found = found.join(User, User.id == Pledge.donor_id).join(Merchant, Merchant.number == PayOrder.merchant)
    found = found.where(PayOrder.id == order_id).with_for_update(of=(Pledge, PayOrder), **_LOCK)
    pledge, order, donor, merchant = db.execute(found.execution_options(populate_existing=True)).one()
    return pledge, order, donor, merchant


def lock_order(db: Session, number: int) -> PayOrder:
    return db.get_one(PayOrder, number, with_for_update=_LOCK, populate_existing=True)


def lock_refund(db: Session, number: int) -> Refund | None:
    return db.get(Refund, number, with_for_update=_LOCK, populate_existing=True)
