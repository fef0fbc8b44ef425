"""Lock the rows of a payment, always in this order: appeal, pledge, order, refund or suspense item.

Matching pools and then the ledger's accounts are locked after them (models.giving.matching). A lock lasts to the end of
the transaction; rows that refer to a locked one may still be inserted.
"""

from sqlalchemy.orm import Session

from models.giving.pledge import Pledge
from models.payments.order import PayOrder
from models.payments.refund import Refund

_LOCK = {"key_share": True}


def lock_pledge(db: Session, number: int) -> Pledge:
    return db.get_one(Pledge, number, with_for_update=_LOCK, populate_existing=True)


def lock_order(db: Session, number: int) -> PayOrder:
    return db.get_one(PayOrder, number, with_for_update=_LOCK, populate_existing=True)


def lock_refund(db: Session, number: int) -> Refund | None:
    return db.get(Refund, number, with_for_update=_LOCK, populate_existing=True)
