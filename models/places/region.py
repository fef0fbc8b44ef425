"""Keep the tree of regions, and find a place in it by the words that a person typed.

Codes are the statistics bureau's twelve digits, 2-2-2-3-3 from province to
village. Rows are dated, with successors, because villages merge.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, ForeignKey, Index, SmallInteger, String, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from models.core.base import Base

LEVELS = ("province", "city", "county", "township", "village")
_WIDTHS = (2, 4, 6, 9, 12)
# The whole country is a region as well; it has no row.
COUNTRY = "000000000000"
_LONGEST_NAME = 15
_LONGEST_TEXT = 60


class Region(Base):
    """``short`` is the name in everyday speech; ``full_name`` lists the names from the province down.

    The region exists until ``valid_to``; from then on its ``successor`` stands for it. Only the command
    import-regions changes it.
    """

    __tablename__ = "regions"
    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    short: Mapped[str] = mapped_column(String(60), index=True)
    full_name: Mapped[str] = mapped_column(String(200))
    level: Mapped[int] = mapped_column(SmallInteger)
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    successor: Mapped[str | None] = mapped_column(ForeignKey("regions.code"))

    __table_args__ = (Index(None, "name"),)


def prefix(code: str) -> str:
    """Return a code without the closing zeros of its level: a county's six digits, of the whole country none."""
    if code == COUNTRY:
        return ""
    for width in _WIDTHS:
        if not code[width:].strip("0"):
            return code[:width]
    return code


def covers(area: str, code: str) -> bool:
    """Tell whether ``code`` is the area itself or below it. Both have twelve digits."""
    return code.startswith(prefix(area))


def inside(column: InstrumentedAttribute[Any], area: str) -> ColumnElement[bool]:
    """Build ``covers`` as a condition on a column of codes: a range, for which an index can be used."""
    own = prefix(area)
    return column.between(own.ljust(12, "0"), own.ljust(12, "9"))


def county_of(code: str) -> str:
    """Return the code of the county in which a region lies."""
    return f"{code[:6]}000000"


def township_of(code: str) -> str:
    """Return the code of the township in which a region lies."""
    return f"{code[:9]}000"


def find_regions(db: Session, text: str, most: int = 9, *, near: str = "") -> list[Region]:
    """Find the regions that a typed or labelled place names: several when it is ambiguous, none when it names none.

    The regions with the most named parents win, then those named in full; they are listed widest level first. A
    region that has ended is found by its old name too, provided that it has a successor (``current_regions``) and the
    words do not name the successor.

    ``near``: a code; where some of the regions lie in its county (or in it, if it is wider), only these are returned.
    """
    text = text[:_LONGEST_TEXT]
    parts = {text[i:j] for i in range(len(text)) for j in range(i + 2, min(len(text), i + _LONGEST_NAME) + 1)}
    if not parts:
        return []
    named = db.scalars(select(Region).where(or_(Region.name.in_(parts), Region.short.in_(parts)))).all()
    today = current_regions(db, named)
    places = _places(named, today)
    scores: dict[str, tuple[int, bool]] = {}
    for region in named:
        above = _above(region, today, places)
        if region.code in today and _is_named(region, above, text):
            scores[region.code] = (len(above), region.name in text)
    best = max(scores.values(), default=None)
    found = [region for region in named if region.code in scores and scores[region.code] == best]
    # Of several names of one place, take the one that fits the other places named, then today's name.
    found.sort(key=lambda region: (-_fits(region, places), region.valid_to is not None, region.code))
    first: dict[str, Region] = {}
    for region in found:
        first.setdefault(today[region.code].code, region)
    around = [region for region in first.values() if near and covers(county_of(near), today[region.code].code)]
    return sorted(around or first.values(), key=lambda region: (region.level, region.code))[:most]


def current_regions(db: Session, regions: Sequence[Region]) -> dict[str, Region]:
    """Map each code to its region of today: itself, or its last successor. One that ended without is left out."""
    known = {region.code: region for region in regions}
    wanted = {region.successor for region in regions if region.successor} - known.keys()
    while wanted:
        more = db.scalars(select(Region).where(Region.code.in_(wanted))).all()
        known |= {region.code: region for region in more}
        wanted = {region.successor for region in more if region.successor} - known.keys()
    ends = {region.code: _end(region, known) for region in regions}
    return {code: end for code, end in ends.items() if end}


def _end(region: Region | None, known: Mapping[str, Region]) -> Region | None:
    """Follow the successors to the region of today; None where there is none.

    The loader refuses circles; should there be one, the walk still ends.
    """
    for _ in range(len(known)):
        if region is None or region.valid_to is None:
            return region
        region = known.get(region.successor) if region.successor else None
    return None


def _places(named: Sequence[Region], today: Mapping[str, Region]) -> dict[str, list[Region]]:
    """Map a code to the named regions that have it, or whose successor has it: those of today last."""
    places: dict[str, list[Region]] = {}
    for region in sorted(named, key=lambda region: region.valid_to is None):
        for code in {region.code, today.get(region.code, region).code}:
            places.setdefault(code, []).append(region)
    return places


def _fits(region: Region, places: Mapping[str, list[Region]]) -> int:
    """Count the regions above this one that are named by a name of the same code."""
    return sum(any(wider.code == code for wider in places.get(code, ())) for code in parents(region.code))


def _above(region: Region, today: Mapping[str, Region], places: Mapping[str, list[Region]]) -> list[Region]:
    """Find the named regions above this one or above its successor; each once, even when named twice."""
    codes = [code for each in (region, today.get(region.code, region)) for code in parents(each.code)]
    found = [wider for code in codes for wider in places.get(code, ())]
    return list({today.get(wider.code, wider).code: wider for wider in found if wider is not region}.values())


def _is_named(region: Region, above: list[Region], text: str) -> bool:
    """Tell whether the words name this region itself, and not only a region above whose name contains its name."""
    for other in above:
        # 长沙县 does not name the city of 长沙市 above it.
        if other.name in text or region.name not in text or other.short not in region.name:
            text = text.replace(other.name if other.name in text else other.short, " ", 1)
    return region.short in text or region.name in text


def level_of(code: str) -> str:
    """Tell the level of a 12-digit code by its closing zeros."""
    return next(level for level, width in zip(LEVELS, _WIDTHS, strict=True) if set(code[width:]) <= {"0"})


def parents(code: str) -> Iterable[str]:
    """Return the codes above this one, from the province down."""
    own = prefix(code)
    return (code[:width].ljust(12, "0") for width in _WIDTHS if width < len(own))
