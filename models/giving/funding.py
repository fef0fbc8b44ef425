"""End an appeal at its deadline: overdue in review, failed, begun with its minimum, or funded. A sweep calls it.

What an appeal has is one sum (models.giving.pledge.raised): where money is
collected, only what was paid. It begins with less than its target only if its owner
said so before publication (``minimum_fen``). models.disbursements.budget then pays out no more than is held, and for no
budget line more than its own sum.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import MACHINE, Appeal, end_overdue, is_under_review
from models.appeals.review import notify_owner
from models.core.state_machine import SYSTEM
from models.giving.pledge import Raised, raised
from models.notifications.broadcast import notify_backers
from models.notifications.notify import notify_user
from models.proxy.act import notify_writer
from models.staff.task import close_task

_BATCH = 100


def cancel_overdue_reviews(db: Session, now: datetime) -> list[Appeal]:
    """Cancel appeals whose deadline passed during review, and notify their owners, or the officers who wrote them.

    Locks and returns them.
    """
    overdue = select(Appeal).where(is_under_review(), Appeal.deadline <= now).limit(_BATCH).with_for_update()
    closed = list(db.scalars(overdue))
    for appeal in closed:
        end_overdue(db, appeal, now)
        facts, about = {"number": appeal.id, "title": appeal.title}, ("appeal", appeal.id)
        key = f"overdue:{appeal.id}"
        if not notify_user(db, appeal.owner_id, "appeal_overdue", facts, key, now, about):
            notify_writer(db, appeal.id, {**facts, "state": appeal.state, "reasons": []}, key, now)
    return closed


def end_funding(db: Session, now: datetime) -> int:
    """End funding at the deadline: funded, begun with the minimum, or failed. Returns how many appeals.

    Locks the appeals; owner and donors are notified.
    """
    over = select(Appeal).where(Appeal.state == "funding", Appeal.deadline <= now).order_by(Appeal.deadline)
    ended = db.scalars(over.limit(_BATCH).with_for_update(key_share=True, skip_locked=True)).all()
    for appeal in ended:
        _end(db, appeal, now)
    db.flush()
    return len(ended)


def end_if_overdue(db: Session, appeal: Appeal, now: datetime) -> None:
    """End one overdue appeal, which the caller holds; one in review is cancelled. Nothing before the deadline."""
    if not appeal.is_overdue(now):
        return
    if appeal.state == "funding":
        _end(db, appeal, now)
    else:
        end_overdue(db, appeal, now)
    db.flush()


def _end(db: Session, appeal: Appeal, now: datetime) -> None:
    has = raised(db, [appeal.id])[appeal.id]
    if has.raised_fen >= appeal.target_fen:
        mark_funded(db, appeal, now)
    elif appeal.minimum_fen is not None and has.raised_fen >= appeal.minimum_fen:
        _begin_with_minimum(db, appeal, has, now)
    else:
        end_overdue(db, appeal, now)
        notify_owner(db, appeal, now)


def mark_funded(db: Session, appeal: Appeal, now: datetime) -> None:
    """Move an appeal that reached its target to ``funded`` and notify its owner; the caller holds it."""
    MACHINE.move(db, appeal, "funded", SYSTEM, now)
    close_task(db, "appeal", appeal.id, now)  # a task about a doubt, if there was one
    notify_owner(db, appeal, now)


def _begin_with_minimum(db: Session, appeal: Appeal, has: Raised, now: datetime) -> None:
    """Begin an appeal with less than its target, as donors were told before they gave; notify owner and donors."""
    MACHINE.move(db, appeal, "minimum_met", SYSTEM, now)
    close_task(db, "appeal", appeal.id, now)  # a task about a doubt, if there was one
    sums = {**has.facts, "target_fen": appeal.target_fen, "minimum_fen": appeal.minimum_fen}
    notify_owner(db, appeal, now, sums=sums)
    notify_backers(db, "appeal_begins", appeal.id, appeal.title, f"appeal_begins:{appeal.id}", now, **sums)
