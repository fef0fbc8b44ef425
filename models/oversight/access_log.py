"""Show a person which staff read their data, and who tried their ID number, from the audit trail."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.paging import Page, page_of
from models.people.user import NUMBER_TRIED
from models.staff.member import Staff

PAGE = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a person's data. ``role`` and ``work_no`` are the reader's, never a name; None if no staff.

    ``subject`` and ``number``: where the data was read.
    ``purpose``: a code of templates/shared/oversight/purposes.txt.
    """

    at: datetime
    role: str | None
    work_no: str | None
    subject: str
    number: int
    purpose: str | None
    tried: bool = False
    """Somebody wanted to register with this person's ID number, was refused, and read nothing."""


def readings_of(db: Session, user_id: int, before: int | None) -> Page[Reading]:
    """List a page of readings of this person's data, and of tries of their ID number, the newest first.

    ``before``: an id of the audit trail.
    """
    event = AuditEvent
    statement = select(event).where(event.about == user_id, event.action.in_(("read_sensitive", NUMBER_TRIED)))
    if before is not None:
        statement = statement.where(event.id < before)
    found = db.scalars(statement.order_by(event.id.desc()).limit(PAGE + 1)).all()
    page = page_of(found, PAGE, lambda each: each.id)
    readers = _staff(db, {each.actor for each in page.items})
    return Page([_reading(each, readers.get(each.actor)) for each in page.items], page.after)


def _staff(db: Session, actors: set[str]) -> dict[str, Staff]:
    numbers = [int(actor.removeprefix("staff:")) for actor in actors if actor.startswith("staff:")]
    return {staff.actor.name: staff for staff in db.scalars(select(Staff).where(Staff.id.in_(numbers)))}


def _reading(found: AuditEvent, staff: Staff | None) -> Reading:
    return Reading(
        at=found.at,
        role=staff.role if staff else None,
        work_no=staff.work_no if staff else None,
        subject=found.subject,
        number=found.subject_id,
        purpose=found.detail,
        tried=found.action == NUMBER_TRIED,
    )
