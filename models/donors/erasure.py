"""Forget an erased person's messages, those to their appeals, their recurring gifts and requests for receipts."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.leaver import PAGE, Leaver
from models.donors.message_inbox import forget_donor, forget_family
from models.donors.receipt_desk import forget as forget_receipts
from models.donors.recurring_gift import forget as forget_recurring_gifts
from models.giving.pledge import Pledge
from models.people.user import User


def forget(db: Session, leaver: Leaver, after: int) -> int | None:
    """Forget the messages to their appeals and the recurring gifts with the first page; then a page of their gifts."""
    if not leaver.user_id:
        return None
    user = db.get_one(User, leaver.user_id)
    if not after:
        for appeal in db.scalars(select(Appeal).where(Appeal.owner_id == user.id).order_by(Appeal.id)):
            forget_family(db, appeal, leaver.actor, leaver.now)
        forget_recurring_gifts(db, user, leaver.now)
    theirs = select(Pledge.id).where(Pledge.donor_id == user.id, Pledge.id > after)
    gifts = db.scalars(theirs.order_by(Pledge.id).limit(PAGE)).all()
    forget_receipts(db, user, gifts, leaver.now)
    forget_donor(db, user, gifts, leaver.now)
    db.flush()
    return gifts[-1] if gifts else None
