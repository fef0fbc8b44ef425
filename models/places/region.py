"""The tree of regions, and finding a place in it from what somebody typed.

Codes are the statistics bureau's twelve digits, 2-2-2-3-3 from province to
village. Rows are dated, with successors, because villages merge.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import Date, ForeignKey, Index, SmallInteger, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base

LEVELS = ("province", "city", "county", "township", "village")
_WIDTHS = (2, 4, 6, 9, 12)
_LONGEST_NAME = 15
_LONGEST_TEXT = 60


class Region(Base):
    """``short`` is the name as people say it; ``full_name`` goes from the province down.

    It is there until ``valid_to``, and from then on ``successor`` is where it went. Only import-regions changes it.
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
    """The part of a code that says something: a county's six digits, a township's nine."""
    for width in _WIDTHS:
        if not code[width:].strip("0"):
            return code[:width]
    return code


def covers(area: str, code: str) -> bool:
    """Is ``code`` the area itself or below it? Codes of twelve digits."""
    return code.startswith(prefix(area))


def find_regions(db: Session, text: str, most: int = 9) -> list[Region]:
    """Regions that a typed or labelled place names; several when it could be any of them, none when it names none.

    The one more of whose parents are named too wins, then the one named in full. The widest come first. One that has
    ended is found by its old name too, as long as it went into another (``living``) that these words do not name.
    """
    text = text[:_LONGEST_TEXT]
    parts = {text[i:j] for i in range(len(text)) for j in range(i + 2, min(len(text), i + _LONGEST_NAME) + 1)}
    if not parts:
        return []
    named = db.scalars(select(Region).where(or_(Region.name.in_(parts), Region.short.in_(parts)))).all()
    today = living(db, named)
    places = _places(named, today)
    scores: dict[str, tuple[int, bool]] = {}
    for region in named:
        above = _above(region, today, places)
        if region.code in today and _is_named(region, above, text):
            scores[region.code] = (len(above), region.name in text)
    best = max(scores.values(), default=None)
    found = [region for region in named if region.code in scores and scores[region.code] == best]
    # Of one place under several names it is the one that fits the places around it, and then today's.
    found.sort(key=lambda region: (-_fits(region, places), region.valid_to is not None, region.code))
    first: dict[str, Region] = {}
    for region in found:
        first.setdefault(today[region.code].code, region)
    return sorted(first.values(), key=lambda region: (region.level, region.code))[:most]


def living(db: Session, regions: Sequence[Region]) -> dict[str, Region]:
    """Code -> what it is today: itself, or what it went into. One that ended for good is left out."""
    known = {region.code: region for region in regions}
    wanted = {region.successor for region in regions if region.successor} - known.keys()
    while wanted:
        more = db.scalars(select(Region).where(Region.code.in_(wanted))).all()
        known |= {region.code: region for region in more}
        wanted = {region.successor for region in more if region.successor} - known.keys()
    ends = {region.code: _end(region, known) for region in regions}
    return {code: end for code, end in ends.items() if end}


def _end(region: Region | None, known: Mapping[str, Region]) -> Region | None:
    """Where the chain of successors ends; the loader lets no circle in, and here none holds anybody up."""
    for _ in range(len(known)):
        if region is None or region.valid_to is None:
            return region
        region = known.get(region.successor) if region.successor else None
    return None


def _places(named: Sequence[Region], today: Mapping[str, Region]) -> dict[str, list[Region]]:
    """Code -> the named regions that have it, or had what has it now: those of today last."""
    places: dict[str, list[Region]] = {}
    for region in sorted(named, key=lambda region: region.valid_to is None):
        for code in {region.code, today.get(region.code, region).code}:
            places.setdefault(code, []).append(region)
    return places


def _fits(region: Region, places: Mapping[str, list[Region]]) -> int:
    """How many of the regions above it are named by the names that they have beside its own."""
    return sum(any(wider.code == code for wider in places.get(code, ())) for code in parents(region.code))


def _above(region: Region, today: Mapping[str, Region], places: Mapping[str, list[Region]]) -> list[Region]:
    """The named regions that it lies in, or what it went into does; each once, by whatever name it goes."""
    codes = [code for each in (region, today.get(region.code, region)) for code in parents(each.code)]
    found = [wider for code in codes for wider in places.get(code, ())]
    return list({today.get(wider.code, wider).code: wider for wider in found if wider is not region}.values())


def _is_named(region: Region, above: list[Region], text: str) -> bool:
    """Do the words name this region itself, and not only one above it that has its name in it?"""
    for other in above:
        # 长沙县 does not name the city of 长沙市 above it.
        if other.name in text or region.name not in text or other.short not in region.name:
            text = text.replace(other.name if other.name in text else other.short, " ", 1)
    return region.short in text or region.name in text


def level_of(code: str) -> str:
    """What kind of region a 12-digit code names, by its closing zeros."""
    return next(level for level, width in zip(LEVELS, _WIDTHS, strict=True) if set(code[width:]) <= {"0"})


def parents(code: str) -> Iterable[str]:
    """The codes above, from the province down."""
    own = prefix(code)
    return (code[:width].ljust(12, "0") for width in _WIDTHS if width < len(own))
