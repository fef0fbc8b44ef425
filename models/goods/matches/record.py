"""Count for each household and each donor how their matches of twelve months went; nothing of it is stored.

Officers and the person read it, strangers never; it orders a round only below the need.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Interval, and_, cast, func, or_, select
from sqlalchemy.orm import Session

from models.core.base import among
from models.goods.matches.match import GOT, LASTS, Match
from models.goods.rules import GoodsRules

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Record:
    """``kept``: collected, or sent. ``late``: of these, after the reminder. ``reneged``: given up after a yes.
    ``missed``: never collected, or never sent.
    """

    kept: int = 0
    late: int = 0
    reneged: int = 0
    missed: int = 0


def _ended(state: str, by: str) -> ColumnElement[bool]:
    return (Match.state == state) & (Match.ended_by == by)


def _later(done: str, since: str, state: str) -> ColumnElement[bool]:
    """Build a condition on Match: it was done after the reminder of this state."""
    took: ColumnElement[timedelta] = getattr(Match, done) - getattr(Match, since)
    return took > cast(LASTS[state] / 2, Interval)


# A household that says no to a proposal, or does not answer one, has broken no word.
_OF_HOUSEHOLD: dict[str, ColumnElement[bool]] = {
    "kept": Match.state.in_(GOT),
    "late": Match.state.in_(GOT) & _later("collected_at", "arrived_at", "at_point"),
    "reneged": and_(
        Match.ended_by == "household",
        Match.accepted_at.is_not(None),
        or_(Match.state == "cancelled", Match.unwanted_at.is_not(None)),
    ),
    "missed": _ended("uncollected", "household") & Match.unwanted_at.is_(None),
}
# A donor's no comes after a household's yes: it counts.
_OF_DONOR: dict[str, ColumnElement[bool]] = {
    "kept": Match.sent_at.is_not(None),
    "late": _later("sent_at", "agreed_at", "donor_ok"),
    "reneged": or_(_ended("declined", "donor"), _ended("cancelled", "donor") & Match.accepted_at.is_not(None)),
    "missed": _ended("lapsed", "donor"),
}


def record_of_household(db: Session, household_id: int, now: datetime) -> Record:
    return _count(db, Match.household_id == household_id, _OF_HOUSEHOLD, now)


def record_of_donor(db: Session, user_id: int, now: datetime) -> Record:
    return _count(db, Match.donor_id == user_id, _OF_DONOR, now)


def collected(db: Session, households: Collection[int], now: datetime) -> dict[int, int]:
    """Map each household to how often it collected something in twelve months; 0 is left out.

    What was found to be handed to nobody is none.
    """
    had = Match.state.in_(GOT) & (Match.collected_at > now - YEAR)
    found = select(Match.household_id, func.count().label("times")).where(among(Match.household_id, households), had)
    return {row.household_id: row.times for row in db.execute(found.group_by(Match.household_id))}


def missed(db: Session, households: Collection[int], now: datetime) -> dict[int, int]:
    """Map each household to how often it missed or gave up what was meant for it in twelve months; 0 is left out.

    Only what was its own doing counts: not what a donor, a carrier or a keeper failed in.
    """
    failed = or_(_OF_HOUSEHOLD["missed"], _OF_HOUSEHOLD["reneged"])
    theirs = among(Match.household_id, households) & (func.coalesce(Match.ended_at, Match.unwanted_at) > now - YEAR)
    found = select(Match.household_id, func.count().label("times")).where(theirs, failed).group_by(Match.household_id)
    return {row.household_id: row.times for row in db.execute(found)}


def gives_to_one(db: Session, donor_id: int, household_id: int, rules: GoodsRules, now: datetime) -> int | None:
    """Return how many of a donor's matches of twelve months this household collected, where it is nearly all of them.

    None: nothing to look at. The county is shown it: such goods may be a sale, or a favour.
    """
    of_donor = (Match.donor_id == donor_id) & Match.state.in_(GOT) & (Match.collected_at > now - YEAR)
    theirs = func.count().filter(Match.household_id == household_id)
    to_it, to_all = db.execute(select(theirs, func.count()).where(of_donor)).one()
    flagged = to_it >= rules.one_taker_parts and to_it * 100 >= to_all * rules.one_taker_of_hundred
    return to_it if flagged else None


def _count(db: Session, whose: ColumnElement[bool], rules: dict[str, ColumnElement[bool]], now: datetime) -> Record:
    counts = [func.count().filter(rule).label(name) for name, rule in rules.items()]
    return Record(**db.execute(select(*counts).where(whose, Match.proposed_at > now - YEAR)).one()._mapping)
