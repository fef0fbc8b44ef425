"""An appeal's last day as people say it, seen from 25 November 2026: days from publication, or a date."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.language.numerals import hanzi
from flows.readers import LastDay
from flows.readers.base import Accepted, Rejected
from tests.harness.words.reading import asking, said

LAST_DAY = LastDay("collect_days", least=7, most=180, checking=30)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 30),
        ("第二个", 60),
        ("３", 90),
        ("4", 180),
        ("两个月", 60),
        ("最长", 180),
        ("60", 60),
        ("45天", 45),
        ("四十五天", 45),
        ("发布后 45 天", 45),
        ("公开以后收三个月", 90),
        ("100日", 100),
        ("收60日", 60),
        ("六周", 42),
        ("八个星期就行", 56),
        ("一个半月", 45),
        ("半个月", 15),
        ("三个月后", 90),
        ("半年以内", 180),
        ("1月31日", "2027-01-31"),
        ("2027年6月1日", "2027-06-01"),
        ("明年5月底", None),
        ("看情况", None),
        ("几天", None),
    ],
)
def test_days_from_publication_and_dates_are_told_apart(text: str, value: Any) -> None:
    found = LAST_DAY.read(said(text), asking())
    assert (found.value if isinstance(found, Accepted) else None) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5天", "too_short"),
        ("6", "too_short"),
        ("一年", "too_long"),
        ("181天", "too_long"),
        # Until 31 December the checks may last, and a week is the least that is collected.
        ("2026年12月31日", "too_early"),
        ("2027年6月24日", "too_late"),
        ("", "not_date"),
    ],
)
def test_what_cannot_be_met_is_refused(text: str, code: str) -> None:
    found = LAST_DAY.read(said(text), asking())
    assert isinstance(found, Rejected)
    assert found.code == code


@pytest.mark.parametrize("value", [True, 0, -5, 181, 30.0, None, [], {"days": 30}, "soon", "2026-12-31"])
def test_a_kept_value_that_is_not_valid_today_is_asked_anew(value: Any) -> None:
    assert isinstance(LAST_DAY.check(value, asking()), Rejected)


@given(st.integers(0, 4000))
def test_every_number_of_days_is_read_exactly_or_refused_by_its_bound(days: int) -> None:
    for text in (f"{days}天", f"公开后{hanzi(days)}天"):
        found = LAST_DAY.read(said(text), asking())
        if 7 <= days <= 180:
            assert found == Accepted(days)
        else:
            assert isinstance(found, Rejected)
            assert found.code == ("too_short" if days < 7 else "too_long")
            assert found.values["given"] == days
