"""Order the public lists: first what is urgent, the most urgent first, then what has waited longest.

Who asks for a place reads what is nearest first: of the village, the township, the county, the city, the province.
A list is read a stretch after the other, each by an index. A cursor holds the moment at which the first page was read:
what is urgent is told by that, so that nothing comes twice or is passed over while a person turns the pages.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from models.places.region import inside, parents

# What ends, spoils or is needed within so long is urgent.
URGENT = timedelta(days=7)
_MARK = "~"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a list: the rows of ``where``, by ``key`` and number."""

    where: ColumnElement[bool]
    key: InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row that was shown: in which stretch, with which key and number; and when the first page was read."""

    at: datetime
    stretch: int
    key: str
    number: int

    def __str__(self) -> str:
        return _MARK.join((self.at.isoformat(), str(self.stretch), self.key, str(self.number)))

    def passes(self, stretch: Stretch, number: InstrumentedAttribute[int]) -> ColumnElement[bool]:
        """Build the condition that a row of its stretch comes after it."""
        is_day = len(self.key) == len("2026-12-01")
        key = date.fromisoformat(self.key) if is_day else datetime.fromisoformat(self.key)
        return tuple_(stretch.key, number) > tuple_(key, self.number)


def read_cursor(text: str) -> Cursor | None:
    """Read a cursor; None for none, and for one of an older release, whose page begins anew."""
    parts = text.split(_MARK)
    if len(parts) != 4:
        return None
    at, stretch, key, number = parts
    return Cursor(datetime.fromisoformat(at), int(stretch), key, int(number))


@dataclass(frozen=True, slots=True)
class Ordering:
    """How a list is ordered. ``since``: since when a row waits, set in every listed one.

    ``ends``: by when a row is urgent, and ``urgent``: whether it is at a moment; None where nothing ever is.
    """

    since: InstrumentedAttribute[Any]
    place: InstrumentedAttribute[str]
    ends: InstrumentedAttribute[Any] | None = None
    urgent: Callable[[datetime], ColumnElement[bool]] | None = None

    def stretches(self, near: str | None, at: datetime) -> list[Stretch]:
        """List the parts in order. ``near``: the code of a place; its province is all that is listed then."""
        return [
            Stretch(and_(area, kind.where), kind.key) for area in _areas(self.place, near) for kind in self._kinds(at)
        ]

    def _kinds(self, at: datetime) -> list[Stretch]:
        if self.ends is None or self.urgent is None:
            return [Stretch(true(), self.since)]
        urgent = self.urgent(at)
        return [Stretch(urgent, self.ends), Stretch(not_(urgent), self.since)]


def _areas(place: InstrumentedAttribute[str], near: str | None) -> Iterator[ColumnElement[bool]]:
    """Yield the place, then what is around it, each region without the one before."""
    if near is None:
        yield true()
        return
    within = near
    yield inside(place, near)
    for area in reversed(list(parents(near))):
        yield and_(inside(place, area), not_(inside(place, within)))
        within = area
