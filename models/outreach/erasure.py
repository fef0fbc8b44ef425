"""Forget the updates of an erased person's appeals, and stop the broadcasts that carry their words."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.leaver import Leaver
from models.outreach.update_review import forget as forget_updates


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    theirs = select(Appeal).where(Appeal.owner_id == leaver.user_id).order_by(Appeal.id)
    for appeal in db.scalars(theirs):
        forget_updates(db, appeal, leaver.actor, leaver.now)
    db.flush()
