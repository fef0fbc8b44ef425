"""Find the days that a name may mean (festivals, lunar days, weekdays, months); they are asked back, not just taken."""

import calendar
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from flows.language import numerals
from flows.language.lexicon import Lexicon
from flows.language.lunar import is_term, lunar_dates, new_years_eve, term_dates
from flows.language.said_numbers import without_tail
from flows.language.wording import simplified
from flows.readers.numbers.dates import DateFinder

_N = "([0-9零一二三四五六七八九十]+)"
_YEAR = re.compile("([0-9零一二三四五六七八九]{4}|(?<![0-9])[0-9]{2})年")
# As it is printed on a package: 2028.05
_YEAR_AND_MONTH = re.compile("(20[0-9]{2})[-./](0?[1-9]|1[0-2])")
_LUNAR_DAY = re.compile(f"(闰?)(?:{_N}|([正冬腊]))月(初?){_N}(日|号)?")
_LUNAR_MONTHS = {"正": 1, "冬": 11, "腊": 12}
_MONTH = re.compile(f"{_N}月份?(.*)")
# The part of a month -> its days; a day too many means the last one.
_PARTS = {
    "": (1, 31),
    "初": (1,),
    "中": (15,),
    "底": (31,),
    "末": (31,),
    "上旬": (1, 10),
    "中旬": (11, 20),
    "下旬": (21, 31),
}
_WEEKDAY = re.compile("(下下个?|下个?|这个?|本)?(?:周|星期|礼拜)([一二三四五六日天1-6])")
_WEEKDAYS = "一二三四五六日"
_LONGEST_MONTH = 31
_YEARS_AHEAD = 3
# A leap month of a given number comes back after decades at most.
_YEARS_TO_LEAP = 60
_MOST = 9

Dates = Callable[[Iterable[int]], Iterator[date]]
"""Years -> the dates that a name means in them."""


@dataclass(frozen=True, slots=True)
class DayNames:
    """Find days by their names, seen from ``today``. Without a year the nearest one to come is meant.

    ``backwards``: the nearest one that has been.
    """

    today: date
    lexicon: Lexicon
    backwards: bool = False

    def find(self, text: str) -> list[date]:
        """List the days that the words may mean, in order; none where they name no day or a date in figures.

        Before a day (国庆前) the day before it may be the last one, or the day itself.
        """
        bare = self.bare(text)
        if not bare or len(bare) > numerals.LONGEST:
            return []
        inner = bare.removesuffix(self._known("before_day", bare, str.endswith))
        days = self._days(inner)
        if inner != bare:
            days = days or self._date(inner)
            return [day for each in days if each > date.min for day in (each - timedelta(days=1), each)][:_MOST]
        return days

    def bare(self, text: str) -> str:
        """Fold the text and remove the words around a day: 就到12月31号吧."""
        folded = without_tail(simplified(numerals.fold(text)), self.lexicon)
        return folded.removeprefix(self._known("leads_to_day", folded, str.startswith))

    def _days(self, said: str) -> list[date]:
        year, name = self._year(said)
        found = [*self._festival(name, year), *self._lunar(name, year), *self._month(name, year)]
        return sorted({*(found or self._weekday(said))}, reverse=self.backwards)[:_MOST]

    def _date(self, said: str) -> list[date]:
        """Return a date in figures; a span is none, since 三天前 has been."""
        finder = DateFinder(self.today, self.lexicon, self.backwards)
        day = finder.find(said)
        return [day] if day and finder.span(said) is None else []

    def _year(self, said: str) -> tuple[int | None, str]:
        """Return the year that is said, None without one, and what else is said."""
        for name, years in (("this_year", 0), ("next_year", 1), ("year_after_next", 2)):
            if word := self._known(name, said, str.startswith):
                return self.today.year + years, said.removeprefix(word).removeprefix("的")
        if printed := _YEAR_AND_MONTH.fullmatch(said):
            return int(printed[1]), f"{printed[2]}月"
        year = _YEAR.search(said)
        digits = numerals.digits(year[1]) if year else None
        if year is None or digits is None:
            return None, said
        century = self.today.year // 100 * 100 if len(digits) == 2 else 0
        return century + int(digits), said[: year.start()] + said[year.end() :].removeprefix("的")

    def _festival(self, name: str, year: int | None) -> Iterator[date]:
        for month, day in _keys(self.lexicon.solar_days, name):
            yield from self._nearest(partial(_solar_dates, month, day), year)
        for month, day in _keys(self.lexicon.lunar_days, name):
            yield from self._nearest(partial(lunar_dates, month, day, leap=False), year)
        if name in self.lexicon.words["new_years_eve"]:
            yield from self._nearest(new_years_eve, year)
        term = name.removesuffix("节")
        if is_term(term):
            yield from self._nearest(partial(term_dates, term), year)

    def _lunar(self, said: str, year: int | None) -> Iterator[date]:
        lunar = self._known("lunar_calendar", said, str.startswith)
        first = self._known("new_years_days", said, str.startswith)
        match = _LUNAR_DAY.fullmatch(f"正月初{said.removeprefix(first)}" if first else said.removeprefix(lunar))
        if match is None:
            return
        leap, number, named, early, figures, ending = match.groups()
        month = _LUNAR_MONTHS[named] if named else _number(number)
        day = _number(figures)
        if leap or named or early or lunar:
            dates = partial(lunar_dates, month, day, leap=True if leap else None)
            yield from self._nearest(dates, year, ahead=_YEARS_TO_LEAP if leap else _YEARS_AHEAD)
        elif not ending and not f"{number}{figures}".isascii() and (month, day) in map(_key, self.lexicon.lunar_days):
            # 八月十五 is the feast, or a day of summer; 8月15 is only the latter.
            yield from self._nearest(partial(_solar_dates, month, day), year)
            yield from self._nearest(partial(lunar_dates, month, day, leap=False), year)

    def _month(self, said: str, year: int | None) -> Iterator[date]:
        """Yield the first and the last day of a month or of a part of it."""
        for name, months in (("this_month", 0), ("next_month", 1)):
            if word := self._known(name, said, str.startswith):
                since = self.today.replace(day=1) + timedelta(days=_LONGEST_MONTH * months)
                year, said = since.year, f"{since.month}月{said.removeprefix(word)}"
        match = _MONTH.fullmatch(said)
        if match is None or match[2] not in _PARTS:
            return
        for day in _PARTS[match[2]]:
            yield from self._nearest(partial(_solar_dates, _number(match[1]), day), year)

    def _weekday(self, said: str) -> list[date]:
        match = _WEEKDAY.fullmatch(said)
        if match is None:
            return []
        led, name = match.groups()
        weeks = 2 if led and led.startswith("下下") else 1 if led and led.startswith("下") else 0
        number = int(name) - 1 if name.isdigit() else _WEEKDAYS.index(name.replace("天", "日"))
        day = self.today + timedelta(days=number - self.today.weekday() + 7 * weeks)
        return [day if led or day >= self.today else day + timedelta(days=7)]

    def _nearest(self, dates: Dates, year: int | None, *, ahead: int = _YEARS_AHEAD) -> list[date]:
        """List the dates of the year, or else the nearest one, with its like a leap month later.

        The end of a lunar year falls into the next one's January: 明年腊月 may be of either.
        """
        if year is not None:
            days = [*dates([year]), *(day for day in dates([year - 1]) if day.year == year)]
            return [day for day in days if self._is_ahead(day)] or days
        years = range(self.today.year - _YEARS_AHEAD, self.today.year + ahead)
        days = sorted((day for day in dates(years) if self._is_ahead(day)), reverse=self.backwards)
        return [day for day in days if abs((day - days[0]).days) <= _LONGEST_MONTH]

    def _is_ahead(self, day: date) -> bool:
        return day <= self.today if self.backwards else day >= self.today

    def _known(self, name: str, text: str, stands: Callable[[str, str], bool]) -> str:
        """Return the longest of these words with which the text begins or ends; "" without one."""
        return max((word for word in self.lexicon.words[name] if stands(text, word)), key=len, default="")


def _solar_dates(month: int, day: int, years: Iterable[int]) -> Iterator[date]:
    """Yield the day in these years; a month that is too short for it ends with its last day."""
    for year in years:
        if 1 <= month <= 12 and 1 <= day <= _LONGEST_MONTH and 1 <= year < date.max.year:
            yield date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _keys(days: Mapping[str, tuple[str, ...]], name: str) -> list[tuple[int, int]]:
    return [_key(key) for key, words in days.items() if name in words]


def _key(day: str) -> tuple[int, int]:
    month, _, number = day.partition("-")
    return int(month), int(number)


def _number(figures: str) -> int:
    return numerals.read_integer(figures) or 0
