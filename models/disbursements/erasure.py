"""Forget the payees of an erased person's appeals, and withdraw what was not paid to them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.leaver import Leaver
from models.disbursements.payee_change import forget as forget_payees


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    theirs = select(Appeal).where(Appeal.owner_id == leaver.user_id).order_by(Appeal.id)
    for appeal in db.scalars(theirs.with_for_update()):
        forget_payees(db, appeal, leaver.actor, leaver.now)
    db.flush()
