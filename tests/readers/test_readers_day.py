"""Days in every writing, seen from 25 November 2026, a Wednesday."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.engine.world import World
from flows.language.numerals import hanzi
from flows.readers import Day
from flows.readers.base import Accepted, Asking, Rejected
from tests.harness.words.reading import LEXICON, asking, code_of, fault, read, said, value_of

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-12-01", "2026-12-01"),
        ("2026/12/1", "2026-12-01"),
        ("2026.12.1", "2026-12-01"),
        ("2026 12 1", "2026-12-01"),
        ("20261201", "2026-12-01"),
        ("２０２６年１２月１日", "2026-12-01"),
        ("2026年12月1日", "2026-12-01"),
        ("2026 年 12 月 1 号", "2026-12-01"),
        ("26年12月1日", "2026-12-01"),
        ("二〇二六年十二月一日", "2026-12-01"),
        ("二零二六年十二月三十一号", "2026-12-31"),
        ("12月1日", "2026-12-01"),
        ("12月1", "2026-12-01"),
        ("12.1", "2026-12-01"),
        ("12-1", "2026-12-01"),
        ("12/1", "2026-12-01"),
        ("十二月一号", "2026-12-01"),
        ("十二月廿一", "2026-12-21"),
        ("11月25日", "2026-11-25"),
        ("11月24日", "2027-11-24"),
        ("3月1日", "2027-03-01"),
        ("2月29日", "2028-02-29"),
        ("今年12月1日", "2026-12-01"),
        ("明年3月1号", "2027-03-01"),
        ("30号", "2026-11-30"),
        ("十五号", "2026-12-15"),
        ("31日", "2026-12-31"),
        ("这个月30号", "2026-11-30"),
        ("下个月十五号", "2026-12-15"),
        ("下月3日", "2026-12-03"),
        ("今天", "2026-11-25"),
        ("明天", "2026-11-26"),
        ("后天", "2026-11-27"),
        ("大后天", "2026-11-28"),
        ("昨天", "2026-11-24"),
        ("前天", "2026-11-23"),
        ("月底", "2026-11-30"),
        ("下个月底", "2026-12-31"),
        ("年底", "2026-12-31"),
        ("明年底", "2027-12-31"),
        ("30天后", "2026-12-25"),
        ("三十天以后", "2026-12-25"),
        ("30天", "2026-12-25"),
        ("3日后", "2026-11-28"),
        ("两周后", "2026-12-09"),
        ("两个星期之后", "2026-12-09"),
        ("一个月后", "2026-12-25"),
        ("三个月", "2027-02-25"),
        ("半个月后", "2026-12-10"),
        ("半年后", "2027-05-25"),
        ("一年后", "2027-11-25"),
    ],
)
def test_every_form_is_read(text, day):
    assert value_of(Day(), text) == day


@pytest.mark.parametrize(
    "text",
    [
        "", "好", "过几天", "三四天后", "2026年13月1日", "2026-02-30", "2月30日", "0月1日", "12月0日", "12月32日",
        "32号", "0000-01-01", "226年1月1日", "2026年", "26年", "这个月31号", "三天前", "明年",
        "正月", "正月三十二", "春节后", "闰", "前",
        "999999天后", "11年后", "20261301", "1.2.3.4", "天后", "三月后", "日" * 100,
    ],
)  # fmt: skip
def test_what_is_no_date(text):
    assert code_of(Day(), text) == "not_date"


def test_bounds_are_days_from_today():
    reader = Day(earliest=1, latest=90)
    bounds = {"earliest": "2026-11-26", "latest": "2027-02-23"}
    assert reader.facts(asking()) == bounds
    assert read(reader, "今天") == Rejected("too_early", {"given": "2026-11-25", **bounds})
    assert read(reader, "2027-02-24") == Rejected("too_late", {"given": "2027-02-24", **bounds})
    assert (value_of(reader, "明天"), value_of(reader, "90天后")) == ("2026-11-26", "2027-02-23")


def test_only_bounds_that_exist_have_a_refusal():
    assert not {"too_early", "too_late"} & set(Day().codes)
    assert {"too_early", "too_late"} <= set(Day(earliest=0, latest=1).codes)
    assert Day().facts(asking()) == {"earliest": None, "latest": None}


def test_where_only_past_days_fit_a_day_without_its_year_has_been():
    reader = Day(latest=0)
    assert value_of(reader, "12月1日") == "2025-12-01"
    assert value_of(reader, "11月25日") == "2026-11-25"
    assert value_of(reader, "26号") == "2026-10-26"
    assert code_of(reader, "2026-11-26") == "too_late"


def test_a_stored_day_grows_too_early():
    reader = Day(earliest=0)
    assert fault(reader, "2026-11-25") is None
    assert fault(reader, "2026-11-24") == "too_early"
    assert fault(reader, "soon") == "not_date"
    assert fault(reader, 20261125) == "not_date"


@pytest.mark.parametrize(
    ("text", "day"),
    [("一个月后", "2027-02-28"), ("月底", "2027-01-31"), ("下个月底", "2027-02-28"), ("30号", "2027-03-30")],
)
def test_a_month_ends_where_it_ends(text, day):
    last_of_january = World(datetime(2027, 1, 31, 4, 0, tzinfo=UTC), LEXICON, lambda _: [])
    assert Day().read(said(text), Asking(last_of_january)) == Accepted(day)


def figures(number: int) -> str:
    """Figure by figure: 二〇二六."""
    return "".join("〇一二三四五六七八九"[int(digit)] for digit in str(number))


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31)))
def test_a_full_date_in_every_writing(day):
    for text in (
        day.isoformat(),
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year}.{day.month}.{day.day}",
        f"{day:%Y%m%d}",
        f"{figures(day.year)}年{hanzi(day.month)}月{hanzi(day.day)}号",
    ):
        assert value_of(Day(), text) == day.isoformat()


@given(st.integers(0, 364))
def test_a_date_without_its_year_is_the_next_such_day(days):
    day = TODAY + timedelta(days=days)
    assert value_of(Day(), f"{day.month}月{day.day}日") == day.isoformat()
    assert value_of(Day(), f"{hanzi(days)}天后") == day.isoformat()
