"""Find the day that words mean, seen from today: dates in digits or 汉字, 明天, 年底, 三个月后."""

import calendar
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from flows.language import numerals
from flows.language.lexicon import Lexicon

_N = "([0-9零一二三四五六七八九十两]+)"
_FULL = re.compile(rf"{_N}[年\-/. ]{_N}[月\-/. ]{_N}[日号號]?")
_COMPACT = re.compile("([0-9]{4})([0-9]{2})([0-9]{2})")
_MONTH_AND_DAY = re.compile(rf"{_N}[月\-/. ]{_N}[日号號]?")
_DAY_OF_MONTH = re.compile(rf"{_N}[日号號]")
_HALF = re.compile("半个?([月年])")
_SPAN = re.compile(r"([0-9零一二三四五六七八九十百千两]+)(天|日|个?周|个?星期|个?礼拜|个月|年)")
_DAYS_IN = {"天": 1, "日": 1, "周": 7, "星期": 7, "礼拜": 7}
_MONTHS_IN = {"月": 1, "年": 12}
_LONGEST_SPAN = 3650
_DAYS_IN_YEAR, _DAYS_IN_MONTH = 365, 30
# The next 29 February may be eight years away.
_YEARS_TO_SEARCH = 9
_MONTHS_TO_SEARCH = 3


def _days_on(days: int) -> Callable[[date], date]:
    return lambda today: today + timedelta(days=days)


def _end_of_month(months: int) -> Callable[[date], date]:
    return lambda today: _months_on(today.replace(day=1), months + 1) - timedelta(days=1)


def _end_of_year(years: int) -> Callable[[date], date]:
    return lambda today: date(today.year + years, 12, 31)


_NAMED = {
    "day_before_yesterday": _days_on(-2),
    "yesterday": _days_on(-1),
    "today": _days_on(0),
    "tomorrow": _days_on(1),
    "day_after_tomorrow": _days_on(2),
    "three_days_on": _days_on(3),
    "end_of_month": _end_of_month(0),
    "end_of_next_month": _end_of_month(1),
    "end_of_year": _end_of_year(0),
    "end_of_next_year": _end_of_year(1),
}
_YEAR_WORDS = {"this_year": 0, "next_year": 1}
_MONTH_WORDS = {"this_month": 0, "next_month": 1}


@dataclass(frozen=True, slots=True)
class DateFinder:
    """Find days, seen from ``today``. ``backwards``: a day without year or month is the last such day, not the next."""

    today: date
    lexicon: Lexicon
    backwards: bool = False

    def find(self, text: str) -> date | None:
        folded = numerals.fold(text)
        if len(folded) > numerals.LONGEST:
            return None
        ways = (self._full, self._in_year, self._in_month, self._after)
        return self.named(text) or next((day for day in (way(folded) for way in ways) if day), None)

    def named(self, text: str) -> date | None:
        """Return the day that is called by one of the plain names: 明天, 月底."""
        names = (name for name in _NAMED if self.lexicon.means(name, text))
        return next((_NAMED[name](self.today) for name in names), None)

    def _full(self, folded: str) -> date | None:
        match = _FULL.fullmatch(folded) or _COMPACT.fullmatch(folded)
        if match is None:
            return None
        year = numerals.digits(match[1]) or ""
        if len(year) == 2 and "年" in folded:
            year = f"{self.today.year // 100}{year}"
        return _day(int(year), match[2], match[3]) if len(year) == 4 else None

    def _in_year(self, folded: str) -> date | None:
        """Read 12月1日, 12.1, and 明年3月1日."""
        years, rest = self._led_by(_YEAR_WORDS, folded)
        match = _MONTH_AND_DAY.fullmatch(rest)
        if match is None:
            return None
        if years is not None:
            return _day(self.today.year + years, match[1], match[2])
        step = -1 if self.backwards else 1
        return self._nearest(_day(self.today.year + step * n, match[1], match[2]) for n in range(_YEARS_TO_SEARCH))

    def _in_month(self, folded: str) -> date | None:
        """Read 15号, and 下个月十五号."""
        months, rest = self._led_by(_MONTH_WORDS, folded)
        match = _DAY_OF_MONTH.fullmatch(rest)
        if match is None:
            return None
        if months is not None:
            return self._on_day(match[1], months)
        step = -1 if self.backwards else 1
        return self._nearest(self._on_day(match[1], step * n) for n in range(_MONTHS_TO_SEARCH))

    def span(self, text: str) -> int | None:
        """Return the days of a span as they are reckoned, a month as 30 and a year as 365; None where it is no span."""
        span = self._span(numerals.fold(text))
        if span is None:
            return None
        years, months = divmod(span[0], 12)
        return years * _DAYS_IN_YEAR + months * _DAYS_IN_MONTH + span[1]

    def _after(self, folded: str) -> date | None:
        span = self._span(folded)
        return _months_on(self.today, span[0]) + timedelta(days=span[1]) if span else None

    def _span(self, folded: str) -> tuple[int, int] | None:
        """Read 30天后, 一个月后, 半年后 as (months, days).

        后 may be missing, but not after years, since 26年 is a year.
        """
        later = next((word for word in _longest_first(self.lexicon.words["later"]) if folded.endswith(word)), "")
        span = folded.removesuffix(later)
        if half := _HALF.fullmatch(span):
            return (6, 0) if half[1] == "年" else (0, 15)
        match = _SPAN.fullmatch(span)
        count = numerals.read_integer(match[1]) if match else None
        if match is None or count is None or (match[2] == "年" and not later):
            return None
        unit = match[2].removeprefix("个")
        days, months = count * _DAYS_IN.get(unit, 0), count * _MONTHS_IN.get(unit, 0)
        return (months, days) if days + months * _DAYS_IN_MONTH <= _LONGEST_SPAN else None

    def _on_day(self, day: str, months: int) -> date | None:
        month = _months_on(self.today.replace(day=1), months)
        return _day(month.year, str(month.month), day)

    def _led_by(self, names: Mapping[str, int], folded: str) -> tuple[int | None, str]:
        """Return the meaning of the word at the beginning, None without such a word, and what follows it."""
        for name, meaning in names.items():
            for word in self.lexicon.words[name]:
                if folded.startswith(word):
                    return meaning, folded.removeprefix(word)
        return None, folded

    def _nearest(self, days: Iterable[date | None]) -> date | None:
        """Return the first day that is not before today, or with ``backwards`` not after it."""
        return next((day for day in days if day and (day <= self.today if self.backwards else day >= self.today)), None)


def _day(year: int, month: str, day: str) -> date | None:
    """Make a date of digits or 汉字. None: there is no such day."""
    month_number, day_number = numerals.read_integer(month), numerals.read_integer(day)
    if not month_number or not day_number or not 1 <= month_number <= 12 or year < 1:
        return None
    _, days = calendar.monthrange(year, month_number)
    return date(year, month_number, day_number) if day_number <= days else None


def _months_on(day: date, months: int) -> date:
    """Return the same day so many months later, or the last day of that month where it is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    _, days = calendar.monthrange(day.year + years, month + 1)
    return date(day.year + years, month + 1, min(day.day, days))


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted(words, key=len, reverse=True)
