"""Read a day: a deadline, a best-before date, a harvest."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.numbers.dates import DateFinder
from flows.readers.words_reader import WORDS_WANTED, WordsReader


@dataclass(frozen=True)
class Day(WordsReader):
    """Value: an ISO date. ``earliest`` and ``latest`` are days from today; None is no bound.

    A date without its year is the next such day, today included; where
    ``latest`` admits no day to come, it is the last such day.
    Codes: not_text, not_heard, not_date, and by the bounds too_early, too_late,
    with ``given``, ``earliest``, ``latest`` (ISO dates or None).
    """

    earliest: int | None = None
    latest: int | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        too_early = ("too_early",) if self.earliest is not None else ()
        too_late = ("too_late",) if self.latest is not None else ()
        return (*WORDS_WANTED, "not_date", *too_early, *too_late)

    def read_words(self, text: str, asking: Asking) -> Reading:
        backwards = self.latest is not None and self.latest <= 0
        day = DateFinder(asking.world.today, asking.world.lexicon, backwards).find(text)
        if day is None:
            return Rejected("not_date")
        return self.check(day.isoformat(), asking) or Accepted(day.isoformat())

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        day = _from_iso(value)
        if day is None:
            return Rejected("not_date")
        days = (day - asking.world.today).days
        values = {"given": value, **self.facts(asking)}
        if self.earliest is not None and days < self.earliest:
            return Rejected("too_early", values)
        if self.latest is not None and days > self.latest:
            return Rejected("too_late", values)
        return None

    def facts(self, asking: Asking) -> dict[str, Any]:
        today = asking.world.today
        bounds = {"earliest": self.earliest, "latest": self.latest}
        return {
            name: None if days is None else (today + timedelta(days=days)).isoformat() for name, days in bounds.items()
        }


def _from_iso(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
