"""Convert days of the lunar calendar and solar terms to dates, for the lunar years 1900 to 2100."""

from collections.abc import Iterable, Iterator
from datetime import date

from borax.calendars.lunardate import TERMS_CN, InvalidLunarDateError, LCalendars, LunarDate, TermUtils

_YEARS = range(1900, 2101)
# People call the last day of the year the thirtieth even where it is the 29th.
_EVE = (12, 30)
_TERMS: dict[str, int] = {name: index for index, name in enumerate(TERMS_CN)}


def lunar_dates(month: int, day: int, years: Iterable[int], *, leap: bool | None = None) -> Iterator[date]:
    """Yield the dates of a lunar day in these lunar years; a year without the day yields none.

    ``leap``: only in the leap month of that number, only in the other, or (None) in both.
    """
    for year in years:
        for is_leap in (False, True):
            if leap in (None, is_leap) and (found := _date(year, month, day, is_leap)):
                yield found


def new_years_eve(years: Iterable[int]) -> Iterator[date]:
    """Yield the last day of these lunar years."""
    yield from lunar_dates(*_EVE, years, leap=False)


def is_term(name: str) -> bool:
    return name in _TERMS


def term_dates(name: str, years: Iterable[int]) -> Iterator[date]:
    """Yield the dates of a solar term (清明, 冬至) in these years of the common calendar."""
    for year in years:
        if year in _YEARS:
            yield TermUtils.nth_term_day(year, _TERMS[name])


def _date(year: int, month: int, day: int, is_leap: bool) -> date | None:
    if year not in _YEARS or (is_leap and LCalendars.leap_month(year) != month):
        return None
    try:
        found: date = LunarDate(year, month, day, int(is_leap)).to_solar_date()
    except InvalidLunarDateError:
        return _date(year, month, day - 1, is_leap) if (month, day) == _EVE and not is_leap else None
    return found
