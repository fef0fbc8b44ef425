"""Read an appeal's last day: so many days from its publication, or a date that leaves time to check it."""

import re
from dataclasses import dataclass
from typing import Any

from flows.language import numerals
from flows.language.lexicon import Lexicon
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.numbers.day import Day
from flows.readers.words_reader import WordsReader

_N = "([0-9零一二三四五六七八九十百千两]+)"
_DAYS = re.compile(rf"{_N}(天|日)?")
_WEEKS = re.compile(rf"{_N}个?(?:周|星期|礼拜)")
_MONTHS = re.compile(rf"{_N}个(半?)月|(半)个?月")
_YEARS = re.compile(rf"{_N}年|(半)年")
_MONTH, _YEAR = 30, 365
# Up to here a number with 日 is a day of the month (15日).
_LONGEST_MONTH = 31


@dataclass(frozen=True)
class LastDay(WordsReader):
    """Value: days from publication (int, ``least`` to ``most``), or an ISO date.

    ``checking``: the most days that pass before publication; a date leaves so many, and ``least`` to collect.
    ``choice_set``: numbered choices, whose keys are days; other numbers of days can be typed. Facts: ``options``,
    ``least``, ``most``, ``checking``, and of a date ``earliest``, ``latest``.
    Codes: those of Day, and too_short, too_long, with ``given`` in days.
    """

    choice_set: str
    least: int
    most: int
    checking: int

    @property
    def _date(self) -> Day:
        return Day(earliest=self.checking + self.least, latest=self.checking + self.most)

    @property
    def codes(self) -> tuple[str, ...]:
        return (*self._date.codes, "too_short", "too_long")

    @property
    def speaks(self) -> tuple[str, ...]:
        return self._date.speaks

    def read_words(self, text: str, asking: Asking) -> Reading:
        days = self.exact(text, asking)
        if days is None:
            days = _days(text, asking.world.lexicon)
        if days is None:
            return self._date.read_words(text, asking)
        return self.check(days, asking) or Accepted(days)

    def exact(self, text: str, asking: Asking) -> int | None:
        """Return the days that this text picks from the list on the screen; None where it picks none."""
        lexicon = asking.world.lexicon
        keys, number = list(lexicon.choices[self.choice_set]), numerals.ordinal(text)
        if number is not None and 1 <= number <= len(keys):
            return int(keys[number - 1])
        picked = lexicon.pick(self.choice_set, text)
        return int(picked) if picked else None

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        if not isinstance(value, int):
            return self._date.check(value, asking)
        if self.least <= value <= self.most:
            return None
        return Rejected("too_short" if value < self.least else "too_long", {"given": value, **self.facts(asking)})

    def facts(self, asking: Asking) -> dict[str, Any]:
        labels = (label for _, label in asking.world.lexicon.options(self.choice_set))
        bounds = {"least": self.least, "most": self.most, "checking": self.checking}
        return {"options": list(enumerate(labels, 1)), **bounds, **self._date.facts(asking)}


def _days(text: str, lexicon: Lexicon) -> int | None:
    """Read a span (45, 45天, 公开后两个月, 半年) in days; None where it is none."""
    said = numerals.fold(text)
    if len(said) > numerals.LONGEST:
        return None
    bare = _without(said, lexicon.words["span_begins"], lexicon.words["span_ends"])
    if found := _DAYS.fullmatch(bare):
        days = numerals.read_integer(found[1])
        of_month = found[2] == "日" and bare == said and (days or 0) <= _LONGEST_MONTH
        return None if of_month else days
    if found := _WEEKS.fullmatch(bare):
        return _times(found[1], 7)
    if found := _MONTHS.fullmatch(bare):
        return _MONTH // 2 if found[3] else _times(found[1], _MONTH, _MONTH // 2 if found[2] else 0)
    if found := _YEARS.fullmatch(bare):
        return _MONTH * 6 if found[2] else _times(found[1], _YEAR)
    return None


def _times(count: str, days: int, more: int = 0) -> int | None:
    number = numerals.read_integer(count)
    return None if number is None else number * days + more


def _without(said: str, begins: tuple[str, ...], ends: tuple[str, ...]) -> str:
    """Return the text without these words at its beginning and end, the longest first."""
    for word in sorted(begins, key=len, reverse=True):
        said = said.removeprefix(word)
    for word in sorted(ends, key=len, reverse=True):
        said = said.removesuffix(word)
    return said
