"""Expire unpaid pledges, and let donors drop what they promised."""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.appeals.appeal import get_appeal
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import UNPAID, Pledge
from models.payments.locks import lock_pledge
from models.payments.order import PayOrder
from models.payments.platform_order import LIVE
from models.payments.refund_entitlement import NoSuchGift
from models.payments.suspense import has_open_suspense_item
from models.people.user import User

_BATCH = 100


class PaidAlready(Refusal):
    """The gift is paid, so that it can only be refunded, or its payment is in question."""

    code = "paid_already"
    final = True


def let_go(db: Session, donor: User, code: str, now: datetime) -> Pledge:
    """Cancel the donor's unpaid pledge, as the donor wishes; again changes nothing. Raises NoSuchGift or PaidAlready.

    An order that is paid at this moment is refunded like any late payment.
    """
    found = db.scalar(select(Pledge).where(Pledge.code == code, Pledge.donor_id == donor.id))
    if found is None:
        raise NoSuchGift(gift=code)
    get_appeal(db, found.appeal_id, lock=True)
    pledge = lock_pledge(db, found.id)
    if pledge.state in UNPAID and not has_open_suspense_item(db, pledge.id):
        PLEDGES.move(db, pledge, "cancelled", Actor.owner(donor.id), now)
        db.flush()
    elif pledge.state not in ("cancelled", "expired"):
        raise PaidAlready(gift=code, number=pledge.appeal_id, paid=pledge.state not in UNPAID)
    return pledge


def expire_pledges(db: Session, now: datetime) -> int:
    """Expire overdue pledges that have no live order, which could be paid at this moment. Returns how many."""
    paying = exists().where(PayOrder.pledge_id == Pledge.id, PayOrder.state.in_(LIVE))
    over = select(Pledge).where(Pledge.state == "awaiting_payment", Pledge.pay_by <= now, ~paying)
    pledges = db.scalars(over.order_by(Pledge.pay_by).limit(_BATCH).with_for_update(skip_locked=True)).all()
    for pledge in pledges:
        PLEDGES.move(db, pledge, "expired", SYSTEM, now)
    db.flush()
    return len(pledges)
