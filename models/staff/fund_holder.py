"""Find the fund holder for a region: a charity, appointed for a region, that has the money in its bank account.

A fund holder is known by that region: its people come and go, its bank account stays.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.places.region import Region
from models.staff.member import Staff, nearest_first, seats_for, serving


def holder_of(staff: Staff) -> int:
    """Return the number of the member's fund holder, as the ledger knows its bank account."""
    return int(staff.region_code)


def holder_for(db: Session, region_code: str, charity_id: int | None, now: datetime) -> Staff | None:
    """Choose the active fund holder of the charity nearest to the place; None where there is none."""
    there = _in_office(now) & seats_for(region_code, "fund_holder", charity_id)
    return db.scalar(select(Staff).where(there).order_by(*nearest_first(region_code, "fund_holder"), Staff.id).limit(1))


def region_for_placeless(db: Session, now: datetime) -> str:
    """Choose the fund holder that handles what belongs to no place: suspense items and discrepancies of bills.

    There is one merchant account for all fund holders. Returns the region of the member who has served longest; where
    there is none, the first region of the country.
    """
    longest = select(Staff.region_code).where(_in_office(now)).order_by(Staff.active_from, Staff.id).limit(1)
    found = db.scalar(longest)
    return found or db.scalars(select(Region.code).order_by(Region.code).limit(1)).one()


def _in_office(now: datetime) -> ColumnElement[bool]:
    return (Staff.role == "fund_holder") & serving(now)


def fund_holders_of(db: Session, charity_id: int, now: datetime) -> Sequence[Staff]:
    """List the charity's active fund holders by work number."""
    own = _in_office(now) & (Staff.charity_id == charity_id)
    return db.scalars(select(Staff).where(own).order_by(Staff.work_no)).all()
