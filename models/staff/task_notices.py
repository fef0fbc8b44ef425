"""Notify officers of new tasks and objections; several in a short time are joined into one notification."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.core.calendar import day_in_china
from models.staff.member import Staff, notify_staff

# The kinds that are marked as read when the officer opens the queue.
QUEUE_NEWS = ("task_new", "objection_made")


def notify_new(db: Session, holder: int, thing: tuple[str, int], step: str, due_at: datetime, now: datetime) -> None:
    """Notify the holder that ``thing`` (subject and number) has come into the queue."""
    subject, number = thing
    facts = {"subject": subject, "number": number, "step": step, "count": 1, "due": day_in_china(due_at)}
    key = f"task_new:{subject}:{number}:{step}:{now.timestamp()}"
    notify_staff(db, db.get_one(Staff, holder), "task_new", facts, key, now, ("staff", holder))


def notify_objection(db: Session, holder: int, case: int, objection: int, due_at: datetime, now: datetime) -> None:
    """Notify the officer who decides on the case of an objection to it."""
    facts = {"number": case, "count": 1, "due": day_in_china(due_at)}
    notify_staff(
        db, db.get_one(Staff, holder), "objection_made", facts, f"objection_made:{objection}", now, ("case", case)
    )
