"""Find the handover point for a household: the nearest open one whose keeper is no kin of it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.goods.points.point import Point
from models.places.region import county_of, inside, township_of
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff, serving


def find_point(db: Session, region_code: str, household_id: int, now: datetime) -> Point | None:
    """Return the nearest open point of the county: of the village, else of the township, else any; None without one.

    A keeper hands nothing out to their own household or kin: then the next nearest point is meant.
    """
    barred = conflicts_with(db, household_id)
    there = (
        select(Point)
        .join(Staff, Staff.id == Point.keeper_id)
        .where(Point.state == "open", serving(now), inside(Point.region_code, county_of(region_code)))
        .where(Point.keeper_id.not_in(barred))
    )
    nearest = [(Point.region_code == region_code).desc(), inside(Point.region_code, township_of(region_code)).desc()]
    return db.scalar(there.order_by(*nearest, Point.id).limit(1))
