"""How an appeal's days end: in review, or with too little or enough promised. The sweep finds them."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeal import MACHINE, REVIEWED, Appeal, end_overdue
from models.conversation import Conversation
from models.machine import SYSTEM
from models.notice import tell
from models.pledge import promised
from models.review import tell_owner
from models.task import close_task

_BATCH = 100


def close_overdue(db: Session, now: datetime) -> list[Appeal]:
    """Those whose last day went by while they were being looked at: cancelled, and their owners told."""
    overdue = select(Appeal).where(Appeal.state.in_(REVIEWED), Appeal.deadline <= now).limit(_BATCH).with_for_update()
    closed = list(db.scalars(overdue))
    for appeal in closed:
        end_overdue(db, appeal, now)
        facts, about = {"number": appeal.id, "title": appeal.title}, ("appeal", appeal.id)
        for person in db.scalars(select(Conversation.id).where(Conversation.user_id == appeal.owner_id)):
            tell(db, person, "appeal_overdue", facts, f"overdue:{appeal.id}:{person}", now, about)
    return closed


def end_funding(db: Session, now: datetime) -> int:
    """The last day for gifts is over: with all of it promised it is funded, else it failed. Returns how many.

    Owner and backers are told.
    """
    over = select(Appeal).where(Appeal.state == "funding", Appeal.deadline <= now).order_by(Appeal.deadline)
    ended = db.scalars(over.limit(_BATCH).with_for_update(key_share=True, skip_locked=True)).all()
    sums = promised(db, [appeal.id for appeal in ended])
    for appeal in ended:
        if sums.get(appeal.id, (0, 0))[0] >= appeal.target_fen:
            fund(db, appeal, now)
        else:
            end_overdue(db, appeal, now)
            tell_owner(db, appeal, now)
    db.flush()
    return len(ended)


def fund(db: Session, appeal: Appeal, now: datetime) -> None:
    """It has what it asked for: no more gifts. Its owner is told; the caller holds it."""
    MACHINE.move(db, appeal, "funded", SYSTEM, now)
    close_task(db, "appeal", appeal.id, now)  # a doubt, if there was one
    tell_owner(db, appeal, now)
