"""When a region ends: what is still going on there goes over to the region that it went into.

What is over (decisions, closed tasks, completed appeals) stays where it was. Each region goes over in a transaction
of its own, with its officers, so that at no moment anybody's case is out of their sight. Moving a place is no move
of a state: the machines have no part in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, or_, select, true, update
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.people.user import Household, User
from models.places.region import Region, level_of, living
from models.staff.member import SEATS, STAFF_ROLES, Staff
from models.staff.task import Task, find_holder, note
from models.subjects import SUBJECTS
from models.support.ticket import LASTS, Ticket

# Codes that are looked through at once, and rows that change hands in one statement.
_WINDOW = 5_000
_BATCH = 1_000


@dataclass
class Moved:
    """``rows``: table -> how many; ``left``: work numbers of seats that the new region's level does not have."""

    rows: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def move_to_successors(database: Engine, now: datetime) -> Moved:
    """Everything that goes on in a region that has ended; again finds what came there meanwhile, and else nothing."""
    moved = Moved()
    for old, tables in _inhabited(database, now):
        with database.begin() as connection, Session(connection) as db:
            region = db.get_one(Region, old)
            new = living(db, [region]).get(old)
            if new is None or new is region:
                continue
            for table, count in _move(db, tables, old, new.code, now).items():
                moved.rows[table] = moved.rows.get(table, 0) + count
            if Staff in tables:
                seats = select(Staff.work_no).where(_goes_on(now)[Staff], Staff.region_code == old)
                moved.left += db.scalars(seats.order_by(Staff.work_no))
            db.flush()
    return moved


def _goes_on(now: datetime) -> dict[Any, ColumnElement[bool]]:
    """Table -> which of its rows are not over."""
    return {
        Household: true(),
        User: User.state != "erased",
        # Naming the roles lets the index of seats help.
        Staff: (Staff.role.in_(STAFF_ROLES)) & (Staff.state != "revoked"),
        Task: Task.closed_at.is_(None),
        # Who calls again within this time comes back to the same officers.
        Ticket: or_(Ticket.state == "open", Ticket.closed_at > now - LASTS),
        **{
            subject.table: subject.table.state.in_(subject.machine.sources)
            for subject in SUBJECTS.values()
            if subject.machine and subject.place is not None
        },
    }


def _inhabited(database: Engine, now: datetime) -> Iterator[tuple[str, list[Any]]]:
    """Codes of regions that have ended and gone into another, with the tables in which something still goes on."""
    last = ""
    while True:
        page = select(Region.code, Region.successor).where(Region.code > last).order_by(Region.code).limit(_WINDOW)
        with database.connect() as connection:
            rows = connection.execute(page).all()
            ended = [row.code for row in rows if row.successor]
            found: dict[str, list[Any]] = {}
            for table, goes_on in _goes_on(now).items() if ended else ():
                there = select(table.region_code).where(goes_on, table.region_code.in_(ended)).distinct()
                for code in connection.scalars(there):
                    found.setdefault(code, []).append(table)
        if not rows:
            return
        last = rows[-1].code
        yield from ((code, found[code]) for code in sorted(found))


def _move(db: Session, tables: Sequence[Any], old: str, new: str, now: datetime) -> dict[str, int]:
    """Table -> how many rows went from the one code to the other, with an audit event for each table."""
    moved: dict[Any, list[int]] = {Staff: [], Task: []}
    goes_on = _goes_on(now)
    for table in tables:
        here = goes_on[table] & (table.region_code == old)
        if table is Staff:
            here &= Staff.role.in_([role for role, levels in SEATS.items() if level_of(new) in levels])
        moved[table] = _move_rows(db, table, here, new)
    _find_holders(db, moved[Task], moved[Staff], now)
    counts = {table.__tablename__: len(ids) for table, ids in moved.items() if ids}
    for name, count in counts.items():
        detail = f"{name}:{count}"
        record(db, at=now, actor="system", action="region_moved", subject="region", subject_id=int(new), detail=detail)
    return counts


def _move_rows(db: Session, table: Any, here: ColumnElement[bool], new: str) -> list[int]:
    moved: list[int] = []
    while ids := db.scalars(select(table.id).where(here).limit(_BATCH)).all():
        changed = update(table).where(table.id.in_(ids)).values(region_code=new)
        db.execute(changed, execution_options={"synchronize_session": False})
        moved += ids
    return moved


def _find_holders(db: Session, tasks: Sequence[int], seats: Sequence[int], now: datetime) -> None:
    """A task that was moved, or whose holder was, may now be out of its holder's region, or have nobody: it finds one.

    Wider regions go over first, so whoever held it from above has gone already.
    """
    moved = [Task.id.in_(tasks[start : start + _BATCH]) for start in range(0, len(tasks), _BATCH)]
    held = [Task.assignee.in_(seats[start : start + _BATCH]) for start in range(0, len(seats), _BATCH)]
    for which in (*moved, *held):
        for task in db.scalars(select(Task).where(Task.closed_at.is_(None), which).order_by(Task.id)).all():
            holder = db.get_one(Staff, task.assignee) if task.assignee else None
            if holder and not holder.covers(task.region_code):
                note(db, task, "released", holder.work_no, now)
            if holder is None or not holder.covers(task.region_code):
                find_holder(db, task, now)
