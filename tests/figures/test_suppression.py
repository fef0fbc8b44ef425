"""No hidden count can be computed from what is shown: all tables that show the same are tried, small ones."""

from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.figures.suppression import hide_row, hide_rows

TOTAL = "all"
# Tables are tried by the thousand, so that these are small, and so is the count below which one is hidden.
LEAST = 3

Table = Mapping[str, Mapping[str, int]]


def with_totals(rows: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    return {key: {**row, TOTAL: sum(row.values())} for key, row in rows.items()}


def above(rows: Table) -> dict[str, int]:
    return {column: sum(row[column] for row in rows.values()) for column in next(iter(rows.values()))}


def tables(
    rows: Table, hidden: Mapping[str, set[str]], top: Mapping[str, int], top_hidden: set[str]
) -> Iterator[Table]:
    """Every table of counts that shows what this one shows: its rows, and the row that they add up to."""
    months = [column for column in top if column != TOTAL]
    most = max(row[month] for row in rows.values() for month in months) + 2
    free = [(key, month) for key in rows for month in months if month in hidden[key]]
    for values in product(range(most), repeat=len(free)):
        filled = {key: {month: rows[key][month] for month in months} for key in rows}
        for (key, month), value in zip(free, values, strict=True):
            filled[key][month] = value
        found = with_totals(filled)
        sums = above(found)
        if all(found[key][TOTAL] == rows[key][TOTAL] for key in rows if TOTAL not in hidden[key]) and all(
            sums[column] == top[column] for column in top if column not in top_hidden
        ):
            yield found


def given_away(rows: Table, hidden: Mapping[str, set[str]], top_hidden: set[str]) -> list[tuple[str, str]]:
    """The hidden counts that are the same in every table that shows the same."""
    top = above(rows)
    seen: dict[tuple[str, str], set[int]] = {(key, column): set() for key in rows for column in hidden[key]}
    for found in tables(rows, hidden, top, top_hidden):
        for key, column in seen:
            seen[key, column].add(found[key][column])
        if all(len(values) > 1 for values in seen.values()):
            return []
    return [place for place, values in seen.items() if len(values) < 2]


@st.composite
def small(draw: st.DrawFn) -> dict[str, dict[str, int]]:
    months = [f"m{n}" for n in range(draw(st.integers(1, 2)))]
    keys = [f"r{n}" for n in range(draw(st.integers(2, 3)))]
    count = st.integers(0, 4)
    return with_totals({key: {month: draw(count) for month in months} for key in keys})


@given(small())
def test_no_hidden_count_is_given_away(rows: dict[str, dict[str, int]]) -> None:
    top_hidden = hide_row(above(rows), TOTAL, LEAST)
    hidden = hide_rows(top_hidden, rows, TOTAL, LEAST)
    assert given_away(rows, hidden, top_hidden) == []


@given(small())
def test_every_small_count_is_hidden(rows: dict[str, dict[str, int]]) -> None:
    hidden = hide_rows(set(), rows, TOTAL, LEAST)
    for key, row in rows.items():
        assert {column for column, count in row.items() if count < LEAST} <= hidden[key]


def test_where_no_count_is_small_all_is_shown() -> None:
    rows = with_totals({"a": {"m": 12, "n": 30}, "b": {"m": 10, "n": 11}})
    assert hide_row(above(rows), TOTAL) == set()
    assert hide_rows(set(), rows, TOTAL) == {"a": set(), "b": set()}


def test_one_small_count_takes_another_of_its_row_and_of_its_column_along() -> None:
    rows = with_totals({"a": {"m": 4, "n": 30}, "b": {"m": 50, "n": 60}, "c": {"m": 70, "n": 80}})
    hidden = hide_rows(set(), rows, TOTAL)
    assert "m" in hidden["a"]
    assert len(hidden["a"]) >= 2
    assert any("m" in hidden[key] for key in "bc")
    assert any("m" not in hidden[key] for key in "bc")


@pytest.mark.parametrize("count", [0, 4, 40])
def test_a_single_region_hides_what_the_one_above_hides(count: int) -> None:
    rows = with_totals({"a": {"m": count}})
    assert hide_rows({"m"}, rows, TOTAL) == {"a": {"m"}}
