"""The day by which a thing is needed, and the smallest part worth sending, as people say them on 25 November 2026."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.goods.quantity import smallest, smallest_of
from flows.readers import NeedBy
from flows.readers.base import Accepted, Asking, Offer, Rejected
from flows.readers.numbers.smallest_part import SmallestPart
from tests.harness.words.reading import asking, said

NEED_BY = NeedBy("need_by", latest=400)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "any"),
        ("不急", "any"),
        ("不着急", "any"),
        ("2", "2026-12-10"),
        ("越快越好", "2026-12-10"),
        ("第三个", "2026-12-25"),
        ("三个月里", "2027-02-23"),
        ("三天内", "2026-11-28"),
        ("3天之内", "2026-11-28"),
        ("一个星期内", "2026-12-02"),
        ("两个月", "2027-01-25"),
        ("明天", "2026-11-26"),
        ("月底前", "2026-11-30"),
        ("这个月底以前吧", "2026-11-30"),
        ("年底前", "2026-12-31"),
        ("过年前", "2027-02-06"),
        ("年前", "2027-02-06"),
        ("春节", "2027-02-06"),
        ("元旦之前", "2027-01-01"),
        ("12月10号前", "2026-12-10"),
        ("2027年3月1日", "2027-03-01"),
        ("下个月十五号", "2026-12-15"),
        ("最晚12月20日", "2026-12-20"),
    ],
)
def test_a_day_of_need_is_read(text: str, value: str) -> None:
    assert NEED_BY.read(said(text), asking()) == Accepted(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("今天", "too_early"),
        ("昨天", "too_early"),
        ("2029年1月1日", "too_late"),
        ("看情况", "not_date"),
        ("45", "not_date"),
    ],
)
def test_what_is_no_day_of_need_is_told_why(text: str, code: str) -> None:
    found = NEED_BY.read(said(text), asking())
    assert isinstance(found, Rejected)
    assert found.code == code


def test_a_name_of_several_days_is_asked_back() -> None:
    found = NEED_BY.read(said("小年前"), asking())
    assert isinstance(found, Offer)
    assert [day for _, day in found.options] == ["2027-01-30", "2027-01-31"]


def test_a_day_that_has_come_is_asked_for_again() -> None:
    fault = NEED_BY.check("2026-11-25", asking())
    assert fault is not None
    assert fault.code == "too_early"
    assert NEED_BY.check("any", asking()) is None


def parts(unit: str, quantity: int) -> Asking:
    return Asking(asking().world, {"unit": unit, "weight" if unit == "jin" else "count": quantity})


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1", "bucket", "any"),
        ("2", "bucket", "whole"),
        ("只送整份", "bucket", "whole"),
        ("2桶", "bucket", 2),
        ("最少两桶", "bucket", 2),
        ("五桶起", "bucket", 5),
        ("5", "bucket", 5),
        ("10斤", "jin", 5_000),
        ("至少5公斤", "jin", 5_000),
        ("20斤", "jin", 10_000),
    ],
)
def test_a_smallest_part_is_read(text: str, unit: str, value: Any) -> None:
    reading = SmallestPart().read(said(text), parts(unit, 10_000 if unit == "jin" else 20))
    assert reading == Accepted(value)


def test_a_smallest_part_is_at_most_all_of_it() -> None:
    found = SmallestPart().read(said("21桶"), parts("bucket", 20))
    assert isinstance(found, Rejected)
    assert (found.code, found.values["most"]) == ("too_much", 20)


@given(st.integers(1, 50), st.integers(1, 50))
def test_a_smallest_part_comes_back_as_it_was_answered(part: int, total: int) -> None:
    """Mending an offer asks nothing anew, and says nothing else than before."""
    answers = {"unit": "bucket", "count": total, "smallest": smallest_of(min(part, total), total)}
    assert smallest(answers) == min(part, total)
