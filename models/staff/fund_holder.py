"""The merchant's account is one, and belongs to no place: where what nobody can place waits for somebody."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.places.region import Region
from models.staff.member import Staff


def home(db: Session, now: datetime) -> str:
    """The region of the fund holder who has been here longest; where there is none, the first of the country."""
    there = (Staff.role == "fund_holder") & (Staff.state == "active") & (Staff.active_from <= now)
    there &= or_(Staff.active_until.is_(None), Staff.active_until > now)
    found = db.scalar(select(Staff.region_code).where(there).order_by(Staff.active_from, Staff.id).limit(1))
    return found or db.scalars(select(Region.code).order_by(Region.code).limit(1)).one()
