"""By law who raises money tells every three months what becomes of it; who does not, stands in no list until they do.

The clock begins with the first payment and again with every update that an officer publishes. An appeal goes out of
the lists by the hour itself: no sweep has to take it out, and none can forget to.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.calendar import day_in_china
from models.notifications.notification import tell
from models.people.conversation import Conversation

# Three months, whichever they are: the Charity Law of 2016 (amended 2023), on telling of a project under way.
EVERY = timedelta(days=90)
REMINDED = timedelta(days=14)
_BATCH = 100
_TELLS = "executing"


def begin_telling(appeal: Appeal, now: datetime) -> None:
    """From its first payment on, and with every published update."""
    appeal.update_due_at, appeal.update_reminded = now + EVERY, 0


def told(appeal: Appeal, now: datetime) -> None:
    """An update of it was published; nothing where no money has been paid yet."""
    if appeal.update_due_at is not None:
        begin_telling(appeal, now)


def listed(now: datetime) -> ColumnElement[bool]:
    """A condition on Appeal for every list that people browse."""
    return or_(Appeal.state != _TELLS, Appeal.update_due_at.is_(None), Appeal.update_due_at > now)


def is_silent(appeal: Appeal, now: datetime) -> bool:
    """Is it being carried out, and its update overdue?"""
    return appeal.state == _TELLS and appeal.update_due_at is not None and appeal.update_due_at <= now


def find_silent(db: Session, number: int, now: datetime) -> bool:
    """As ``is_silent``, by its number."""
    appeal = db.get(Appeal, number)
    return appeal is not None and is_silent(appeal, now)


def remind(db: Session, now: datetime) -> int:
    """Owners whose update is due in two weeks are told, and once more when it is overdue. Returns how many."""
    open_ = (Appeal.state == _TELLS) & (Appeal.update_reminded < 2)
    soon = (Appeal.update_reminded == 0) & (Appeal.update_due_at <= now + REMINDED)
    due = select(Appeal).where(open_, or_(soon, Appeal.update_due_at <= now)).order_by(Appeal.update_due_at)
    found = db.scalars(due.limit(_BATCH).with_for_update(key_share=True, skip_locked=True)).all()
    for appeal in found:
        assert appeal.update_due_at is not None  # noqa: S101 - asked for
        overdue = appeal.update_due_at <= now
        appeal.update_reminded = 2 if overdue else 1
        day = day_in_china(appeal.update_due_at)
        facts = {"number": appeal.id, "title": appeal.title, "day": day, "overdue": overdue}
        for person in db.scalars(select(Conversation.id).where(Conversation.user_id == appeal.owner_id)):
            key = f"update_due:{appeal.id}:{day}:{appeal.update_reminded}:{person}"
            tell(db, person, "update_due", facts, key, now, ("appeal", appeal.id))
    db.flush()
    return len(found)
