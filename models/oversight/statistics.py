"""Count a region's figures: registered and verified households, waiting cases by age, overturned decisions, gifts.

It counts no share of needs met, and compares no regions: where that was the measure, officers posted small needs
and met them themselves. Gifts by staff are counted apart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.appeals.appeal import IN_REVIEW, LIVE, Appeal
from models.core.refusal import Refusal
from models.giving.pledge import Pledge, counted
from models.people.user import Household
from models.places.region import inside
from models.staff.decision import Decision
from models.verification.case import UNDER_WAY, Verification

# Waiting cases are counted by age in days: up to 5, 10, 15 (the promised time), and older.
AGES = (5, 10, 15)
LOOKS_BACK = timedelta(days=365)


class RegionUnknown(Refusal):
    """No region within the officer's own has that name; ``words``: as typed, ``region``: the officer's own."""

    code = "region_unknown"


@dataclass(frozen=True, slots=True)
class Gifts:
    count: int
    fen: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """A region's figures. ``waiting``: a count for each of ``AGES``, and one for older cases. ``median_days``: from
    submission to decision, of the last year's decisions; None if there were none. ``completed``: appeals that were
    carried out and acquitted without an open question.
    """

    households: int
    verified: int
    waiting: Sequence[int]
    median_days: int | None
    decided: int
    overturned: int
    under_review: int
    returned: int
    open: int
    completed: int
    gifts: Gifts
    staff_gifts: Gifts


@dataclass(frozen=True, slots=True)
class _Cases:
    verified: int
    waiting: Sequence[int]
    decided: int


def count_region(db: Session, region_code: str, now: datetime) -> Statistics:
    """Count the figures of a region and all regions below it; every query uses an index that begins with the region."""
    appeals = _pairs(
        db.execute(
            select(Appeal.state, func.count()).where(inside(Appeal.region_code, region_code)).group_by(Appeal.state)
        )
    )
    cases = _cases(db, region_code, now)
    gifts = _gifts(db, region_code)
    return Statistics(
        households=_count(db, inside(Household.region_code, region_code), Household.id),
        verified=cases.verified,
        waiting=cases.waiting,
        median_days=_median_days(db, region_code, now, cases.decided),
        decided=cases.decided,
        overturned=_count(
            db,
            inside(Decision.region_code, region_code)
            & (Decision.at > now - LOOKS_BACK)
            & Decision.overturned_by.is_not(None),
            Decision.id,
        ),
        under_review=sum(appeals.get(state, 0) for state in IN_REVIEW if state != "returned"),
        returned=appeals.get("returned", 0),
        open=sum(appeals.get(state, 0) for state in LIVE),
        completed=appeals.get("completed", 0),
        gifts=gifts[False],
        staff_gifts=gifts[True],
    )


def _pairs(rows: Iterable[Any]) -> dict[Any, int]:
    return {row[0]: row[1] for row in rows}


def _count(db: Session, condition: ColumnElement[bool], key: InstrumentedAttribute[int]) -> int:
    return db.scalar(select(func.count(key)).where(condition)) or 0


def _cases(db: Session, region_code: str, now: datetime) -> _Cases:
    """Count the region's cases, which may be thousands, in one query."""
    aged = [(Verification.submitted_at > now - timedelta(days=days), place) for place, days in enumerate(AGES)]
    age = case(*aged, else_=len(AGES))
    lately = case((Verification.decided_at > now - LOOKS_BACK, 1), else_=0)
    rows = db.execute(
        select(Verification.state, age, lately, func.count())
        .where(inside(Verification.region_code, region_code))
        .group_by(Verification.state, age, lately)
    ).all()
    waiting = [0] * (len(AGES) + 1)
    for state, place, _, count in rows:
        waiting[place] += count if state in UNDER_WAY else 0
    return _Cases(
        verified=sum(count for state, _, _, count in rows if state == "verified"),
        waiting=waiting,
        decided=sum(count for _, _, recent, count in rows if recent),
    )


def _median_days(db: Session, region_code: str, now: datetime, decided: int) -> int | None:
    """Return the median days, rounded up, of the last year's ``decided`` decisions; None if there were none."""
    if not decided:
        return None
    took = func.extract("epoch", Verification.decided_at - Verification.submitted_at)
    of_the_year = inside(Verification.region_code, region_code) & (Verification.decided_at > now - LOOKS_BACK)
    middle = select(took).where(of_the_year).order_by(took).limit(1).offset((decided - 1) // 2)
    return int(-(-float(db.scalar(middle) or 0) // 86_400))


def _gifts(db: Session, region_code: str) -> dict[bool, Gifts]:
    """Sum the gifts, by whether staff gave them; per appeal, since the index on pledges begins with the appeal."""
    given = (Pledge.by_staff.label("by_staff"), func.count().label("count"), func.sum(Pledge.amount_fen).label("fen"))
    of_region = inside(Appeal.region_code, region_code)
    theirs = select(*given).where(Pledge.appeal_id == Appeal.id, Pledge.state.in_(counted(db)))
    theirs = theirs.group_by(Pledge.by_staff)
    # LATERAL, or PostgreSQL reads every pledge of the country once it estimates the region as large.
    each = theirs.correlate(Appeal).lateral("each")
    sums = (each.c.by_staff, func.sum(each.c.count), func.sum(each.c.fen))
    rows = db.execute(select(*sums).select_from(Appeal).join(each, true()).where(of_region).group_by(each.c.by_staff))
    gifts = {by_staff: Gifts(int(count), int(fen)) for by_staff, count, fen in rows}
    return {by_staff: gifts.get(by_staff, Gifts(0, 0)) for by_staff in (False, True)}
