"""Decide which staff may read a file, log that they read it, and tell whether they did since it last changed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent, record_reading
from models.core.hooks import Hook
from models.core.state_machine import By
from models.staff.conflict_of_interest import is_own
from models.staff.member import Staff
from models.staff.task import Matter, conflict_in, find_task
from models.staff.turn import is_turn_of, reaches

# Arguments: the officer, a subject and its number. Returns whether the officer has to decide on a report of it.
decides_on_report: Hook[[Session, Staff, str, int], bool] = Hook("staff.file_access.decides_on_report")


@dataclass(frozen=True, slots=True)
class TaskView:
    """The open task as a file shows it: its ``step`` (empty without one), its holder's role and work number, its end.

    ``mine``: the reader may decide. ``conflict``: the conflict of interest for which the reader may not, though it is
    the turn of the reader's seat.
    """

    step: str = ""
    holder: str = ""
    work_no: str | None = None
    due_at: datetime | None = None
    mine: bool = False
    conflict: str | None = None


def view_task(db: Session, staff: Staff | None, subject: str, number: int) -> TaskView:
    """Describe the thing's open task to this member of staff, or with None to its owner."""
    task = find_task(db, subject, number)
    if task is None:
        return TaskView()
    holder = db.get(Staff, task.assignee) if task.assignee else None
    mine = staff is not None and is_turn_of(staff, task)
    conflict = conflict_in(db, staff, task) if staff and mine else None
    return TaskView(
        step=task.step,
        holder=task.role,
        work_no=holder.work_no if holder else None,
        due_at=task.due_at,
        mine=mine and conflict is None,
        conflict=conflict,
    )


def has_read(db: Session, staff: Staff, subject: str, number: int, *, also: ColumnElement[bool] | None = None) -> bool:
    """Tell whether this officer has read it since its state or its content last changed.

    ``also``: a condition on other audit events that change the content.
    """
    changes = AuditEvent.action.in_(("moved", "receipts"))
    return has_opened(db, staff, subject, number, purpose="review", changes=changes, also=also)


def has_opened(
    db: Session,
    staff: Staff,
    subject: str,
    number: int,
    *,
    purpose: str,
    changes: ColumnElement[bool],
    also: ColumnElement[bool] | None = None,
) -> bool:
    """Tell whether this officer has opened it for this purpose since its last audit event of the kind ``changes``.

    ``also``: a condition on other things' events that change what is opened.
    """
    its_own = (AuditEvent.subject == subject) & (AuditEvent.subject_id == number)
    changed_by = its_own & changes if also is None else or_(its_own & changes, also)
    changed = select(func.coalesce(func.max(AuditEvent.id), 0)).where(changed_by).scalar_subquery()
    readings = its_own & (AuditEvent.action == "read_sensitive") & (AuditEvent.detail == purpose)
    readings &= (AuditEvent.actor == staff.actor.name) & (AuditEvent.id > changed)
    return db.scalar(select(AuditEvent.id).where(readings).limit(1)) is not None


def record_file_access(db: Session, staff: Staff, subject: str, number: int, about: int | None, now: datetime) -> None:
    """Record that the officer has read the file. ``about``: the user who finds it in their access log."""
    record_reading(
        db, at=now, actor=staff.actor.name, subject=subject, subject_id=number, purpose="review", about=about
    )


def may_read(db: Session, staff: Staff, matter: Matter) -> bool:
    """Tell whether it is in the officer's region, was handed to the officer or is what a report before them is about,
    and not of the own household."""
    reached = reaches(db, staff, matter) or decides_on_report(db, staff, matter.subject, matter.number)
    return reached and not is_own(db, staff, matter.household_id)


def may_read_as_authority(db: Session, staff: Staff, matter: Matter) -> bool:
    """Tell whether the staff member may read it as an authority, which a fund holder is not."""
    return staff.role != By.FUND_HOLDER and may_read(db, staff, matter)
