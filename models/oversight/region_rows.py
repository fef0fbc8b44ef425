"""Count a township or a village from its rows, of which there are few, and recount what is kept of wider regions."""

# ruff: noqa: S608 - only constants of ours are put into the statements

from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, cast, func, select, text, true
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.calendar import CHINA
from models.figures.fold import AREAS
from models.giving.pledge import Pledge
from models.oversight.region_counts import Counts, last_year
from models.people.user import Household
from models.places.region import inside
from models.staff.decision import Decision
from models.verification.case import Verification

_DAY_SECONDS = 86_400


def count_rows(db: Session, region_code: str, now: datetime) -> Counts:
    """Count a region and all below it; every query uses an index that begins with the region."""
    since = datetime.combine(last_year(now), time(), CHINA).astimezone(UTC)
    case, verdict = Verification, Decision
    of_cases = inside(case.region_code, region_code)
    of_appeals = inside(Appeal.region_code, region_code)
    took = cast(func.ceil(func.extract("epoch", case.decided_at - case.submitted_at) / _DAY_SECONDS), Integer)
    decided = select(took, func.count()).where(of_cases, case.decided_at >= since).group_by(took)
    overturned = inside(verdict.region_code, region_code) & (verdict.at >= since) & verdict.overturned_by.is_not(None)
    states = select(Appeal.state, func.count()).where(of_appeals).group_by(Appeal.state)
    return Counts(
        households=_count(db, inside(Household.region_code, region_code)),
        verified=_count(db, of_cases & (case.state == "verified")),
        decided=_pairs(db, decided),
        overturned=_count(db, overturned),
        appeals=_pairs(db, states),
        gifts=_gifts(db, region_code),
    )


def _pairs(db: Session, counted: Any) -> dict[Any, int]:
    return {row[0]: row[1] for row in db.execute(counted)}


def _count(db: Session, condition: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count()).where(condition)) or 0


def _gifts(db: Session, region_code: str) -> dict[tuple[bool, str], tuple[int, int]]:
    """Sum the gifts per appeal, since the index on pledges begins with the appeal."""
    given = (Pledge.by_staff, Pledge.state, func.count().label("count"), func.sum(Pledge.amount_fen).label("fen"))
    theirs = select(*given).where(Pledge.appeal_id == Appeal.id).group_by(Pledge.by_staff, Pledge.state)
    # LATERAL, or PostgreSQL reads every pledge of the country once it estimates the region as large.
    each = theirs.correlate(Appeal).lateral("each")
    sums = select(each.c.by_staff, each.c.state, func.sum(each.c.count), func.sum(each.c.fen)).select_from(Appeal)
    rows = db.execute(
        sums.join(each, true()).where(inside(Appeal.region_code, region_code)).group_by(each.c.by_staff, each.c.state)
    )
    return {(by_staff, state): (int(count), int(fen)) for by_staff, state, count, fen in rows}


_MONTH = "date_trunc('month', {} AT TIME ZONE 'UTC' + interval '8 hours')::date"
# Every row that counts, in the county of today. The triggers count the same (migration 0074).
_ROWS = f"""
    SELECT region_code, 'households' AS what, date '1970-01-01' AS month, 0 AS took, 1 AS amount, 0 AS fen
    FROM households
    UNION ALL
    SELECT region_code, 'verified', date '1970-01-01', 0, 1, 0 FROM verifications WHERE state = 'verified'
    UNION ALL
    SELECT region_code, 'decided', {_MONTH.format("decided_at")},
        ceil(extract(epoch FROM decided_at - submitted_at) / {_DAY_SECONDS})::int, 1, 0
    FROM verifications WHERE decided_at IS NOT NULL
    UNION ALL
    SELECT region_code, 'overturned', {_MONTH.format("at")}, 0, 1, 0 FROM decisions WHERE overturned_by IS NOT NULL
    UNION ALL
    SELECT region_code, 'appeal:' || state, date '1970-01-01', 0, 1, 0 FROM appeals
    UNION ALL
    SELECT appeals.region_code, CASE WHEN by_staff THEN 'staff_gift:' ELSE 'gift:' END || pledges.state,
        date '1970-01-01', 0, 1, amount_fen
    FROM pledges JOIN appeals ON appeals.id = pledges.appeal_id
"""
_RIGHT = f"""
    SELECT left(region_code, 6) || '000000' AS region_code, month, what, took, sum(amount) AS amount, sum(fen) AS fen
    FROM ({_ROWS}) AS each GROUP BY 1, 2, 3, 4
"""
_KEYS = "region_code, month, what, took"
_KEPT = f"""
    SELECT {_KEYS}, sum(amount) AS amount, sum(fen) AS fen FROM (
        SELECT {_KEYS}, amount, fen FROM region_counts WHERE level = 3
        UNION ALL SELECT {_KEYS}, amount, fen FROM region_deltas
    ) AS every GROUP BY {_KEYS}
"""
_LESS = ", ".join(f"coalesce(wanted.{name}, 0) - coalesce(kept.{name}, 0)" for name in ("amount", "fen"))
_DIFFER = "(coalesce(wanted.amount, 0), coalesce(wanted.fen, 0)) <> (coalesce(kept.amount, 0), coalesce(kept.fen, 0))"
# What differs is added as a difference, in the one statement that saw both: who counts or folds meanwhile adds as well.
_REPAIR = text(f"""
    INSERT INTO region_deltas ({_KEYS}, amount, fen)
    SELECT {_KEYS}, {_LESS} FROM ({_RIGHT}) AS wanted FULL JOIN ({_KEPT}) AS kept USING ({_KEYS}) WHERE {_DIFFER}
""")
_ABOVE = f"""
    SELECT areas.level, area AS region_code, month, what, took, sum(amount) AS amount, sum(fen) AS fen
    FROM (SELECT {_KEYS}, amount, fen FROM region_counts WHERE level = 3) AS delta
    CROSS JOIN LATERAL ({AREAS}) AS areas WHERE areas.level < 3 GROUP BY areas.level, area, month, what, took
"""
_REPAIR_ABOVE = text(f"""
    INSERT INTO region_counts AS stands (level, {_KEYS}, amount, fen)
    SELECT level, {_KEYS}, {_LESS}
    FROM ({_ABOVE}) AS wanted FULL JOIN (SELECT * FROM region_counts WHERE level < 3) AS kept USING (level, {_KEYS})
    WHERE {_DIFFER}
    ON CONFLICT (level, {_KEYS}) DO UPDATE SET amount = stands.amount + excluded.amount, fen = stands.fen + excluded.fen
""")


def recount_regions(connection: Connection) -> int:
    """Recount the counties from the rows, and what stands above them from the counties; put right what differs.

    Returns how many counts were wrong.
    """
    return connection.execute(_REPAIR).rowcount + connection.execute(_REPAIR_ABOVE).rowcount
