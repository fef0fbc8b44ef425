"""Read a day: a deadline, a best-before date, a harvest."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flows.language.wording import clean
from flows.readers.base import Accepted, Asking, Offer, Reading, Rejected
from flows.readers.numbers.dates import DateFinder
from flows.readers.numbers.day_names import DayNames
from flows.readers.words_reader import WORDS_WANTED, WordsReader

_LONGEST_LABEL = 20


@dataclass(frozen=True)
class Day(WordsReader):
    """Value: an ISO date. ``earliest`` and ``latest`` are days from today; None is no bound.

    A date without its year is the next such day, today included; where
    ``latest`` admits no day to come, it is the last such day. A day by its name (春节,
    腊月二十, 下周一, 明年三月) is asked back as a date (macro ``which``), and a span that is
    as long as the longest one allowed (半年 of 180 days) is its last day.
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

    @property
    def speaks(self) -> tuple[str, ...]:
        return ("which",)

    def read_words(self, text: str, asking: Asking) -> Reading:
        today, lexicon = asking.world.today, asking.world.lexicon
        backwards = self.latest is not None and self.latest <= 0
        names, finder = DayNames(today, lexicon, backwards), DateFinder(today, lexicon, backwards)
        if not finder.named(text) and (days := names.find(text)):
            return self._offer(text, days, asking)
        said = text if finder.find(text) else names.bare(text)
        day = finder.find(said)
        if day is None:
            return Rejected("not_date")
        value = self._within(day, finder.span(said), today).isoformat()
        return self.check(value, asking) or Accepted(value)

    def _offer(self, text: str, days: list[date], asking: Asking) -> Reading:
        """Offer those of the days that the bounds admit, or say why none is."""
        label = " ".join(clean(text).split())[:_LONGEST_LABEL]
        faults = {day.isoformat(): self.check(day.isoformat(), asking) for day in days}
        admitted = tuple((label, day) for day, fault in faults.items() if fault is None)
        return Offer(admitted) if admitted else next(fault for fault in faults.values() if fault)

    def _within(self, day: date, span: int | None, today: date) -> date:
        """Return the last day allowed for a span of as many days: six months have 181 or more, but mean 180."""
        if self.latest is None or span is None or span > self.latest:
            return day
        return min(day, today + timedelta(days=self.latest))

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
