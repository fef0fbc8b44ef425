"""Find the fund holders of a charity, and the bank account that its money is in: people come and go, it stays."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.places.region import Region
from models.staff.member import Staff, nearest_first, seats_for, serving


def holder_of(staff: Staff) -> int:
    """Return the number under which the ledger knows the bank account of the fund holder's charity.

    Of the first charity (0) it is the region of the seat, as it was before there were several.
    """
    return staff.charity_id or int(staff.region_code)


def holder_for(db: Session, region_code: str, charity_id: int | None, now: datetime) -> Staff | None:
    """Choose the active fund holder of the charity nearest to the place; None where there is none."""
    there = _in_office(now) & seats_for(region_code, "fund_holder", charity_id)
    return db.scalar(select(Staff).where(there).order_by(*nearest_first(region_code, "fund_holder"), Staff.id).limit(1))


def region_for_placeless(db: Session, charity_id: int | None, now: datetime) -> str:
    """Choose who handles what a charity has and what belongs to no place: suspense items and discrepancies of bills.

    ``charity_id``: None where it is no charity's. Returns the region of its fund holder who has served longest; where
    there is none, the country's first region.
    """
    own = _in_office(now) & (Staff.charity_id == charity_id)
    longest = select(Staff.region_code).where(own).order_by(Staff.active_from, Staff.id).limit(1)
    found = db.scalar(longest)
    return found or db.scalars(select(Region.code).order_by(Region.code).limit(1)).one()


def _in_office(now: datetime) -> ColumnElement[bool]:
    return (Staff.role == "fund_holder") & serving(now)


def fund_holders_of(db: Session, charity_id: int, now: datetime) -> Sequence[Staff]:
    """List the charity's active fund holders by work number."""
    own = _in_office(now) & (Staff.charity_id == charity_id)
    return db.scalars(select(Staff).where(own).order_by(Staff.work_no)).all()
