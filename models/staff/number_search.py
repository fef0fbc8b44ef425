"""Record and limit the ID numbers that staff type, so that nobody learns unseen who is registered."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.core.audit_trail import record_reading, tries_today
from models.core.refusal import Refusal
from models.people.user import User
from models.staff.member import Staff

# A day of registering a whole village takes fewer.
MOST_NUMBERS = 60
# What a number was typed for, where its person's data was not shown: a code of templates/shared/oversight/purposes.txt.
ONLY_TYPED = "number"
DECLARED = "conflict"
_SUBJECT = "typed_number"


class TooManyNumbersTyped(Refusal):
    """The officer typed ``most`` ID numbers today; none more is looked up, registered or not."""

    code = "too_many_numbers_typed"
    final = True


def demand_may_type(db: Session, staff: Staff, now: datetime) -> None:
    """Raises TooManyNumbersTyped."""
    if tries_today(db, _SUBJECT, [staff.id], now) >= MOST_NUMBERS:
        raise TooManyNumbersTyped(most=MOST_NUMBERS)


def record_typed(db: Session, staff: Staff, user: User | None, purpose: str, now: datetime) -> None:
    """Record that the officer typed an ID number; ``user``: who is registered with it, and finds it in 谁看过我.

    Do not refuse in a savepoint that this stands in: the record must stay.
    """
    about = user.id if user else None
    who = staff.actor.name
    record_reading(db, at=now, actor=who, subject=_SUBJECT, subject_id=staff.id, purpose=purpose, about=about)
