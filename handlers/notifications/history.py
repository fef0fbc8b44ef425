"""Show officers whether notifications about an appeal or a case arrived: a line of its file, and a page of its own."""

from flows.engine.flow import Answer
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import parse_reference, staff_of
from models.appeals.appeal import NoSuchAppeal
from models.appeals.file import open_appeal_file
from models.notifications.history import History, notification_history
from models.subjects import records_of
from models.verification.case import NoSuchCase
from models.verification.file import open_case_file

MOST = 4


def last_notification(talk: Talk, subject: str, number: int) -> History:
    """Return the owner's last notification about it, and the count of all."""
    return notification_history(talk.turn.db, subject, number, _owner(talk, subject, number), 1)


def view_history(talk: Talk, reference: str) -> Answer:
    """List the last notifications: when, by which channel, and whether they arrived. The reading is recorded.

    Raises NoSuchAppeal or NoSuchCase, also where this officer may not read the file.
    """
    subject, number = parse_reference(reference)
    db, staff, now = talk.turn.db, staff_of(talk), talk.world.now
    if subject == "case" and open_case_file(db, staff, number, now) is None:
        raise NoSuchCase(number=number)
    if subject == "appeal" and open_appeal_file(db, staff, number, now) is None:
        raise NoSuchAppeal(number=number)
    found = notification_history(db, subject, number, _owner(talk, subject, number), MOST)
    values = {"subject": subject, "number": number, "history": found, "now": now}
    return with_ways("replies/notifications/history", values, {"back": ["command", "look", reference]})


def _owner(talk: Talk, subject: str, number: int) -> int:
    owner = records_of(talk.turn.db, subject, [number])[number].owner
    assert owner is not None  # noqa: S101 - an appeal or a case, and these have one
    return owner
