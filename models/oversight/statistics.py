"""Count a region's figures: registered and verified households, waiting cases by age, overturned decisions, gifts.

It counts no share of needs met, and compares no regions: where that was the measure, officers posted small needs
and met them themselves. Gifts by staff are counted apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models.appeals.appeal import IN_REVIEW, LIVE
from models.core.refusal import Refusal
from models.giving.pledge import counted
from models.oversight.region_counts import Counts, is_kept, read_counts
from models.oversight.region_rows import count_rows
from models.places.region import inside
from models.verification.case import UNDER_WAY, Verification

# Waiting cases are counted by age in days: up to 5, 10, 15 (the promised time), and older.
AGES = (5, 10, 15)


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
    submission to decision, of the last twelve months' decisions; None if there were none. ``completed``: appeals that
    were carried out and acquitted without an open question.
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


def count_region(db: Session, region_code: str, now: datetime) -> Statistics:
    """Count the figures of a region and all regions below it: a county's and what is wider from what is kept of it.

    What waits is counted by its index: it is as long as the officers' queue.
    """
    counts = read_counts(db, region_code, now) if is_kept(region_code) else count_rows(db, region_code, now)
    states = counts.appeals
    return Statistics(
        households=counts.households,
        verified=counts.verified,
        waiting=_waiting(db, region_code, now),
        median_days=_median(counts.decided),
        decided=sum(counts.decided.values()),
        overturned=counts.overturned,
        under_review=sum(states.get(state, 0) for state in IN_REVIEW if state != "returned"),
        returned=states.get("returned", 0),
        open=sum(states.get(state, 0) for state in LIVE),
        completed=states.get("completed", 0),
        gifts=_gifts(db, counts, by_staff=False),
        staff_gifts=_gifts(db, counts, by_staff=True),
    )


def _waiting(db: Session, region_code: str, now: datetime) -> Sequence[int]:
    aged = [(Verification.submitted_at > now - timedelta(days=days), place) for place, days in enumerate(AGES)]
    age = case(*aged, else_=len(AGES))
    waits = inside(Verification.region_code, region_code) & Verification.state.in_(UNDER_WAY)
    waiting = [0] * (len(AGES) + 1)
    for place, count in db.execute(select(age, func.count()).where(waits).group_by(age)):
        waiting[place] = count
    return waiting


def _median(decided: Mapping[int, int]) -> int | None:
    """Return the days within which half was decided: of an even number the lower of the two in the middle."""
    half = (sum(decided.values()) + 1) // 2
    passed = 0
    for days in sorted(decided):
        passed += decided[days]
        if passed >= half:
            return days
    return None


def _gifts(db: Session, counts: Counts, *, by_staff: bool) -> Gifts:
    each = [counts.gifts.get((by_staff, state), (0, 0)) for state in counted(db)]
    return Gifts(sum(count for count, _ in each), sum(fen for _, fen in each))
