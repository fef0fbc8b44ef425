"""Find the handover point for a household: the nearest open one whose keeper is no kin of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import ARRAY, Text, bindparam, func, select
from sqlalchemy.orm import Session

from models.goods.points.point import Point
from models.places.region import county_of, township_of
from models.staff.conflict_of_interest import conflicts_of
from models.staff.member import Staff, serving

# A point by its number, and its keeper.
Kept = tuple[int, int]


def find_point(db: Session, region_code: str, household_id: int, now: datetime) -> Point | None:
    """Return the nearest open point of the county: of the village, else of the township, else any; None without one.

    A keeper hands nothing out to their own household or kin: then the next nearest point is meant.
    """
    found = find_points(db, {household_id: region_code}, now).get(household_id)
    return db.get_one(Point, found) if found else None


def find_points(db: Session, homes: Mapping[int, str], now: datetime) -> dict[int, int]:
    """Find each household's point as ``find_point`` does, in a few statements. ``homes``: household -> region's code.

    Returns household -> the point's number; a household without a point is left out.
    """
    nearest = _nearest(_open_points(db, {county_of(code) for code in homes.values()}, now))
    found: dict[int, int] = {}
    ahead = {household: _ordered(nearest, code) for household, code in homes.items()}
    against: dict[int, set[int]] = {}
    while ahead:
        # Whose kin is looked up only of keepers who come into question: at first those of the nearest points.
        choices = {household: point for household, points in ahead.items() if (point := next(points, None))}
        asked = {keeper for _, keeper in choices.values()} - against.keys()
        against |= conflicts_of(db, asked) if asked else {}
        fits = {household: point for household, (point, keeper) in choices.items() if household not in against[keeper]}
        found |= fits
        ahead = {household: ahead[household] for household in choices.keys() - fits.keys()}
    return found


def _open_points(db: Session, counties: Iterable[str], now: datetime) -> list[tuple[int, int, str]]:
    """List the open points with a serving keeper in these counties: number, keeper, region; the first opened first."""
    named = func.unnest(bindparam(None, sorted(code[:6] for code in counties), ARRAY(Text)))
    given = named.table_valued("code").render_derived(name="given")
    inside = Point.region_code.between(given.c.code + "000000", given.c.code + "999999")
    there = select(Point.id, Point.keeper_id, Point.region_code).join(given, inside)
    there = there.join(Staff, Staff.id == Point.keeper_id).where(Point.state == "open", serving(now))
    return [(number, keeper, code) for number, keeper, code in db.execute(there.order_by(Point.id))]


def _nearest(points: Iterable[tuple[int, int, str]]) -> dict[str, list[Kept]]:
    """Map the code of each village, township and county to the points in it."""
    found: dict[str, list[Kept]] = {}
    for number, keeper, code in points:
        for area in {code, township_of(code), county_of(code)}:
            found.setdefault(area, []).append((number, keeper))
    return found


def _ordered(nearest: Mapping[str, list[Kept]], code: str) -> Iterator[Kept]:
    """Yield the points for a home in this region, the nearest first."""
    passed: set[int] = set()
    for area in (code, township_of(code), county_of(code)):
        for number, keeper in nearest.get(area, ()):
            if number not in passed:
                passed.add(number)
                yield number, keeper
