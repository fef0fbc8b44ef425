"""Check that an officer may do a task: it is of their place and role, and they have no conflict of interest."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.places.region import Region
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff
from models.staff.recusal import CONFLICTS
from models.staff.task import Matter, Task, conflict_in, find_task, recuse
from models.staff.task_steps import STEPS


class OutsideRegion(Refusal):
    """The thing ``number`` is not in the officer's ``region`` (its full name)."""

    code = "outside_region"


class NotYourTurn(Refusal):
    """The task is another's (``holder``: the role), or there is none (None): it is decided, or not ready yet.

    ``state``: the thing's state.
    """

    code = "not_your_turn"


class HasConflict(Refusal):
    """The officer has a conflict (``reason``): own household, kin, same payee, or a decision at another stage."""

    code = "has_conflict"


class NotIdentified(Refusal):
    """The seat ``work_no`` has no ID number, so nobody knows its holder's household: it decides nothing."""

    code = "not_identified"


def demand_region(db: Session, staff: Staff, matter: Matter) -> None:
    """Raises OutsideRegion. Unlike ``demand_task``, it ignores that a task may be handed over from another region."""
    if not staff.covers(matter.region_code):
        region = db.get_one(Region, staff.region_code).full_name
        raise OutsideRegion(subject=matter.subject, number=matter.number, region=region)


def demand_no_conflict(db: Session, staff: Staff, matter: Matter) -> None:
    """Check that the officer has no conflict with the household, or with the organisation, where no task does so.

    Raises HasConflict or NotIdentified.
    """
    demand_identified(staff)
    reason = conflicts_with(db, matter.household_id).get(staff.id)
    if reason is None:
        of_organisation = CONFLICTS["organisation"](db, matter.subject, matter.number, matter.household_id)
        reason = of_organisation.get(staff.id)
    if reason:
        raise HasConflict(subject=matter.subject, number=matter.number, reason=reason)


def demand_may_undo(db: Session, staff: Staff, matter: Matter) -> None:
    """Check as ``demand_region`` and ``demand_no_conflict`` do, for who decides whether a freeze goes on.

    It may be the task of an officer of another place, and whoever is recused from that has no part in it.
    """
    task = find_task(db, matter.subject, matter.number)
    if task is None or task.assignee != staff.id:
        demand_region(db, staff, matter)
    demand_no_conflict(db, staff, matter)
    reason = conflict_in(db, staff, task) if task else None
    if reason:
        raise HasConflict(subject=matter.subject, number=matter.number, reason=reason)


def demand_identified(staff: Staff) -> None:
    """Raises NotIdentified: before the command line asked for an ID number, it made seats without one."""
    if staff.id_hash is None:
        raise NotIdentified(work_no=staff.work_no)


def demand_task(db: Session, staff: Staff, matter: Matter, state: str) -> Task:
    """Return the open task that this officer may do. Raises OutsideRegion, NotYourTurn, NotIdentified or HasConflict.

    Every officer of the step's role, or of the role to which it was escalated, may do it if they cover the region.
    """
    if not reaches(db, staff, matter):
        raise OutsideRegion(
            subject=matter.subject, number=matter.number, region=db.get_one(Region, staff.region_code).full_name
        )
    task = find_task(db, matter.subject, matter.number)
    if task is None or not is_turn_of(staff, task):
        raise NotYourTurn(subject=matter.subject, number=matter.number, state=state, holder=task.role if task else None)
    demand_identified(staff)
    reason = conflict_in(db, staff, task)
    if reason:
        raise HasConflict(subject=matter.subject, number=matter.number, reason=reason)
    return task


def is_turn_of(staff: Staff, task: Task) -> bool:
    """Tell whether the officer's role does this step or holds it after escalation, and covers or holds the task.

    A charity's task is for its own fund holders, wherever their seats are.
    """
    if task.charity_id is not None and staff.role == "fund_holder":
        return staff.charity_id == task.charity_id
    reaches_it = staff.covers(task.region_code) or task.assignee == staff.id
    return staff.role in (task.role, STEPS[task.step][0]) and reaches_it


def may_hold(staff: Staff, task: Task) -> bool:
    """Tell whether the task may be assigned to this seat: of its charity, where it has one, or covering its place."""
    if task.charity_id is not None and staff.charity_id is not None:
        return staff.charity_id == task.charity_id
    return staff.covers(task.region_code)


def reaches(db: Session, staff: Staff, matter: Matter) -> bool:
    """Tell whether the officer covers the region, or was handed the thing's task from another region.

    A fund holder reaches what is its charity's, by the matter or by its task, and nothing of another's.
    """
    task = find_task(db, matter.subject, matter.number)
    if staff.charity_id is not None:
        whose = {matter.charity_id, task.charity_id if task else None} - {None}
        if whose:
            return whose == {staff.charity_id}
    if staff.covers(matter.region_code):
        return True
    return task is not None and task.assignee == staff.id


def recuse_if_conflicted(db: Session, staff: Staff, subject: str, number: int, now: datetime) -> str | None:
    """Recuse an officer whose turn it is but who has a conflict, and find another holder; returns the conflict."""
    task = find_task(db, subject, number)
    reason = conflict_in(db, staff, task) if task and is_turn_of(staff, task) else None
    if task and reason:
        recuse(db, task, staff, reason, now)
    return reason
