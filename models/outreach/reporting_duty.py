"""The law's reporting duty: an appeal whose update is overdue leaves the public lists until one is published.

Money raised in public must be reported on every three months. The time starts with the first payout and again with
each update that an officer publishes. The lists compare the due time themselves, so no sweep can forget an appeal.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.calendar import day_in_china
from models.notifications.notify import notify_user

# At most three months, by the Charity Law of 2016 (amended 2023), article 79, on reports of a project under way.
EVERY = timedelta(days=90)
REMINDED = timedelta(days=14)
_BATCH = 100
_REPORTS = "executing"


def start_reporting_period(appeal: Appeal, now: datetime) -> None:
    """Start the three months anew: at the first payout, and at each published update."""
    appeal.update_due_at, appeal.update_reminded = now + EVERY, 0


def restart_reporting_period(appeal: Appeal, now: datetime) -> None:
    """Restart the reporting period after a published update; does nothing before the first payout."""
    if appeal.update_due_at is not None:
        start_reporting_period(appeal, now)


def update_not_overdue(now: datetime) -> ColumnElement[bool]:
    """Condition on Appeal for every public list: its update is not overdue."""
    return or_(Appeal.state != _REPORTS, Appeal.update_due_at.is_(None), Appeal.update_due_at > now)


def is_update_overdue(appeal: Appeal, now: datetime) -> bool:
    """Tell whether the appeal is being carried out and its update is overdue."""
    return appeal.state == _REPORTS and appeal.update_due_at is not None and appeal.update_due_at <= now


def has_overdue_update(db: Session, number: int, now: datetime) -> bool:
    """As ``is_update_overdue``, by the appeal's number; False where there is none."""
    appeal = db.get(Appeal, number)
    return appeal is not None and is_update_overdue(appeal, now)


def remind_owners(db: Session, now: datetime) -> int:
    """Remind owners two weeks before an update is due, and again when it is overdue. Returns how many appeals."""
    open_ = (Appeal.state == _REPORTS) & (Appeal.update_reminded < 2)
    soon = (Appeal.update_reminded == 0) & (Appeal.update_due_at <= now + REMINDED)
    due = select(Appeal).where(open_, or_(soon, Appeal.update_due_at <= now)).order_by(Appeal.update_due_at)
    found = db.scalars(due.limit(_BATCH).with_for_update(key_share=True, skip_locked=True)).all()
    for appeal in found:
        assert appeal.update_due_at is not None  # noqa: S101 - asked for
        overdue = appeal.update_due_at <= now
        appeal.update_reminded = 2 if overdue else 1
        day = day_in_china(appeal.update_due_at)
        facts = {"number": appeal.id, "title": appeal.title, "day": day, "overdue": overdue}
        key = f"update_due:{appeal.id}:{day}:{appeal.update_reminded}"
        notify_user(db, appeal.owner_id, "update_due", facts, key, now, ("appeal", appeal.id))
    db.flush()
    return len(found)
