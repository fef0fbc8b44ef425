"""The rule of a round is what docs/rounds.md says: who needs more or waits longer comes first; all of it is shared."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.goods.rounds.rule import (
    FAIR,
    FIRST_COME,
    OVERTAKEN_FOR_DAYS,
    Points,
    Standing,
    hash_of,
    lot_of,
    need_points,
    order,
    part_of,
    points_of,
    share,
    ties_of,
)
from tests.bench.goods_year import figures, run

SEED = "00ff" * 8
BOTH = st.sampled_from([FIRST_COME, FAIR])


def standing(key: str, **known: int | None) -> Standing:
    facts = {"assessed": 50, "waited": 10, "days_left": None, "helped": 0, "missed": 0, "levels": None, "came": 1}
    return Standing(key=key, **{**facts, **known})  # type: ignore[arg-type]


some = st.builds(
    Standing,
    key=st.text("ABCDEFGH", min_size=8, max_size=8),
    assessed=st.none() | st.integers(0, 100),
    waited=st.integers(0, 400),
    days_left=st.none() | st.integers(-20, 60),
    helped=st.integers(0, 9),
    missed=st.integers(0, 3),
    levels=st.none() | st.integers(0, 4),
    came=st.integers(1, 9999),
)
many = st.lists(some, max_size=30, unique_by=lambda each: (each.key, each.came))


def first_of(one: Standing, other: Standing) -> str:
    return order(FAIR, SEED, [other, one])[0].key


@pytest.mark.parametrize(
    ("assessed", "points"), [(None, 10), (0, 10), (19, 10), (20, 20), (59, 30), (79, 40), (80, 50), (100, 50)]
)
def test_need_counts_in_five_bands(assessed: int | None, points: int) -> None:
    assert need_points(assessed) == points


@pytest.mark.parametrize(("days_left", "points"), [(None, 0), (-1, 0), (0, 14), (1, 13), (13, 1), (14, 0), (30, 0)])
def test_a_near_day_counts_more_each_day_until_it_is_past(days_left: int | None, points: int) -> None:
    assert points_of(standing("a", days_left=days_left)).due == points


@given(one=some, days=st.integers(1, 300))
def test_a_day_waited_is_worth_a_point_without_end(one: Standing, days: int) -> None:
    later = replace(one, waited=one.waited + days)
    assert points_of(later).score == points_of(one).score + days


@given(one=some, more=st.integers(0, 100))
def test_who_needs_more_never_comes_later_for_it(one: Standing, more: int) -> None:
    needier = replace(one, assessed=(one.assessed or 0) + more)
    assert points_of(needier).score >= points_of(one).score


@given(one=some, more=st.integers(0, 9))
def test_who_was_helped_more_never_comes_earlier_for_it(one: Standing, more: int) -> None:
    assert points_of(replace(one, helped=one.helped + more)).score <= points_of(one).score


@given(one=some, other=some, early=st.integers(1, 30))
def test_nobody_overtakes_who_waited_so_much_longer(one: Standing, other: Standing, early: int) -> None:
    """Whatever the two of them need, were given and missed."""
    longer = replace(one, key="first", waited=other.waited + OVERTAKEN_FOR_DAYS + early)
    assert first_of(longer, other) == "first"


def test_goods_not_collected_count_below_the_need_only() -> None:
    assert first_of(standing("often", missed=9, assessed=60), standing("never", assessed=59)) == "often"
    assert first_of(standing("often", missed=9), standing("never")) == "never"


def test_the_lot_decides_what_is_equal_and_anybody_can_compute_it() -> None:
    keys = [f"K{number}" for number in range(20)]
    rows = order(FAIR, SEED, [standing(key) for key in keys])
    assert [row.key for row in rows] == sorted(keys, key=lambda key: lot_of(SEED, key))
    # printf 00ff…K7 | sha256sum
    assert lot_of(SEED, "K7") == "f18f5a4432ab0b3e80e6dda62511f5e1c5195ed08eb2ca8c317c5c140fca9836"
    assert hash_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_without_the_rule_who_asked_first_comes_first() -> None:
    rows = order(FIRST_COME, SEED, [standing("late", came=2, assessed=99), standing("early", came=1, assessed=0)])
    assert [row.key for row in rows] == ["early", "late"]
    assert {row.points for row in rows} == {Points()}


@given(candidates=many, version=BOTH, shuffle=st.integers(0, 99))
def test_the_order_in_which_candidates_are_read_does_not_matter(
    candidates: list[Standing], version: int, shuffle: int
) -> None:
    mixed = Random(shuffle).sample(candidates, len(candidates))
    assert order(version, SEED, mixed) == order(version, SEED, candidates)


@given(candidates=many)
def test_the_order_follows_from_what_is_public(candidates: list[Standing]) -> None:
    rows = order(FAIR, SEED, candidates)
    ties = ties_of([(row.points.score, row.missed) for row in rows])
    public = [(row.points.score, tie, lot_of(SEED, row.key), row.key) for row, tie in zip(rows, ties, strict=True)]
    again = sorted(public, key=lambda row: (-row[0], *row[1:]))
    assert [row[-1] for row in again] == [row.key for row in rows]


# --- Parts


def one_by_one(wanted: list[int], there: int, part: int, smallest: int) -> list[int]:
    """The same in the words of docs/rounds.md: turn after turn, part after part."""
    given_ = [0] * len(wanted)
    for turn in range(sum(wanted) + 1):
        for place, lacks in enumerate(wanted):
            more = min(part, lacks - given_[place], there)
            if turn == 0 and more < smallest:
                continue
            if turn and not given_[place]:
                continue
            given_[place] += more
            there -= more
    return given_


amounts = st.lists(st.integers(1, 12), max_size=8)


@given(wanted=amounts, there=st.integers(0, 60), smallest=st.integers(1, 4), weighed=st.booleans())
def test_parts_go_round_until_all_is_given(wanted: list[int], there: int, smallest: int, *, weighed: bool) -> None:
    if weighed:
        wanted, there, smallest = [each * 250 for each in wanted], there * 100, smallest * 200
    part = part_of(weighed=weighed, smallest=smallest)
    parts = share(wanted, there, part, smallest)
    if not weighed:
        assert parts == one_by_one(wanted, there, part, smallest)
    assert sum(parts) <= there
    assert all(got == 0 or smallest <= got <= lacks for got, lacks in zip(parts, wanted, strict=True))
    left = there - sum(parts)
    if left:
        assert all(
            got == lacks or (got == 0 and min(lacks, left) < smallest) for got, lacks in zip(parts, wanted, strict=True)
        )


def test_everybody_has_a_first_part_before_anybody_has_a_second() -> None:
    assert share([9, 9, 9], 4, part_of(weighed=False, smallest=1), 1) == [2, 1, 1]
    assert share([9, 1, 9], 8, part_of(weighed=False, smallest=2), 2) == [4, 0, 4]
    assert share([2_000, 300, 2_000], 1_500, part_of(weighed=True, smallest=1), 1) == [700, 300, 500]
    assert share([10**9, 10**9], 10**9, part_of(weighed=True, smallest=1), 1) == [5 * 10**8] * 2


# --- A year


def test_a_year_by_the_rule_reaches_more_households_and_more_evenly_than_first_come() -> None:
    """The bench does it for a whole county (make bench ARGS=goods)."""
    by_rule, first_come = (figures(run(7, 250, 900, version)) for version in (FAIR, FIRST_COME))
    assert by_rule.share > first_come.share
    assert by_rule.gini < first_come.gini
    assert by_rule.spoilt <= first_come.spoilt * 1.02 + 1


def test_in_a_year_nobody_is_overtaken_by_who_asked_long_after() -> None:
    county, by_turn = run(8, 250, 900, FAIR), run(8, 250, 900, FIRST_COME)
    assert 0 < county.overtaken <= OVERTAKEN_FOR_DAYS
    assert by_turn.overtaken == 0
    # So nobody waits longer than by first come, and those days.
    assert figures(county).longest <= figures(by_turn).longest + OVERTAKEN_FOR_DAYS
