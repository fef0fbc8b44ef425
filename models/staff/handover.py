"""Move work between queues: a whole queue to a colleague, one task to a named officer, tasks left by a conflict."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.calendar import day_in_china
from models.core.refusal import Refusal
from models.people.user import find_by_id_number
from models.staff import conflict_of_interest
from models.staff.directory import (
    NoSuchStaff,
    OnYourself,
    WrongSeatState,
    assignable_roles,
    find_member,
    is_below,
    is_colleague,
    seat_of,
    seat_state,
)
from models.staff.member import Staff, notify_staff
from models.staff.number_search import DECLARED, demand_may_type, record_typed
from models.staff.task import Matter, Task, assign_holder, assign_to, conflict_in, find_task, record_on_task, recuse
from models.staff.turn import HasConflict, OutsideRegion, demand_identified, may_hold


class NotAColleague(Refusal):
    """The named officer has another role, or a seat in another township or county; a fund holder another charity."""

    code = "not_a_colleague"


class NothingToHandOver(Refusal):
    code = "nothing_to_hand_over"
    final = True


class NothingToAssign(Refusal):
    """The thing has no open task."""

    code = "nothing_to_assign"


class NotYoursToAssign(Refusal):
    """The task is with a role (``holder``) that is not below the officer's, whose tasks the officer does not assign."""

    code = "not_yours_to_assign"


class WrongSeat(Refusal):
    """The named officer's role does not do this step, or their region is another (``why``: role, place)."""

    code = "wrong_seat"


class AssigneeHasConflict(Refusal):
    """The named officer has a conflict of interest; the refusal does not say which."""

    code = "assignee_has_conflict"


def demand_colleague(db: Session, staff: Staff, work_no: str, now: datetime) -> Staff:
    """Find the colleague to whom a queue may go. Raises NoSuchStaff, OnYourself, NotAColleague or WrongSeatState."""
    to = find_member(db, work_no)
    if to is None:
        raise NoSuchStaff(work_no=work_no)
    if to.id == staff.id:
        raise OnYourself(work_no=to.work_no)
    if to.role != staff.role or not is_colleague(staff, to):
        raise NotAColleague(work_no=to.work_no, role=staff.role)
    return _at_work(to, now)


def queue_of(db: Session, staff: Staff, *, lock: bool = False) -> Sequence[Task]:
    """List the officer's own queue, by due date. ``lock``: lock the tasks."""
    mine = select(Task).where(Task.assignee == staff.id, Task.closed_at.is_(None)).order_by(Task.due_at, Task.id)
    return db.scalars(mine.with_for_update() if lock else mine).all()


def hand_over(db: Session, staff: Staff, work_no: str, now: datetime) -> tuple[int, int]:
    """Hand the whole queue to a colleague; tasks in which the colleague has a conflict find other holders.

    Returns how many went to the colleague and how many elsewhere. Raises as ``demand_colleague``, and
    NothingToHandOver.
    """
    to = demand_colleague(db, staff, work_no, now)
    tasks = queue_of(db, staff, lock=True)
    if not tasks:
        raise NothingToHandOver(work_no=to.work_no)
    elsewhere = 0
    for task in tasks:
        reason = conflict_in(db, to, task)
        if reason:
            recuse(db, task, to, reason, now)
            record_on_task(db, task, "released", staff.work_no, now)
            assign_holder(db, task, now, besides=staff.id)
            elsewhere += 1
        else:
            assign_to(db, task, to, staff.actor.name, now)
    given = len(tasks) - elsewhere
    if given:
        key = f"handed_over:{tasks[0].id}:{now.timestamp()}"
        notify_staff(db, to, "handed_over", {"work_no": staff.work_no, "count": given}, key, now, ("staff", to.id))
    return given, elsewhere


def find_assignable(db: Session, by: Staff, matter: Matter) -> Task:
    """Find the open task of a thing whose row the caller has locked, as for a decision on it.

    Raises OutsideRegion, NothingToAssign, NotYoursToAssign, NotIdentified or HasConflict.
    """
    if not by.covers(matter.region_code):
        raise OutsideRegion(subject=matter.subject, number=matter.number, region=seat_of(db, by))
    task = find_task(db, matter.subject, matter.number)
    if task is None:
        raise NothingToAssign(subject=matter.subject, number=matter.number)
    if task.role != by.role and not is_below(by.role, task.role):
        raise NotYoursToAssign(subject=matter.subject, number=matter.number, holder=task.role)
    demand_identified(by)
    if reason := conflict_in(db, by, task):
        raise HasConflict(subject=matter.subject, number=matter.number, reason=reason)
    return task


def assign(db: Session, by: Staff, matter: Matter, work_no: str, now: datetime) -> Task:
    """Assign a thing of the region to a named officer; the new and the former holder are notified.

    Raises as ``find_assignable``, and NoSuchStaff, WrongSeatState, WrongSeat or AssigneeHasConflict.
    """
    return assign_task(db, by, find_assignable(db, by, matter), work_no, now)


def assign_task(db: Session, by: Staff, task: Task, work_no: str, now: datetime) -> Task:
    """Assign the task to this work number. Raises NoSuchStaff, WrongSeatState, WrongSeat or AssigneeHasConflict."""
    to = find_member(db, work_no)
    if to is None:
        raise NoSuchStaff(work_no=work_no)
    _at_work(to, now)
    if to.role not in assignable_roles(by, task):
        raise WrongSeat(work_no=to.work_no, subject=task.subject, number=task.subject_id, why="role")
    if not may_hold(to, task):
        raise WrongSeat(work_no=to.work_no, subject=task.subject, number=task.subject_id, why="place")
    reason = conflict_in(db, to, task)
    if reason:
        raise AssigneeHasConflict(subject=task.subject, number=task.subject_id, work_no=to.work_no)
    before = db.get(Staff, task.assignee) if task.assignee else None
    if before is None or before.id != to.id:
        assign_to(db, task, to, by.actor.name, now)
        for person in [each for each in (before, to) if each and each.id != by.id]:
            facts = {
                "subject": task.subject,
                "number": task.subject_id,
                "yours": person is to,
                "due": day_in_china(task.due_at),
            }
            key = f"task_assigned:{task.id}:{now.timestamp()}"
            notify_staff(db, person, "task_assigned", facts, key, now, (task.subject, task.subject_id))
    return task


def declare_conflict(db: Session, staff: Staff, kind: str, id_number: str, now: datetime) -> int:
    """Keep the conflict and recuse the officer from the household's open tasks. Returns how many left their queue.

    Whoever has the ID number finds it in 谁看过我. Raises TooManyNumbersTyped.
    """
    demand_may_type(db, staff, now)
    record_typed(db, staff, find_by_id_number(db, id_number), DECLARED, now)
    households = conflict_of_interest.record_conflict(db, staff, kind, id_number, now)
    return sum(leave_household(db, staff, household, kind, now) for household in households)


def leave_household(db: Session, staff: Staff, household_id: int, reason: str, now: datetime) -> int:
    """Recuse the officer from the household's open tasks. Returns how many left their queue."""
    left = 0
    open_ones = (Task.household_id == household_id) & Task.closed_at.is_(None)
    for task in db.scalars(select(Task).where(open_ones).order_by(Task.due_at, Task.id).with_for_update()):
        left += task.assignee == staff.id
        recuse(db, task, staff, reason, now)
    return left


def _at_work(staff: Staff, now: datetime) -> Staff:
    if seat_state(staff, now) != "active":
        raise WrongSeatState(work_no=staff.work_no, state=seat_state(staff, now), wanted="active")
    return staff
