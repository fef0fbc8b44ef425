"""Read what is published of a region: its own counts by month, and those of the regions below it.

Counts below ten are hidden, with what would give them away (models.figures.suppression): each table is made from the
one above it, from the whole country down, so that no page gives away what another hides. Money is shown in full, since
each posting stands in the public ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.figures.delta import COUNTED, FIGURES, FigureSum
from models.figures.suppression import hide_row, hide_rows
from models.figures.waiting import WAITING, FigureWaiting
from models.places.region import COUNTRY, Region, inside, parents, prefix

# The column of all months together.
ALL = "all"
# What is counted in a region itself and in none below it.
REST = "rest"
_LEVELS = {width: level for level, width in enumerate((0, 2, 4, 6, 9, 12))}

# Month (or ALL) -> amount; and the same for each region.
Row = Mapping[str, int]
Rows = Mapping[str, Row]


class FiguresRegionUnknown(Refusal):
    """No region has this code or name; ``words``: as typed."""

    code = "figures_region_unknown"


@dataclass(frozen=True, slots=True)
class Table:
    """One figure of a region and of those below it. ``hidden``, ``hidden_below``: the columns that are not shown."""

    own: Row
    hidden: set[str]
    below: Rows
    hidden_below: Mapping[str, set[str]]

    def shown(self, column: str = ALL, key: str = "") -> int | None:
        """Return the amount of the region, or of one below it (``key``); None where it is hidden."""
        row, hidden = (self.below.get(key), self.hidden_below.get(key)) if key else (self.own, self.hidden)
        if row is None:  # nothing was ever counted there: that is less than ten
            return None
        return None if hidden and column in hidden else row[column]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait in a region, and the median of the days since; both None where so few wait that it is hidden."""

    count: int | None
    days: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """What is published of a region. ``names``: the regions below that have figures, by code, and perhaps REST.

    ``waiting``: figure -> what waits in the region itself; ``as_of``: when that was counted, None before the first
    time.
    """

    code: str
    name: str | None
    above: str | None
    months: tuple[str, ...]
    tables: Mapping[str, Table]
    names: Mapping[str, str | None]
    waiting: Mapping[str, Waiting]
    as_of: datetime | None


def read_report(db: Session, code: str) -> Report:
    """Read a region's report; the caller reads in one snapshot. Raises FiguresRegionUnknown."""
    region = None if code == COUNTRY else db.get(Region, code)
    if code != COUNTRY and region is None:
        raise FiguresRegionUnknown(words=code)
    way = [COUNTRY, *(parents(code) if region else ()), *([code] if region else [])]
    whole = _sums(db, 0, COUNTRY)
    months = tuple(sorted({month for rows in whole.values() for row in rows.values() for month in row} - {ALL}))
    rows: dict[str, Row] = {figure: _filled(whole[figure].get(COUNTRY, {}), months) for figure in FIGURES}
    hidden = {figure: hide_row(rows[figure], ALL) if figure in COUNTED else set() for figure in FIGURES}
    for place in way:
        tables = _tables(db, place, months, rows, hidden)
        after = way[way.index(place) + 1] if place != code else ""
        rows = {figure: table.below.get(after, _filled({}, months)) for figure, table in tables.items()}
        # What has no row is not published there, and so hides nothing but itself.
        hidden = {figure: table.hidden_below.get(after, {*months, ALL}) for figure, table in tables.items()}
    keys = sorted({key for table in tables.values() for key in table.below}, key=lambda key: (key == REST, key))
    known = select(Region.code, Region.name).where(Region.code.in_(keys))
    found: dict[str, str | None] = {row.code: row.name for row in db.execute(known)}
    names = {key: found.get(key) for key in keys}
    above = way[-2] if len(way) > 1 else None
    waits = {figure: _waiting(db, figure, way) for figure in WAITING}
    as_of = db.scalar(select(func.max(FigureWaiting.at)))
    return Report(code, region.full_name if region else None, above, months, tables, names, waits, as_of)


def _waiting(db: Session, figure: str, way: Sequence[str]) -> Waiting:
    """Read what waits in the last region of the way; a count is hidden as the others are, from the country down."""
    found = select(FigureWaiting.region_code, FigureWaiting.amount, FigureWaiting.days)
    whole = db.execute(found.where(FigureWaiting.level == 0, FigureWaiting.figure == figure)).first()
    row, days = {ALL: whole.amount if whole else 0}, whole.days if whole else 0
    hidden = hide_row(row, ALL)
    for level, (place, after) in enumerate(pairwise(way), 1):
        there = (FigureWaiting.level == level) & inside(FigureWaiting.region_code, place)
        lines = db.execute(found.where(there, FigureWaiting.figure == figure)).all()
        below = {line.region_code: {ALL: line.amount} for line in lines}
        rest = row[ALL] - sum(each[ALL] for each in below.values())
        hides = hide_rows(hidden, below | ({REST: {ALL: rest}} if rest and below else {}), ALL)
        row, hidden = below.get(after, {ALL: 0}), hides.get(after, {ALL})
        days = next((line.days for line in lines if line.region_code == after), 0)
    return Waiting(None, None) if hidden else Waiting(row[ALL], days)


def _tables(
    db: Session, code: str, months: tuple[str, ...], rows: Rows, hidden: Mapping[str, set[str]]
) -> dict[str, Table]:
    level = _LEVELS[len(prefix(code))]
    sums = _sums(db, level + 1, code) if level < max(_LEVELS.values()) else {figure: {} for figure in FIGURES}
    tables = {}
    for figure in FIGURES:
        below = {key: _filled(row, months) for key, row in sums[figure].items()}
        rest = {column: rows[figure][column] - sum(row[column] for row in below.values()) for column in rows[figure]}
        if any(rest.values()) and below:
            below[REST] = rest
        is_secret = figure in COUNTED and bool(below)
        hides = hide_rows(hidden[figure], below, ALL) if is_secret else {key: set[str]() for key in below}
        tables[figure] = Table(rows[figure], hidden[figure] if figure in COUNTED else set(), below, hides)
    return tables


def _filled(row: Row, months: tuple[str, ...]) -> dict[str, int]:
    every = {month: row.get(month, 0) for month in months}
    return every | {ALL: sum(every.values())}


def _sums(db: Session, level: int, area: str) -> dict[str, dict[str, dict[str, int]]]:
    """Read figure -> region -> month -> amount, of the regions of a level within an area."""
    of_level = (FigureSum.level == level) & inside(FigureSum.region_code, area)
    columns = (FigureSum.figure, FigureSum.region_code, FigureSum.month, FigureSum.amount)
    found: dict[str, dict[str, dict[str, int]]] = {figure: {} for figure in FIGURES}
    for figure, region, month, amount in db.execute(select(*columns).where(of_level)):
        found[figure].setdefault(region, {})[name_of_month(month)] = amount
    return found


def version(db: Session) -> int:
    """Return a number that changes with the figures: whatever is counted is counted for the whole country as well."""
    of_all = select(FigureSum.figure, FigureSum.month, FigureSum.amount).where(FigureSum.level == 0)
    waits = select(FigureWaiting.figure, FigureWaiting.at, FigureWaiting.amount).where(FigureWaiting.level == 0)
    return hash(tuple(sorted(tuple(row) for of in (of_all, waits) for row in db.execute(of))))


def name_of_month(month: date) -> str:
    return f"{month:%Y-%m}"
