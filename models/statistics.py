"""What a region's figures are: who is registered and verified, who waits and how long, what was overturned.

No share of needs that were met is counted, and no region is compared with another: where that was the measure,
officers posted small needs and met them themselves. What staff gave is told apart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.appeal import LIVE, REVIEWED, Appeal
from models.decision import Decision
from models.errors import Refusal
from models.pledge import COUNTED, Pledge
from models.region import prefix
from models.user import Household
from models.verification import UNDER_WAY, Verification

# Cases that wait are counted by their age in days: up to the first, up to the second …, and beyond the promise.
AGES = (5, 10, 15)
LOOKS_BACK = timedelta(days=365)


class RegionUnknown(Refusal):
    """No region of one's own is called like that; ``words``: what was typed, ``region``: one's own."""

    code = "region_unknown"


@dataclass(frozen=True, slots=True)
class Gifts:
    count: int
    fen: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """``waiting``: a number for each of ``AGES`` and one for what is older. ``median_days`` of a year's decisions.

    ``completed``: appeals that were carried out and accounted for without an open question.
    """

    households: int
    verified: int
    waiting: Sequence[int]
    median_days: int | None
    decided: int
    overturned: int
    under_review: int
    open: int
    completed: int
    gifts: Gifts
    staff_gifts: Gifts


def count_region(db: Session, region_code: str, now: datetime) -> Statistics:
    """Of a region and all below it; by indexes that begin with the region."""
    appeals = _pairs(
        db.execute(
            select(Appeal.state, func.count()).where(_inside(Appeal.region_code, region_code)).group_by(Appeal.state)
        )
    )
    median, decided = _median_days(db, region_code, now)
    gifts = _gifts(db, region_code)
    return Statistics(
        households=_count(db, _inside(Household.region_code, region_code), Household.id),
        verified=_count(
            db, _inside(Verification.region_code, region_code) & (Verification.state == "verified"), Verification.id
        ),
        waiting=_waiting(db, region_code, now),
        median_days=median,
        decided=decided,
        overturned=_count(
            db,
            _inside(Decision.region_code, region_code)
            & (Decision.at > now - LOOKS_BACK)
            & Decision.overturned_by.is_not(None),
            Decision.id,
        ),
        under_review=sum(appeals.get(state, 0) for state in REVIEWED),
        open=sum(appeals.get(state, 0) for state in LIVE),
        completed=appeals.get("completed", 0),
        gifts=gifts[False],
        staff_gifts=gifts[True],
    )


def _pairs(rows: Iterable[Any]) -> dict[Any, int]:
    return {row[0]: row[1] for row in rows}


def _inside(column: InstrumentedAttribute[Any], region_code: str) -> ColumnElement[bool]:
    area = prefix(region_code)
    return column.between(area.ljust(12, "0"), area.ljust(12, "9"))


def _count(db: Session, condition: ColumnElement[bool], key: InstrumentedAttribute[int]) -> int:
    return db.scalar(select(func.count(key)).where(condition)) or 0


def _waiting(db: Session, region_code: str, now: datetime) -> list[int]:
    older_than = [now - timedelta(days=days) for days in AGES]
    bucket = case(
        *((Verification.submitted_at > moment, place) for place, moment in enumerate(older_than)), else_=len(AGES)
    )
    found = _pairs(
        db.execute(
            select(bucket, func.count())
            .where(_inside(Verification.region_code, region_code), Verification.state.in_(UNDER_WAY))
            .group_by(bucket)
        )
    )
    return [found.get(place, 0) for place in range(len(AGES) + 1)]


def _median_days(db: Session, region_code: str, now: datetime) -> tuple[int | None, int]:
    """The middle one of a year's decisions, in whole days begun, and how many decisions there were."""
    of_the_year = _inside(Verification.region_code, region_code) & (Verification.decided_at > now - LOOKS_BACK)
    count = _count(db, of_the_year, Verification.id)
    if not count:
        return None, 0
    if db.get_bind().dialect.name == "postgresql":
        took: ColumnElement[Any] = func.extract("epoch", Verification.decided_at - Verification.submitted_at)
    else:
        took = (func.julianday(Verification.decided_at) - func.julianday(Verification.submitted_at)) * 86_400
    middle = select(took).where(of_the_year).order_by(took).limit(1).offset((count - 1) // 2)
    seconds = float(db.scalar(middle) or 0)
    return int(-(-seconds // 86_400)), count


def _gifts(db: Session, region_code: str) -> dict[bool, Gifts]:
    """By staff or not. Summed appeal by appeal, for that is what the index on pledges begins with."""

    def of_appeal(figure: ColumnElement[Any], by_staff: bool) -> ColumnElement[Any]:
        theirs = (Pledge.appeal_id == Appeal.id) & Pledge.state.in_(COUNTED) & (Pledge.by_staff == by_staff)
        return func.sum(select(figure).where(theirs).correlate(Appeal).scalar_subquery())

    count, fen = func.count(), func.coalesce(func.sum(Pledge.amount_fen), 0)
    columns = [of_appeal(figure, by_staff) for by_staff in (False, True) for figure in (count, fen)]
    row = db.execute(select(*columns).where(_inside(Appeal.region_code, region_code))).one()
    sums = [int(value or 0) for value in row]
    return {False: Gifts(*sums[:2]), True: Gifts(*sums[2:])}
