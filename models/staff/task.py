"""Keep the tasks of staff: one open task per thing, with its holder and due date.

A task is in one person's queue or, where there is no holder, in the pool of its role and region. Officers with a
conflict of interest are recused before a holder is chosen, and an overdue task goes one level up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, Select, SmallInteger, String, func, select, text
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.calendar import day_in_china
from models.staff.conflict_of_interest import ties_with
from models.staff.member import (
    STAFF_ROLES,
    Staff,
    all_seats_of,
    highest_seat,
    nearest_first,
    notify_staff,
    seats_for,
    serving,
    spread_to_all_seats,
)
from models.staff.recusal import CONFLICTS, Recusal, recusal_reason, recused_staff
from models.staff.task_steps import CARETAKERS, ELSEWHERE, STEPS, roles_from

SUBJECTS = (
    *("case", "appeal", "revision", "update", "disbursement", "message"),
    *("refund", "suspense_item", "discrepancy", "receipt", "inquiry", "name_change", "number_claim", "paper_erasure"),
    "organisation",
    *("request", "offer", "listing", "match", "goods_thanks", "household", "after_sale", "campaign"),
)
_OPEN = text("closed_at IS NULL")
_POOL = text("closed_at IS NULL AND assignee IS NULL")


class Task(Base):
    """``step`` is the work to do; ``role`` does it now (a higher one after an escalation).

    ``assignee``: the seat in whose queue it is; None: it is in the pool of the role's seats that cover the region.
    """

    __tablename__ = "tasks"
    id: Mapped[RowId]
    subject: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int]
    step: Mapped[str] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(12))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("households.id"))
    charity_id: Mapped[int | None] = mapped_column(ForeignKey("charities.id"))
    """The charity whose fund holders alone may do it; None: whoever of the role covers the region."""
    assignee: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    escalations: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    __table_args__ = (
        one_of("subject", SUBJECTS),
        one_of("role", STAFF_ROLES),
        Index("uq_tasks_one_open", "subject", "subject_id", unique=True, postgresql_where=_OPEN),
        Index("ix_tasks_assignee", "assignee", "due_at", postgresql_where=_OPEN),
        Index("ix_tasks_pool", "role", "region_code", "due_at", postgresql_where=_POOL),
        Index("ix_tasks_due_at", "due_at", postgresql_where=_OPEN),
        Index("ix_tasks_region", "region_code", postgresql_where=_OPEN),
        Index("ix_tasks_household", "household_id", postgresql_where=_OPEN),
        Index("ix_tasks_charity", "charity_id", "due_at", postgresql_where=_OPEN),
    )


@dataclass(frozen=True, slots=True)
class Matter:
    """The thing that a task is about (``case:7``, ``appeal:12``), its region, and its household if it has one.

    ``charity_id``: the charity whose money it is about, if it is about money that was collected.
    """

    subject: str
    number: int
    region_code: str
    household_id: int | None
    charity_id: int | None = None


def open_task(
    db: Session, matter: Matter, step: str, now: datetime, barred: Mapping[int, str] | None = None, *, told: bool = True
) -> Task:
    """Open the thing's task and find a holder. ``barred``: staff id -> why, beside those with a conflict of interest.

    ``told``: notify the holder.
    """
    role, days = STEPS[step]
    task = Task(
        subject=matter.subject,
        subject_id=matter.number,
        step=step,
        role=role,
        region_code=matter.region_code,
        household_id=matter.household_id,
        charity_id=matter.charity_id if role == "fund_holder" else None,
        opened_at=now,
        due_at=now + timedelta(days=days),
    )
    db.add(task)
    db.flush()
    conflicts = _conflicts_now(db, task)
    _recuse_all(db, task, {**(barred or {}), **conflicts}, now)
    _assign(db, task, now, {*all_seats_of(db, barred or ()), *conflicts}, told=told)
    return task


def conflict_in(db: Session, staff: Staff, task: Task) -> str | None:
    """Return why this officer may not do the task, by its recusals and conflicts of today; None when they may."""
    return recusal_reason(db, task.id, staff) or _conflicts_now(db, task).get(staff.id)


def _recuse_all(db: Session, task: Task, why: Mapping[int, str], now: datetime) -> None:
    db.add_all(Recusal(task_id=task.id, staff_id=seat, reason=reason, at=now) for seat, reason in why.items())
    db.flush()


def _conflicts_now(db: Session, task: Task) -> dict[int, str]:
    """Map staff ids to why they may not do the task as things stand today, in whichever seat."""
    found: dict[int, str] = {}
    for conflict in CONFLICTS.values():
        found.update(conflict(db, task.subject, task.subject_id, task.household_id))
    return spread_to_all_seats(db, found, ties_with(db, task.household_id))


def close_task(db: Session, subject: str, number: int, now: datetime, staff: Staff | None = None) -> None:
    """Close the open task, if there is one: done by ``staff``, or (None) needless."""
    task = find_task(db, subject, number)
    if task:
        task.closed_at, task.closed_by = now, staff.id if staff else None
        db.flush()


def find_task(db: Session, subject: str, number: int) -> Task | None:
    """Find the thing's open task, read afresh: a sweep may change its holder though the caller has locked the thing."""
    open_one = (Task.subject == subject) & (Task.subject_id == number) & Task.closed_at.is_(None)
    return db.scalar(select(Task).where(open_one).execution_options(populate_existing=True))


def assign_holder(db: Session, task: Task, now: datetime, *, besides: int | None = None, told: bool = True) -> None:
    """Assign the task to the officer with the shortest queue, of its role or of the next role up that has one.

    Where no one may do it, it goes into the pool of the highest role that has an active member, who can ask for a
    colleague (models.staff.queue.assign_pool_tasks then tries again). ``besides``: a seat not to choose. ``told``:
    notify a new holder.
    """
    # Conflicts as they are now: whoever was appointed after the task was opened is not among its recusals.
    conflicts = _conflicts_now(db, task)
    recused = recused_staff(db, task.id)
    if task.step in ELSEWHERE:  # whom it concerns must not find it in the pool either
        _recuse_all(db, task, {seat: why for seat, why in conflicts.items() if seat not in recused}, now)
    _assign(db, task, now, {besides or 0, *recused, *conflicts}, told=told)


def _assign(db: Session, task: Task, now: datetime, barred: set[int], *, told: bool) -> None:
    before = task.assignee
    if not task.escalations:
        # It may have been assigned to a higher role: without that holder it is again the step's own role's.
        task.role = STEPS[task.step][0]
    roles = roles_from(task.role)
    if caretaker := CARETAKERS.get(task.step):
        roles.append(caretaker)
    for role in roles:
        found = db.scalar(_candidates(task, role, now, barred))
        if found:
            if role != task.role:
                record_on_task(db, task, "went_up", role, now)
            task.role, task.assignee = role, found
            break
    else:
        task.assignee = db.scalar(_of_other_places(task, roles[-1], now, barred)) if task.step in ELSEWHERE else None
        task.role = roles[-1] if task.assignee else highest_seat(db, task.region_code, roles) or task.role
    db.flush()
    if told and task.assignee and task.assignee != before:
        _notify_holder(db, task, task.assignee, now)


def _notify_holder(db: Session, task: Task, holder: int, now: datetime) -> None:
    """Notify the holder that the task has come into their queue."""
    subject, number = task.subject, task.subject_id
    facts = {"subject": subject, "number": number, "step": task.step, "count": 1, "due": day_in_china(task.due_at)}
    key = f"task_new:{subject}:{number}:{task.step}:{now.timestamp()}"
    notify_staff(db, db.get_one(Staff, holder), "task_new", facts, key, now, ("staff", holder))


def has_no_holder(db: Session, subject: str, number: int) -> bool:
    """Tell whether the open task has no holder, because there is no one who may do it."""
    task = find_task(db, subject, number)
    return task is not None and task.assignee is None


def assign_to(db: Session, task: Task, to: Staff, actor: str, now: datetime) -> None:
    """Assign the task to this officer. The caller has checked the region and conflicts."""
    task.assignee, task.role = to.id, to.role
    record(
        db, at=now, actor=actor, action="assigned", subject=task.subject, subject_id=task.subject_id, detail=to.work_no
    )
    db.flush()


def recuse(db: Session, task: Task, staff: Staff, reason: str, now: datetime, *, recorded: bool = True) -> None:
    """Keep the officer from this task; if they held it or it had no holder, find another.

    ``recorded``: in the audit trail, too.
    """
    if recusal_reason(db, task.id, staff) is None:
        db.add(Recusal(task_id=task.id, staff_id=staff.id, reason=reason, at=now))
        db.flush()
        if recorded:
            record_on_task(db, task, "recused", f"{staff.work_no} {reason}", now)
    if task.assignee is None or task.assignee in all_seats_of(db, [staff.id]):
        assign_holder(db, task, now)


def _candidates(task: Task, role: str, now: datetime, barred: set[int]) -> Select[int]:
    """Select the seat of this role nearest to the place, of equally near ones that with the shortest queue."""
    open_task = aliased(Task)
    queue = select(func.count()).where(open_task.assignee == Staff.id, open_task.closed_at.is_(None)).scalar_subquery()
    return (
        select(Staff.id)
        .where(Staff.role == role, serving(now), seats_for(task.region_code, role, task.charity_id))
        .where(Staff.id.not_in(barred))
        .order_by(*nearest_first(task.region_code, role), queue, Staff.id)
        .limit(1)
    )


def _of_other_places(task: Task, role: str, now: datetime, barred: set[int]) -> Select[int]:
    """Select any seat of this role, that with the shortest queue, wherever it is."""
    open_task = aliased(Task)
    queue = select(func.count()).where(open_task.assignee == Staff.id, open_task.closed_at.is_(None)).scalar_subquery()
    found = select(Staff.id).where(Staff.role == role, serving(now), Staff.id.not_in(barred))
    return found.order_by(queue, Staff.id).limit(1)


def record_on_task(db: Session, task: Task, action: str, detail: str, now: datetime) -> None:
    record(db, at=now, actor="system", action=action, subject=task.subject, subject_id=task.subject_id, detail=detail)
