"""Suspend, restore and revoke seats, and end terms; the tasks of a seat that ends find other holders at once."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.core.hooks import Hook
from models.core.state_machine import SYSTEM
from models.staff.appointment import MACHINE
from models.staff.directory import (
    NoSuchStaff,
    NotBelowYou,
    OnYourself,
    WrongSeatState,
    demand_not_stopped_above,
    find_member,
    is_below,
    seat_of,
    seat_state,
)
from models.staff.member import Staff, notify_staff
from models.staff.queue import assign_pool_tasks, release_tasks
from models.staff.task import Task
from models.staff.turn import demand_identified

# Arguments: a seat that was suspended or revoked, or whose term is over.
on_left: Hook[[Session, Staff, datetime], object] = Hook("staff.suspension.on_left")

_GONE = ("suspended", "revoked")
_BATCH = 100


def suspend(db: Session, by: Staff, work_no: str, reason: str, now: datetime) -> tuple[Staff, int]:
    """Suspend an officer until further notice and pass on their tasks. Returns the seat and how many tasks.

    Raises as ``demand_below``, or WrongSeatState; so does ``revoke``.
    """
    staff = demand_below(db, by, work_no)
    if seat_state(staff, now) != "active":
        raise WrongSeatState(work_no=staff.work_no, state=seat_state(staff, now), wanted="active")
    MACHINE.move(db, staff, "suspended", by.actor, now, reason)
    return staff, _leave(db, staff, reason, now)


def restore(db: Session, by: Staff, work_no: str, now: datetime) -> Staff:
    """Make a suspended officer active again, without their former tasks. Raises as ``suspend``, and StoppedAbove."""
    staff = demand_below(db, by, work_no)
    if seat_state(staff, now) != "suspended":
        raise WrongSeatState(work_no=staff.work_no, state=seat_state(staff, now), wanted="suspended")
    demand_not_stopped_above(db, by, staff, own=False)
    MACHINE.move(db, staff, "active", by.actor, now)
    db.flush()
    assign_pool_tasks(db, staff, now)
    _notify(db, staff, "", now)
    return staff


def revoke(db: Session, by: Staff, work_no: str, reason: str, now: datetime) -> tuple[Staff, int]:
    """End a seat for good; the person may be invited anew. Returns the seat and how many tasks went to others."""
    staff = demand_below(db, by, work_no)
    if staff.state == "revoked":
        raise WrongSeatState(work_no=staff.work_no, state="revoked", wanted="any")
    MACHINE.move(db, staff, "revoked", by.actor, now, reason)
    staff.code_hash = staff.code_expires_at = None
    return staff, _leave(db, staff, reason, now)


def end_terms(db: Session, now: datetime) -> int:
    """Revoke seats whose term is over, and invitations whose code has expired; a sweep calls it.

    Returns how many seats ended.
    """
    over = or_(Staff.active_until <= now, (Staff.state == "invited") & (Staff.code_expires_at <= now))
    found = select(Staff).where(over, Staff.state != "revoked").order_by(Staff.id).limit(_BATCH)
    ended = list(db.scalars(found.with_for_update(skip_locked=True)))
    for staff in ended:
        reason = "term_over" if seat_state(staff, now) == "ended" else "not_taken_up"
        MACHINE.move(db, staff, "revoked", SYSTEM, now, reason)
        staff.code_hash = staff.code_expires_at = None
        _leave(db, staff, reason, now)
    return len(ended)


def release_stuck_tasks(db: Session, now: datetime) -> int:
    """Pass on tasks that were assigned to a seat while it was being suspended or revoked. Returns how many."""
    held = select(Task.id).where(Task.assignee == Staff.id, Task.closed_at.is_(None)).exists()
    stuck = select(Staff).where(Staff.state.in_(_GONE), held)
    return sum(release_tasks(db, staff, now) for staff in db.scalars(stuck.limit(_BATCH)))


def demand_below(db: Session, by: Staff, work_no: str) -> Staff:
    """Lock and return the seat of this work number. Raises NoSuchStaff, OnYourself, NotBelowYou or NotIdentified:
    whose seat is stopped may just be deciding on the household of the one who stops it."""
    staff = find_member(db, work_no, lock=True)
    if staff is None:
        raise NoSuchStaff(work_no=work_no)
    if staff.id == by.id:
        raise OnYourself(work_no=staff.work_no)
    if not is_below(by.role, staff.role) or not by.covers(staff.region_code):
        raise NotBelowYou(work_no=staff.work_no, region=seat_of(db, by))
    demand_identified(by)
    return staff


def _leave(db: Session, staff: Staff, reason: str, now: datetime) -> int:
    db.flush()
    _notify(db, staff, reason, now)
    on_left(db, staff, now)
    return release_tasks(db, staff, now)


def _notify(db: Session, staff: Staff, reason: str, now: datetime) -> None:
    facts = {"work_no": staff.work_no, "state": staff.state, "reason": reason}
    notify_staff(
        db, staff, "staff_moved", facts, f"staff_moved:{staff.state}:{now.timestamp()}", now, ("staff", staff.id)
    )
