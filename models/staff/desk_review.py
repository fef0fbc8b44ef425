"""What an officer reads before deciding: where it waits, and whether this one has read it as it stands."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent, record_reading
from models.core.state_machine import Actor, By, Machine, Stateful
from models.staff.conflict_of_interest import is_own
from models.staff.member import Staff
from models.staff.task import Matter, close_task, find_task, is_turn_of, part_in, reaches


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a thing waits: ``step``, who holds it (role and work number), until when; ``mine``: the reader may decide.

    ``part``: why they may not, though it is their seat's turn. ``step`` is empty when it waits for nobody.
    """

    step: str = ""
    holder: str = ""
    work_no: str | None = None
    due_at: datetime | None = None
    mine: bool = False
    part: str | None = None


def stage_of(db: Session, staff: Staff | None, subject: str, number: int) -> Stage:
    """Where it waits, as this member of staff (or, with None, its owner) sees it."""
    task = find_task(db, subject, number)
    if task is None:
        return Stage()
    holder = db.get(Staff, task.assignee) if task.assignee else None
    mine = staff is not None and is_turn_of(staff, task)
    part = part_in(db, staff, task) if staff and mine else None
    return Stage(
        step=task.step,
        holder=task.role,
        work_no=holder.work_no if holder else None,
        due_at=task.due_at,
        mine=mine and part is None,
        part=part,
    )


def has_seen(db: Session, staff: Staff, subject: str, number: int, *, also: ColumnElement[bool] | None = None) -> bool:
    """Tell whether this one has read it since it last moved, or since what it says last changed.

    ``also``: which other events of the audit trail change what it says.
    """
    its_own = (AuditEvent.subject == subject) & (AuditEvent.subject_id == number)
    changes: ColumnElement[bool] = its_own & AuditEvent.action.in_(("moved", "receipts"))
    if also is not None:
        changes = or_(changes, also)
    changed = select(func.coalesce(func.max(AuditEvent.id), 0)).where(changes).scalar_subquery()
    looks = its_own & (AuditEvent.action == "read_sensitive") & (AuditEvent.detail == "review")
    looks &= (AuditEvent.actor == staff.actor.name) & (AuditEvent.id > changed)
    return db.scalar(select(AuditEvent.id).where(looks).limit(1)) is not None


def record_review(db: Session, staff: Staff, subject: str, number: int, about: int | None, now: datetime) -> None:
    """Record that this one has read it, as ``has_seen`` looks for it. ``about``: whose access log shows it."""
    record_reading(
        db, at=now, actor=staff.actor.name, subject=subject, subject_id=number, purpose="review", about=about
    )


def may_read(db: Session, staff: Staff, matter: Matter) -> bool:
    """Tell whether it is of their region or was handed to them, and not of their own household."""
    reached = reaches(db, staff, matter.region_code, matter.subject, matter.number)
    return reached and not is_own(db, staff, matter.household_id)


def may_review(db: Session, staff: Staff, matter: Matter) -> bool:
    """Tell whether it is an authority's to read, and this one is of it: a charity is none."""
    return staff.role != By.FUND_HOLDER and may_read(db, staff, matter)


def end_review(
    db: Session,
    machine: Machine,
    thing: Stateful,
    to: str,
    actor: Actor,
    now: datetime,
    *,
    staff: Staff | None = None,
    detail: str | None = None,
) -> None:
    """Move it to where nobody has to read it, and close its task. ``staff`` decided on it; without, it is needless."""
    machine.move(db, thing, to, actor, now, detail)
    close_task(db, machine.subject, thing.id, now, staff)
    db.flush()
