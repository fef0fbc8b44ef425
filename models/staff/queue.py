"""Keep officers' queues: list them in order, escalate overdue tasks, and pass on the tasks of officers who leave."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from models.core.calendar import day_in_china
from models.staff.member import STAFF_ROLES, Staff, all_seats_of, in_charge_of, notify_staff
from models.staff.recusal import Recusal
from models.staff.task import Task, assign_holder, conflict_in, record_on_task
from models.staff.task_steps import ABOVE, ELSEWHERE, STEPS

# The time that a task gets at each level to which it is escalated.
MORE_TIME = timedelta(days=2)
# How often the holder of an overdue task is reminded, where no level is above.
REMINDED = timedelta(days=1)
_BATCH = 100


def list_queue(
    db: Session, staff: Staff, most: int, after: tuple[datetime, int] | None = None, subject: str = ""
) -> list[Task]:
    """List the officer's own tasks and those of the pool for their seat, by due date.

    Pool tasks in which the officer has a conflict are listed too: there is no other holder, and the officer is to ask
    for one. A task of an inquiry is hidden from whom it concerns. ``after``: (due_at, id) of the last one seen;
    ``subject``: only tasks about this kind of thing.
    """
    mine = select(Task.id, Task.due_at).where(Task.closed_at.is_(None), Task.assignee == staff.id)
    pool = select(Task.id, Task.due_at).where(
        Task.closed_at.is_(None),
        Task.assignee.is_(None),
        Task.role == staff.role,
        in_charge_of(staff, Task.region_code, Task.charity_id),
    )
    concerned = select(Recusal.id).where(Recusal.task_id == Task.id, Recusal.staff_id.in_(all_seats_of(db, [staff.id])))
    pool = pool.where(or_(Task.step.not_in(ELSEWHERE), ~concerned.exists()))
    found: list[Task] = []
    for part in (mine, pool):
        if subject:
            part = part.where(Task.subject == subject)
        if after:
            due_at, number = after
            part = part.where(or_(Task.due_at > due_at, (Task.due_at == due_at) & (Task.id > number)))
        # Find first, sort then: given the order, PostgreSQL walks through the whole country's tasks by due date.
        theirs = part.cte("theirs").prefix_with("MATERIALIZED", dialect="postgresql")
        first = select(theirs.c.id).order_by(theirs.c.due_at, theirs.c.id).limit(most)
        found += db.scalars(select(Task).where(Task.id.in_(first))).all()
    return sorted(found, key=lambda task: (task.due_at, task.id))[:most]


def escalate_overdue(db: Session, now: datetime) -> int:
    """Escalate overdue tasks one level up and notify the former and the new holder. Returns how many.

    Takes one batch, and skips tasks that another transaction has locked.
    """
    overdue = select(Task).where(Task.closed_at.is_(None), Task.due_at <= now).order_by(Task.due_at).limit(_BATCH)
    tasks = list(db.scalars(overdue.with_for_update(skip_locked=True)))
    for task in tasks:
        before = task.assignee
        task.escalations += 1
        record_on_task(db, task, "overdue", ABOVE.get(task.role, task.role), now)
        if task.role in ABOVE:
            task.role = ABOVE[task.role]
            task.due_at = now + MORE_TIME
            assign_holder(db, task, now, besides=before, told=False)
        else:
            # No level is above: the task stays, and its holder is reminded, unless a conflict has arisen since.
            task.due_at = now + REMINDED
            if before is None or conflict_in(db, db.get_one(Staff, before), task):
                assign_holder(db, task, now, told=False)
        facts = {
            "subject": task.subject,
            "number": task.subject_id,
            "step": task.step,
            "due": day_in_china(task.due_at),
        }
        for staff in db.scalars(select(Staff).where(Staff.id.in_({before, task.assignee} - {None}))):
            whose = {"yours": staff.id == task.assignee, "stayed": staff.id == before}
            key, about = f"task_overdue:{task.id}:{task.escalations}", (task.subject, task.subject_id)
            notify_staff(db, staff, "task_overdue", facts | whose, key, now, about)
    return len(tasks)


def assign_pool_tasks(db: Session, staff: Staff, now: datetime) -> None:
    """Find holders for the pool tasks of a region or charity when an officer starts there or comes back.

    A charity's fund holder also gets back what the county had because there was none (CARETAKERS).

    Takes one batch; the rest finds holders when it is escalated.
    """
    waits: ColumnElement[bool] = Task.assignee.is_(None)
    if staff.charity_id is not None:
        waits |= (Task.charity_id == staff.charity_id) & (Task.role != staff.role)
    pool = select(Task).where(Task.closed_at.is_(None), waits, Task.role.in_(STAFF_ROLES))
    pool = pool.where(in_charge_of(staff, Task.region_code, Task.charity_id)).order_by(Task.due_at).limit(_BATCH)
    for task in db.scalars(pool.with_for_update(skip_locked=True)).all():
        task.role = STEPS[task.step][0]
        assign_holder(db, task, now)


def release_tasks(db: Session, staff: Staff, now: datetime) -> int:
    """Find other holders for all tasks of an officer who is no longer active. Returns how many."""
    mine = select(Task).where(Task.closed_at.is_(None), Task.assignee == staff.id).order_by(Task.due_at, Task.id)
    tasks = list(db.scalars(mine.with_for_update()))
    for task in tasks:
        record_on_task(db, task, "released", staff.work_no, now)
        assign_holder(db, task, now, besides=staff.id)
    return len(tasks)
