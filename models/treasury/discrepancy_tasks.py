"""Keep one task for each merchant account, day and county that has open discrepancies, however many there are.

The task's subject is the first of them that is open. The account's kind says whose task it is
(models.treasury.account_kind).
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.staff.member import Staff
from models.staff.task import Task, close_task, open_task
from models.treasury.account_kind import KINDS, kind_of
from models.treasury.bill import BillDay
from models.treasury.discrepancy import Discrepancy

# A day, the six digits of a county's code, or None for an unknown order, and the merchant account.
Place = tuple[date, str | None, str]
_WAITS = (Task.subject == "discrepancy") & Task.closed_at.is_(None)


def sync_discrepancy_tasks(db: Session, now: datetime, staff: Staff | None = None) -> None:
    """Make the open tasks match the open discrepancies. Locks the days. ``staff``: the officer who just closed one."""
    first_open = _first_open(db)
    for day in sorted({day for day, *_ in first_open}):
        db.execute(select(BillDay.day).where(BillDay.day == day).order_by(BillDay.merchant).with_for_update())
    standing = _tasks(db)
    for place, task in standing.items():
        if first_open.get(place) != task.subject_id:
            close_task(db, "discrepancy", task.subject_id, now, staff)
    for place in sorted(first_open, key=lambda place: (place[0], place[1] or "", place[2])):
        before, first = standing.get(place), first_open[place]
        if before is None or before.subject_id != first:
            _, county, merchant = place
            matter, step = kind_of(db, merchant).matter(db, first, county, merchant, now)
            # A day and county that had a task before was announced then.
            open_task(db, matter, step, now, told=before is None)


def _first_open(db: Session) -> Mapping[Place, int]:
    """Return the number of the first open discrepancy of each day, county and merchant account."""
    found = _placed(Discrepancy.state == "open")
    first = select(found.c.day, found.c.county, found.c.merchant, func.min(found.c.id))
    rows = db.execute(first.group_by(found.c.day, found.c.county, found.c.merchant))
    return {(day, county, merchant): number for day, county, merchant, number in rows}


def _tasks(db: Session) -> Mapping[Place, Task]:
    found = _placed(Discrepancy.id.in_(select(Task.subject_id).where(_WAITS)))
    tasks = select(found.c.day, found.c.county, found.c.merchant, Task).join(Task, Task.subject_id == found.c.id)
    return {(day, county, merchant): task for day, county, merchant, task in db.execute(tasks.where(_WAITS))}


def _placed(condition: Any) -> Any:
    county = func.coalesce(*(kind.county() for kind in KINDS.values()))
    found = select(Discrepancy.id, Discrepancy.day, Discrepancy.merchant, county.label("county"))
    return found.where(condition).subquery()
