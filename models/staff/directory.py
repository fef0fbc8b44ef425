"""Find staff: those below a seat, colleagues, and candidates for a task; with the refusals for naming one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.refusal import Refusal
from models.places.region import Region
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff, all_seats_of, covered_by, find_staff, seats_for, serving
from models.staff.recusal import recused_staff
from models.staff.task import Task
from models.staff.task_steps import STEPS, roles_at

# Role -> the roles that it invites, suspends and lists.
BELOW: Mapping[str, tuple[str, ...]] = {
    "township": ("village", "keeper"),
    "county": ("township", "village", "fund_holder", "keeper"),
}

# How many events of the audit trail are searched for the suspension.
_MOST_EVENTS = 20
# Role -> how many digits of the region's code colleagues share: village officers the township's, others the county's.
# Fund holders are colleagues of one charity, wherever their seats are.
_SHARED_DIGITS = {"village": 9, "township": 6, "county": 6, "keeper": 9}


class NoSuchStaff(Refusal):
    code = "no_such_staff"


class OnYourself(Refusal):
    """The officer named themselves: nobody appoints, suspends or hands over to themselves."""

    code = "on_yourself"


class NotBelowYou(Refusal):
    """The named officer is of the same level or above, or outside ``region``."""

    code = "not_below_you"


class NotOnTheStaff(Refusal):
    """The person has no active seat of a role that may do this, or has one no more."""

    code = "not_on_the_staff"
    final = True


class StoppedAbove(Refusal):
    """A higher level suspended or revoked this person; only that level or one above it may reinstate them.

    ``own``: the reader is this person.
    """

    code = "stopped_above"


class WrongSeatState(Refusal):
    """The officer's ``state`` forbids it; it requires the state ``wanted``."""

    code = "wrong_seat_state"


@dataclass(frozen=True, slots=True)
class Member:
    """A staff member as lists show them, without the name. ``open_tasks`` counts their own queue."""

    id: int
    work_no: str
    role: str
    region_code: str
    place: str
    state: str
    until: datetime | None
    open_tasks: int


def demand_staff(db: Session, account: str, openid: str, now: datetime, roles: Sequence[str]) -> Staff:
    """Return this WeChat's active staff member. Raises NotOnTheStaff: a draft may be older than a suspension."""
    staff = find_staff(db, account, openid, now)
    if staff is None or staff.role not in roles:
        raise NotOnTheStaff
    return staff


def newest_seat(db: Session, account: str, openid: str) -> Staff | None:
    """Find the seat that this WeChat holds or held last, in whatever state."""
    theirs = select(Staff).where(Staff.openid == openid, Staff.account == account)
    return db.scalar(theirs.order_by(Staff.id.desc()).limit(1))


def is_below(above: str, role: str) -> bool:
    return role in BELOW.get(above, ())


def seat_state(staff: Staff, now: datetime) -> str:
    """Return the member's state; ``ended`` when the term is over and the sweep has not revoked the seat yet."""
    ended = staff.active_until is not None and staff.active_until <= now and staff.state != "revoked"
    return "ended" if ended else staff.state


def demand_not_stopped_above(db: Session, by: Staff, staff: Staff, *, own: bool = True) -> None:
    """Raises StoppedAbove where a level above ``by`` suspended or revoked this person, in any of their seats."""
    theirs = (AuditEvent.subject == "staff") & AuditEvent.subject_id.in_(all_seats_of(db, [staff.id]))
    moves = or_(AuditEvent.to_state.in_(("active", "suspended", "revoked")), AuditEvent.action == "appointed")
    trail = select(AuditEvent).where(theirs, moves).order_by(AuditEvent.id.desc()).limit(_MOST_EVENTS)
    for event in db.scalars(trail):
        if event.to_state not in ("suspended", "revoked"):
            return
        stopper = db.get(Staff, int(event.actor.removeprefix("staff:"))) if event.actor.startswith("staff:") else None
        if stopper and is_below(stopper.role, by.role):
            raise StoppedAbove(work_no=staff.work_no, own=own)


def seat_of(db: Session, staff: Staff) -> str:
    """Return the full name of the member's region."""
    return db.get_one(Region, staff.region_code).full_name


def find_member(db: Session, work_no: str, *, lock: bool = False) -> Staff | None:
    """Find a member by the typed work number; small letters do too. ``lock``: lock the row."""
    wanted = select(Staff).where(Staff.work_no.in_({work_no, work_no.upper()})).order_by(Staff.id).limit(1)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return db.scalar(wanted)


def members(db: Session, by: Staff, after: tuple[str, int] | None, now: datetime, most: int) -> list[Member]:
    """List the staff below this seat, by region. ``after``: (region code, id) of the last one seen."""
    below = select(Staff, Region.full_name, _queue()).join(Region, Region.code == Staff.region_code)
    below = below.where(Staff.role.in_(BELOW.get(by.role, ())), covered_by(by, Staff.region_code))
    below = below.where(Staff.state != "revoked")
    return _page(db, below, after, now, most)


def colleagues(db: Session, staff: Staff, after: tuple[str, int] | None, now: datetime, most: int) -> list[Member]:
    """List those who can take over this officer's queue: of the same role, in the same township, county or charity."""
    peers = select(Staff, Region.full_name, _queue()).join(Region, Region.code == Staff.region_code)
    if staff.charity_id is not None:
        near = Staff.charity_id == staff.charity_id
    else:
        shared = _SHARED_DIGITS[staff.role]
        first, last = (staff.region_code[:shared].ljust(12, fill) for fill in "09")
        near = Staff.region_code.between(first, last)
    peers = peers.where(Staff.role == staff.role, near, Staff.id != staff.id)
    peers = peers.where(serving(now))
    return _page(db, peers, after, now, most)


def is_colleague(staff: Staff, other: Staff) -> bool:
    """Tell of two members of one role whether each can take over the other's queue, as ``colleagues`` lists them."""
    if staff.charity_id is not None:
        return other.charity_id == staff.charity_id
    shared = _SHARED_DIGITS[staff.role]
    return other.region_code[:shared] == staff.region_code[:shared]


def assignable_roles(by: Staff, task: Task) -> set[str]:
    """Return the roles to which this seat may assign the task: the step's own, and its own role if it may stand in."""
    return {STEPS[task.step][0]} | ({by.role} & set(roles_at(task.step)))


def candidates(db: Session, by: Staff, task: Task, now: datetime, most: int) -> list[Member]:
    """List those to whom this seat may assign the task, the shortest queue first."""
    queue = _queue()
    able = select(Staff, Region.full_name, queue).join(Region, Region.code == Staff.region_code)
    roles = assignable_roles(by, task)
    seats = ((Staff.role == role) & seats_for(task.region_code, role, task.charity_id) for role in sorted(roles))
    able = able.where(or_(*seats))
    able = able.where(serving(now))
    barred = {*conflicts_with(db, task.household_id), *recused_staff(db, task.id), task.assignee or 0}
    able = able.where(Staff.id.not_in(barred)).order_by(queue, Staff.id).limit(most)
    return [_member(staff, place, count, now) for staff, place, count in db.execute(able)]


def get_member(db: Session, by: Staff, staff_id: int, now: datetime) -> Member | None:
    """Return one member below this seat, as ``members`` lists them, even when revoked; None for any other."""
    wanted = select(Staff, Region.full_name, _queue()).join(Region, Region.code == Staff.region_code)
    found = db.execute(wanted.where(Staff.id == staff_id)).one_or_none()
    if found is None or not is_below(by.role, found[0].role) or not by.covers(found[0].region_code):
        return None
    staff, place, count = found
    return _member(staff, place, count, now)


def _page(db: Session, wanted: Any, after: tuple[str, int] | None, now: datetime, most: int) -> list[Member]:
    if after:
        code, number = after
        wanted = wanted.where(or_(Staff.region_code > code, (Staff.region_code == code) & (Staff.id > number)))
    found = db.execute(wanted.order_by(Staff.region_code, Staff.id).limit(most))
    return [_member(staff, place, count, now) for staff, place, count in found]


def _queue() -> Any:
    mine = (Task.assignee == Staff.id) & Task.closed_at.is_(None)
    return select(func.count()).where(mine).correlate(Staff).scalar_subquery()


def _member(staff: Staff, place: str, open_tasks: int, now: datetime) -> Member:
    return Member(
        id=staff.id,
        work_no=staff.work_no,
        role=staff.role,
        region_code=staff.region_code,
        place=place,
        state=seat_state(staff, now),
        until=staff.active_until,
        open_tasks=open_tasks,
    )
