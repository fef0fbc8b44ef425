"""The tree of regions, and finding a place in it from what somebody typed.

Codes are the statistics bureau's twelve digits, 2-2-2-3-3 from province to
village. Rows are dated, with successors, because villages merge.
"""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Date, ForeignKey, Index, SmallInteger, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base

LEVELS = ("province", "city", "county", "township", "village")
_WIDTHS = (2, 4, 6, 9, 12)
_LONGEST_NAME = 15
_LONGEST_TEXT = 60


class Region(Base):
    """``short`` is the name as people say it; ``full_name`` goes from the province down."""

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

    The one more of whose parents are named too wins, then the one named in full. The widest come first.
    """
    text = text[:_LONGEST_TEXT]
    parts = {text[i:j] for i in range(len(text)) for j in range(i + 2, min(len(text), i + _LONGEST_NAME) + 1)}
    if not parts:
        return []
    named = db.scalars(
        select(Region).where(or_(Region.name.in_(parts), Region.short.in_(parts)), Region.valid_to.is_(None))
    ).all()
    by_code = {region.code: region for region in named}
    scores: dict[str, tuple[int, bool]] = {}
    for region in named:
        above = [by_code[code] for code in parents(region.code) if code in by_code]
        if _is_named(region, above, text):
            scores[region.code] = (len(above), region.name in text)
    best = max(scores.values(), default=None)
    found = [by_code[code] for code in sorted(scores) if scores[code] == best]
    return sorted(found, key=lambda region: region.level)[:most]


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
