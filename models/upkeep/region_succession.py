"""Move the live rows of a region that has ended to its successor.

Finished rows (decisions, closed tasks, completed appeals) stay. Each region moves in a transaction of its own,
together with its officers, so that no case is ever outside its officers' region. The move changes no state, so the
state machines take no part in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, select, true, update
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.goods.exchange import Offer
from models.organisations.charity import Charity
from models.people.user import Household, User
from models.places.region import Region, current_regions, level_of
from models.staff.member import SEATS, STAFF_ROLES, Staff
from models.staff.task import Task, assign_holder, record_on_task
from models.staff.turn import may_hold
from models.subjects import SUBJECTS
from models.support.ticket import Ticket, may_go_on

# Region codes read at once, and rows updated in one statement.
_WINDOW = 5_000
_BATCH = 1_000


@dataclass
class Moved:
    """What was moved. ``rows``: count by table; ``left``: work numbers of seats that do not exist at the new region's
    level, which stay behind."""

    rows: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def move_to_successors(database: Engine, now: datetime) -> Moved:
    """Move the live rows of every region that has ended. Safe to repeat: it moves only what came there meanwhile."""
    moved = Moved()
    for old, tables in _ended_regions(database, now):
        with database.begin() as connection, Session(connection) as db:
            region = db.get_one(Region, old)
            new = current_regions(db, [region]).get(old)
            if new is None or new is region:
                continue
            for table, count in _move(db, tables, old, new.code, now).items():
                moved.rows[table] = moved.rows.get(table, 0) + count
            if Staff in tables:
                seats = select(Staff.work_no).where(_live_rows(now)[Staff], Staff.region_code == old)
                moved.left += db.scalars(seats.order_by(Staff.work_no))
            db.flush()
    return moved


def _live_rows(now: datetime) -> dict[Any, ColumnElement[bool]]:
    """Map each table to the condition of its live rows."""
    return {
        Household: true(),
        Charity: true(),
        User: User.state != "erased",
        # With the roles named, PostgreSQL can use the index of seats.
        Staff: (Staff.role.in_(STAFF_ROLES)) & (Staff.state != "revoked"),
        Task: Task.closed_at.is_(None),
        # A person who calls again within this time reaches the same officers.
        Ticket: may_go_on(now),
        **{
            subject.table: subject.table.state.in_(subject.machine.sources)
            for subject in SUBJECTS.values()
            if subject.machine and subject.place is not None and "region_code" in subject.table.__table__.c
        },
    }


def _ended_regions(database: Engine, now: datetime) -> Iterator[tuple[str, list[Any]]]:
    """Yield the code of each ended region with a successor, with the tables that have live rows in it."""
    last = ""
    while True:
        page = select(Region.code, Region.successor).where(Region.code > last).order_by(Region.code).limit(_WINDOW)
        with database.connect() as connection:
            rows = connection.execute(page).all()
            ended = [row.code for row in rows if row.successor]
            found: dict[str, list[Any]] = {}
            for table, goes_on in _live_rows(now).items() if ended else ():
                there = select(table.region_code).where(goes_on, table.region_code.in_(ended)).distinct()
                for code in connection.scalars(there):
                    found.setdefault(code, []).append(table)
        if not rows:
            return
        last = rows[-1].code
        yield from ((code, found[code]) for code in sorted(found))


def _move(db: Session, tables: Sequence[Any], old: str, new: str, now: datetime) -> dict[str, int]:
    """Move the live rows of these tables from one code to the other, and record an audit event for each table.

    Returns the count by table."""
    moved: dict[Any, list[int]] = {Staff: [], Task: []}
    goes_on = _live_rows(now)
    for table in tables:
        here = goes_on[table] & (table.region_code == old)
        if table is Staff:
            here &= Staff.role.in_([role for role, levels in SEATS.items() if level_of(new) in levels])
        moved[table] = _move_rows(db, table, here, new)
    db.execute(update(Offer).where(Offer.goes_to == old).values(goes_to=new))
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
    """Assign a new holder to each task that was moved, or whose holder was, if it has none in its region now.

    Wider regions move first, so a holder from a level above has moved already.
    """
    moved = [Task.id.in_(tasks[start : start + _BATCH]) for start in range(0, len(tasks), _BATCH)]
    held = [Task.assignee.in_(seats[start : start + _BATCH]) for start in range(0, len(seats), _BATCH)]
    for which in (*moved, *held):
        for task in db.scalars(select(Task).where(Task.closed_at.is_(None), which).order_by(Task.id)).all():
            holder = db.get_one(Staff, task.assignee) if task.assignee else None
            stays = holder is not None and may_hold(holder, task)
            if holder and not stays:
                record_on_task(db, task, "released", holder.work_no, now)
            if not stays:
                assign_holder(db, task, now)
