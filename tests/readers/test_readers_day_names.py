"""Days by their names, seen from 25 November 2026, a Wednesday: each is shown as a date before it is taken."""

from datetime import UTC, date, datetime, timedelta

import pytest
from borax.calendars.lunardate import LunarDate
from hypothesis import given
from hypothesis import strategies as st

from flows.engine.world import World
from flows.language.numerals import hanzi
from flows.readers import Day
from flows.readers.base import Accepted, Asking, Offer, Rejected
from tests.harness.words.reading import LEXICON, asking, code_of, read, said, value_of

TODAY = date(2026, 11, 25)


def offered(text: str, reader: Day | None = None) -> list[str]:
    reading = read(reader or Day(), text)
    assert isinstance(reading, Offer), reading
    return [day for _, day in reading.options]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("元旦", "2027-01-01"), ("国庆节", "2027-10-01"), ("五一", "2027-05-01"),
        ("春节", "2027-02-06"), ("过年", "2027-02-06"),
        ("元宵节", "2027-02-20"), ("正月十五", "2027-02-20"), ("农历正月十五", "2027-02-20"),
        ("大年初五", "2027-02-10"),
        ("腊月二十", "2027-01-27"), ("腊月廿三", "2027-01-30"), ("大年三十", "2027-02-05"),
        ("腊月三十", "2027-02-05"),
        ("除夕", "2027-02-05"), ("端午", "2027-06-09"), ("五月初五", "2027-06-09"), ("中秋", "2027-09-15"),
        ("农历八月十五", "2027-09-15"), ("農曆八月十五", "2027-09-15"), ("阴历八月十五", "2027-09-15"),
        ("重阳节", "2027-10-08"),
        ("冬月初一", "2026-12-09"),
        ("清明", "2027-04-05"), ("冬至", "2026-12-22"), ("明年春节", "2027-02-06"), ("后年正月十五", "2028-02-09"),
        ("2028年正月初三", "2028-01-28"), ("二〇二七年正月十五", "2027-02-20"), ("闰六月十五", "2036-08-06"),
        ("下周一", "2026-11-30"), ("下星期天", "2026-12-06"), ("这周五", "2026-11-27"), ("周二", "2026-12-01"),
        ("下下周三", "2026-12-09"), ("三月底", "2027-03-31"), ("明年三月初", "2027-03-01"),
        ("就到元旦吧", "2027-01-01"),
    ],
)  # fmt: skip
def test_the_nearest_day_of_that_name_is_shown_to_be_confirmed(text, day):
    assert offered(text) == [day]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("明年三月", ["2027-03-01", "2027-03-31"]),
        ("十二月", ["2026-12-01", "2026-12-31"]),
        ("2028.05", ["2028-05-01", "2028-05-31"]),
        ("28年5月", ["2028-05-01", "2028-05-31"]),
        ("下个月", ["2026-12-01", "2026-12-31"]),
        ("八月十五", ["2027-08-15", "2027-09-15"]),
        ("新年", ["2027-01-01", "2027-02-06"]),
        ("小年", ["2027-01-30", "2027-01-31"]),
        ("过年前", ["2027-02-05", "2027-02-06"]),
        ("12月31号之前", ["2026-12-30", "2026-12-31"]),
        ("明年腊月二十", ["2027-01-27", "2028-01-16"]),
        ("2025年农历六月初一", ["2025-06-25", "2025-07-25"]),
    ],
)
def test_a_name_of_several_days_is_asked_about(text, days):
    assert offered(text) == days


@pytest.mark.parametrize(
    ("text", "day"), [("8月15", "2027-08-15"), ("八月十五号", "2027-08-15"), ("十二月廿一", "2026-12-21")]
)
def test_a_date_of_the_common_calendar_stays_one(text, day):
    assert value_of(Day(), text) == day


@pytest.mark.parametrize(
    ("text", "day"), [("到年底吧", "2026-12-31"), ("截止到12月31号", "2026-12-31"), ("最晚三个月", "2027-02-25")]
)
def test_polite_words_stand_around_a_date(text, day):
    assert value_of(Day(), text) == day


def test_the_words_are_shown_with_the_date():
    assert read(Day(), "农历正月十五") == Offer((("农历正月十五", "2027-02-20"),))


def test_only_days_that_the_bounds_admit_are_offered():
    reader = Day(earliest=7, latest=180)
    bounds = reader.facts(asking())
    assert offered("新年", Day(earliest=60, latest=180)) == ["2027-02-06"]
    assert read(reader, "中秋") == Rejected("too_late", {"given": "2027-09-15", **bounds})
    assert read(reader, "下周一") == Rejected("too_early", {"given": "2026-11-30", **bounds})


@pytest.mark.parametrize("text", ["半年", "半年后", "六个月", "180天", "6个月以后"])
def test_half_a_year_is_the_last_day_where_half_a_year_is_the_most(text):
    assert value_of(Day(earliest=7, latest=180), text) == (TODAY + timedelta(days=180)).isoformat()


def test_a_longer_span_than_allowed_is_too_late():
    assert code_of(Day(latest=180), "七个月") == "too_late"
    assert code_of(Day(latest=180), "181天") == "too_late"
    assert value_of(Day(latest=181), "半年") == "2027-05-25"


def test_where_only_past_days_fit_the_last_day_of_that_name_is_meant():
    assert offered("中秋", Day(latest=0)) == ["2026-09-25"]


MONTHS = ("正", "二", "三", "四", "五", "六", "七", "八", "九", "十", "冬", "腊")


def lunar_name(day: LunarDate) -> str:
    """A lunar day as people write it: 腊月廿三, 闰六月初一."""
    tens = {0: "初", 1: "十", 2: "廿", 3: "三十"}
    figures = {10: "初十", 20: "二十", 30: "三十"}.get(day.day) or tens[day.day // 10] + hanzi(day.day % 10)
    return f"{'闰' if day.leap else ''}{MONTHS[day.month - 1]}月{figures}"


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31)))
def test_the_lunar_name_of_every_day_is_read_back_as_that_day(day):
    lunar = LunarDate.from_solar_date(day.year, day.month, day.day)
    assert day.isoformat() in offered(f"农历{lunar.year}年{lunar_name(lunar)}")


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2096, 12, 31)), st.integers(0, 300))
def test_without_a_year_the_nearest_such_day_is_meant(day, ahead):
    lunar = LunarDate.from_solar_date(day.year, day.month, day.day)
    seen = day - timedelta(days=ahead)
    world = World(datetime(seen.year, seen.month, seen.day, 4, tzinfo=UTC), LEXICON, lambda _: [])
    reading = Day().read(said(f"农历{lunar_name(lunar)}"), Asking(world))
    assert isinstance(reading, Offer)
    days = [date.fromisoformat(value) for _, value in reading.options]
    assert day in days or (lunar.month, lunar.day) == (12, 29) or days[0] < day
    assert all(each >= seen for each in days)


@given(st.dates(min_value=date(2026, 11, 25), max_value=date(2036, 12, 31)))
def test_a_date_in_figures_is_never_taken_for_a_lunar_one(day):
    for text in (
        day.isoformat(),
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year}年{hanzi(day.month)}月{hanzi(day.day)}号",
    ):
        assert read(Day(), text) == Accepted(day.isoformat())


def test_the_day_before_the_first_of_all_days_is_no_day() -> None:
    assert code_of(Day(), "0001年1月1日前") == "not_date"
