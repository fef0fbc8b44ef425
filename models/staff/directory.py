"""The staff below a seat: who they are, where they stand, and what those above are told when they name one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.refusal import Refusal
from models.places.region import Region
from models.staff.conflict_of_interest import tied_to
from models.staff.member import Staff, find_staff, same_people, seated
from models.staff.queue import within
from models.staff.task import STEPS, Task, recused

# Role -> whom it invites, suspends and lists.
BELOW: Mapping[str, tuple[str, ...]] = {"township": ("village",), "county": ("township", "village", "fund_holder")}

# How far back it is looked for who stopped somebody.
_TRAIL = 20
# Role -> how much of the code two colleagues' seats share: a village's officers their township, the others the county.
SHARED = {"village": 9, "township": 6, "county": 6, "fund_holder": 6}


class NoSuchStaff(Refusal):
    code = "no_such_staff"


class OnYourself(Refusal):
    """Nobody appoints, stops or hands over to themselves."""

    code = "on_yourself"


class NotBelowYou(Refusal):
    """Of the same level or above, or of a place outside ``region``."""

    code = "not_below_you"


class NotOnTheStaff(Refusal):
    """Whoever began this is none of those any more who may."""

    code = "not_on_the_staff"
    final = True


class StoppedAbove(Refusal):
    """A level above stopped this person: it or one above it lets them back. ``own``: it is they who hear it."""

    code = "stopped_above"


class StaffStands(Refusal):
    """Where they stand (``state``) forbids it; it wants ``wanted``."""

    code = "staff_stands"


@dataclass(frozen=True, slots=True)
class Member:
    """One of the staff as a list shows them: never by name. ``open_tasks`` stand in their own queue."""

    id: int
    work_no: str
    role: str
    region_code: str
    place: str
    state: str
    until: datetime | None
    open_tasks: int


def demand_staff(db: Session, account: str, openid: str, now: datetime, roles: Sequence[str]) -> Staff:
    """The active one behind this WeChat. Raises NotOnTheStaff: a draft may be older than a suspension."""
    staff = find_staff(db, account, openid, now)
    if staff is None or staff.role not in roles:
        raise NotOnTheStaff
    return staff


def is_below(above: str, role: str) -> bool:
    return role in BELOW.get(above, ())


def stands(staff: Staff, now: datetime) -> str:
    """Their state; ``ended`` when the term is over, though the sweep has not seen it yet."""
    ended = staff.active_until is not None and staff.active_until <= now and staff.state != "revoked"
    return "ended" if ended else staff.state


def demand_level(db: Session, by: Staff, staff: Staff, *, own: bool = True) -> None:
    """May this one let them back, who were stopped from whichever seat of theirs? Raises StoppedAbove."""
    theirs = (AuditEvent.subject == "staff") & AuditEvent.subject_id.in_(same_people(db, [staff.id]))
    moves = or_(AuditEvent.to_state.in_(("active", "suspended", "revoked")), AuditEvent.action == "appointed")
    trail = select(AuditEvent).where(theirs, moves).order_by(AuditEvent.id.desc()).limit(_TRAIL)
    for event in db.scalars(trail):
        if event.to_state not in ("suspended", "revoked"):
            return
        stopper = db.get(Staff, int(event.actor.removeprefix("staff:"))) if event.actor.startswith("staff:") else None
        if stopper and is_below(stopper.role, by.role):
            raise StoppedAbove(work_no=staff.work_no, own=own)


def seat_of(db: Session, staff: Staff) -> str:
    """The full name of their place."""
    return db.get_one(Region, staff.region_code).full_name


def find_member(db: Session, work_no: str, *, lock: bool = False) -> Staff | None:
    """By the number as it was typed: capitals are not asked for."""
    wanted = select(Staff).where(Staff.work_no.in_({work_no, work_no.upper()})).order_by(Staff.id).limit(1)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return db.scalar(wanted)


def members(db: Session, by: Staff, after: tuple[str, int] | None, now: datetime, most: int) -> list[Member]:
    """Those below this seat, place by place; ``after``: (region code, id) of the last one seen."""
    below = select(Staff, Region.full_name, _queue()).join(Region, Region.code == Staff.region_code)
    below = below.where(Staff.role.in_(BELOW.get(by.role, ())), within(by, Staff.region_code))
    below = below.where(Staff.state != "revoked")
    return _page(db, below, after, now, most)


def colleagues(db: Session, staff: Staff, after: tuple[str, int] | None, now: datetime, most: int) -> list[Member]:
    """Those who can take over this one's queue: of the same role, in the same township or county."""
    shared = SHARED[staff.role]
    first, last = (staff.region_code[:shared].ljust(12, fill) for fill in "09")
    peers = select(Staff, Region.full_name, _queue()).join(Region, Region.code == Staff.region_code)
    peers = peers.where(Staff.role == staff.role, Staff.region_code.between(first, last), Staff.id != staff.id)
    peers = peers.where(Staff.state == "active", or_(Staff.active_until.is_(None), Staff.active_until > now))
    return _page(db, peers, after, now, most)


def candidates(db: Session, by: Staff, task: Task, now: datetime, most: int) -> list[Member]:
    """Those to whom this seat may give the task, the shortest queue first."""
    queue = _queue()
    able = select(Staff, Region.full_name, queue).join(Region, Region.code == Staff.region_code)
    roles = {STEPS[task.step][0], by.role}
    able = able.where(or_(*((Staff.role == role) & seated(task.region_code, role) for role in sorted(roles))))
    able = able.where(Staff.state == "active", or_(Staff.active_until.is_(None), Staff.active_until > now))
    barred = {*tied_to(db, task.household_id), *recused(db, task), task.assignee or 0}
    able = able.where(Staff.id.not_in(barred)).order_by(queue, Staff.id).limit(most)
    return [_member(staff, place, count, now) for staff, place, count in db.execute(able)]


def get_member(db: Session, by: Staff, staff_id: int, now: datetime) -> Member | None:
    """One of those whom ``members`` lists, also when revoked meanwhile."""
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
        state=stands(staff, now),
        until=staff.active_until,
        open_tasks=open_tasks,
    )
