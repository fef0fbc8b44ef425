"""What officers hear of what has come to them; many things in a short time are one word of all of them."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.core.calendar import day_in_china
from models.staff.member import Staff, tell_staff

# What looking at the queue makes needless.
QUEUE_NEWS = ("task_new", "objection_made")


def tell_new(db: Session, holder: int, thing: tuple[str, int], step: str, due_at: datetime, now: datetime) -> None:
    """``thing`` (subject and number) has come into this one's queue."""
    subject, number = thing
    facts = {"subject": subject, "number": number, "step": step, "count": 1, "due": day_in_china(due_at)}
    key = f"task_new:{subject}:{number}:{step}:{now.timestamp()}"
    tell_staff(db, db.get_one(Staff, holder), "task_new", facts, key, now, ("staff", holder))


def tell_objection(db: Session, holder: int, case: int, objection: int, due_at: datetime, now: datetime) -> None:
    """Somebody objects to a case that is this one's to decide on."""
    facts = {"number": case, "count": 1, "due": day_in_china(due_at)}
    tell_staff(
        db, db.get_one(Staff, holder), "objection_made", facts, f"objection_made:{objection}", now, ("case", case)
    )
