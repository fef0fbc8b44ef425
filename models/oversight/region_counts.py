"""Keep what is counted of each county, and of all above it, so that a region of a million rows is read as fast.

Triggers of the database (migration 0074) write a delta for whatever changes a count, in its transaction and without a
lock that another waits for; the worker folds the deltas into the counts. A reader adds up both, and so is never behind.
Townships and villages are counted from their rows (models.oversight.region_rows).
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Date, SmallInteger, String, func, or_, select, text, union_all
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId
from models.core.calendar import CHINA
from models.figures.fold import AREAS
from models.places.region import inside, prefix

# The levels that are kept, by the digits of their codes: the country, provinces, cities and counties.
LEVELS = {0: 0, 2: 1, 4: 2, 6: 3}
# The month of what is counted as it is now.
NOW = date(1970, 1, 1)
_LAST_MONTHS = 12
BATCH = 5_000


class RegionDelta(Base):
    """A change of a county's count, until it is folded. The columns are those of RegionCount."""

    __tablename__ = "region_deltas"
    id: Mapped[RowId]
    region_code: Mapped[str] = mapped_column(String(12), index=True)
    month: Mapped[date] = mapped_column(Date)
    what: Mapped[str] = mapped_column(String(32))
    took: Mapped[int] = mapped_column(SmallInteger)
    amount: Mapped[int]
    fen: Mapped[int]


class RegionCount(Base):
    """How many there are in a region, and what they sum to.

    ``what``: households; verified; appeal:STATE; gift:STATE and staff_gift:STATE, with their fen; and of a ``month``
    decided, with the days that it ``took``, and overturned. Level 0 is the whole country, 3 a county.
    """

    __tablename__ = "region_counts"
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    region_code: Mapped[str] = mapped_column(String(12), primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    what: Mapped[str] = mapped_column(String(32), primary_key=True)
    took: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    amount: Mapped[int]
    fen: Mapped[int]


@dataclass(slots=True)
class Counts:
    """What is counted of a region. ``decided``: days that a decision took -> how many, of the last twelve months, as
    ``overturned``. ``appeals``: state -> how many. ``gifts``: (by staff, state) -> (how many, fen).
    """

    households: int = 0
    verified: int = 0
    decided: dict[int, int] = field(default_factory=dict)
    overturned: int = 0
    appeals: dict[str, int] = field(default_factory=dict)
    gifts: dict[tuple[bool, str], tuple[int, int]] = field(default_factory=dict)

    def add(self, what: str, took: int, amount: int, fen: int) -> None:
        kind, _, state = what.partition(":")
        match kind:
            case "households" | "verified" | "overturned":
                setattr(self, kind, amount)
            case "decided":
                self.decided[took] = amount
            case "appeal":
                self.appeals[state] = amount
            case _:
                self.gifts[kind == "staff_gift", state] = amount, fen


def last_year(now: datetime) -> date:
    """Return the first day of the last twelve months in China, of which this month is one."""
    day = now.astimezone(CHINA).date()
    at = day.year * 12 + day.month - _LAST_MONTHS
    return date(at // 12, at % 12 + 1, 1)


def is_kept(region_code: str) -> bool:
    """Tell whether the region's counts are kept."""
    return len(prefix(region_code)) in LEVELS


def read_counts(db: Session, region_code: str, now: datetime) -> Counts:
    """Read what is kept of a region (``is_kept``), in one statement."""
    since = last_year(now)
    kept, delta = RegionCount, RegionDelta
    of_region = (kept.level == LEVELS[len(prefix(region_code))]) & (kept.region_code == region_code)
    columns = (kept.what, kept.took, kept.amount, kept.fen)
    lately = or_(delta.month == NOW, delta.month >= since)
    parts = union_all(
        select(*columns).where(of_region, kept.month == NOW),
        select(*columns).where(of_region, kept.month >= since),
        select(delta.what, delta.took, delta.amount, delta.fen).where(inside(delta.region_code, region_code), lately),
    ).subquery()
    sums = select(parts.c.what, parts.c.took, func.sum(parts.c.amount), func.sum(parts.c.fen))
    counts = Counts()
    for what, took, amount, fen in db.execute(sums.group_by(parts.c.what, parts.c.took)):
        if amount:
            counts.add(what, took, int(amount), int(fen))
    return counts


# Deltas that another process folds at this moment are passed over. The counts are locked in one order by all.
_FOLD = text(f"""
    WITH delta AS (
        -- An array, because IN is answered by a scan where many were written and few are left.
        DELETE FROM region_deltas WHERE id = ANY (ARRAY (
            SELECT id FROM region_deltas ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED
        )) RETURNING region_code, month, what, took, amount, fen
    ), grown AS (
        SELECT level, area, month, what, took, sum(amount) AS amount, sum(fen) AS fen
        FROM delta CROSS JOIN LATERAL ({AREAS}) AS areas
        GROUP BY level, area, month, what, took ORDER BY level, area, month, what, took
    ), added AS (
        INSERT INTO region_counts AS kept (level, region_code, month, what, took, amount, fen)
        SELECT level, area, month, what, took, amount, fen FROM grown
        ON CONFLICT (level, region_code, month, what, took)
            DO UPDATE SET amount = kept.amount + excluded.amount, fen = kept.fen + excluded.fen
    )
    SELECT count(*) FROM delta
""")  # noqa: S608 - only constants of ours are put in


def fold_counts(db: Session, most: int = BATCH) -> int:
    """Fold the oldest deltas into the counts, up to ``most`` of them, and return how many they were."""
    return int(db.execute(_FOLD, {"most": most}).scalar_one())
