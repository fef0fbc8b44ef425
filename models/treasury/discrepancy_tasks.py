"""Keep one task for each merchant account, day and county that has open discrepancies, however many there are.

The task's subject is the first of them that is open. It is for the fund holders of the account's charity; those of
unknown orders go to who handles its suspense items (models.staff.fund_holder).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, literal_column, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.giving.pledge import Pledge
from models.organisations.merchant import charity_of_merchant
from models.payments.order import PayOrder
from models.staff.fund_holder import region_for_placeless
from models.staff.member import Staff
from models.staff.task import Matter, Task, close_task, open_task
from models.treasury.bill import BillDay
from models.treasury.discrepancy import Discrepancy

# A day, the six digits of a county's code, or None for an unknown order, and the merchant account.
Place = tuple[date, str | None, str]


def sync_discrepancy_tasks(db: Session, now: datetime, staff: Staff | None = None) -> None:
    """Make the open tasks match the open discrepancies. Locks the days. ``staff``: the officer who just closed one."""
    first_open = _first(db, Discrepancy.state == "open")
    for day in sorted({day for day, *_ in first_open}):
        db.execute(select(BillDay.day).where(BillDay.day == day).order_by(BillDay.merchant).with_for_update())
    standing = _tasks(db)
    for place, task in standing.items():
        if first_open.get(place) != task.subject_id:
            close_task(db, "discrepancy", task.subject_id, now, staff)
    for place in sorted(first_open, key=lambda place: (place[0], place[1] or "", place[2])):
        before, first = standing.get(place), first_open[place]
        if before is None or before.subject_id != first:
            charity = charity_of_merchant(db, place[2])
            region = f"{place[1]}000000" if place[1] else region_for_placeless(db, charity, now)
            # A day and county that had a task before was announced then.
            open_task(db, Matter("discrepancy", first, region, None, charity), "discrepancy", now, told=before is None)


def _first(db: Session, condition: Any) -> Mapping[Place, int]:
    """Return the number of the first discrepancy of each day, county and merchant account."""
    first = (
        _placed(func.min(Discrepancy.id)).where(condition).group_by(Discrepancy.day, _county(), Discrepancy.merchant)
    )
    return {(day, county, merchant): number for day, county, merchant, number in db.execute(first)}


def _tasks(db: Session) -> Mapping[Place, Task]:
    waits = (Task.subject == "discrepancy") & (Task.subject_id == Discrepancy.id) & Task.closed_at.is_(None)
    rows: Sequence[Any] = db.execute(_placed(Task).join(Task, waits)).all()
    return {(day, county, merchant): task for day, county, merchant, task in rows}


def _placed(what: Any) -> Select[Any]:
    found = select(Discrepancy.day, _county(), Discrepancy.merchant, what).select_from(Discrepancy)
    same = (PayOrder.merchant == Discrepancy.merchant) & (PayOrder.out_trade_no == Discrepancy.out_trade_no)
    found = found.outerjoin(PayOrder, same)
    return found.outerjoin(Pledge, Pledge.id == PayOrder.pledge_id).outerjoin(Appeal, Appeal.id == Pledge.appeal_id)


def _county() -> Any:
    return func.substr(Appeal.region_code, literal_column("1"), literal_column("6"))
