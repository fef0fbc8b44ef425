"""The division of a campaign: exact, capped, blind to order and to who knows whom; few growers for each buyer."""

from collections import Counter
from dataclasses import fields, replace
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from models.market.campaigns.rule import Demand, Supply, divide, need_weight, share


@st.composite
def supplies(draw: st.DrawFn) -> list[Supply]:
    each = st.tuples(st.integers(0, 5_000), st.integers(8, 12), st.integers(0, 3_000))
    return [Supply(key, *of) for key, of in enumerate(draw(st.lists(each, min_size=1, max_size=9)), 1)]


@st.composite
def demands(draw: st.DrawFn) -> list[Demand]:
    wanted = draw(st.lists(st.integers(1, 4_000), min_size=1, max_size=12))
    return [Demand(key, much) for key, much in enumerate(wanted, 1)]


def able(growers: list[Supply]) -> list[Supply]:
    return [grower for grower in growers if grower.cap and grower.weight]


@given(supplies(), demands())
def test_all_that_both_sides_can_is_divided_to_the_last_jin_and_nobody_gives_or_gets_beyond_their_own(
    growers: list[Supply], buyers: list[Demand]
) -> None:
    parts = divide(growers, buyers)
    gave, got = Counter[int](), Counter[int]()
    for part in parts:
        assert part.amount > 0
        gave[part.grower] += part.amount
        got[part.buyer] += part.amount
    assert sum(part.amount for part in parts) == min(
        sum(buyer.wanted for buyer in buyers), sum(grower.cap for grower in able(growers))
    )
    assert all(gave[grower.key] <= grower.cap for grower in growers)
    assert all(got[buyer.key] <= buyer.wanted for buyer in buyers)
    assert len({(part.buyer, part.grower) for part in parts}) == len(parts)
    # Each part ends a buyer's or a grower's, so there are no more than that.
    assert len(parts) < len([key for key in gave if gave[key]]) + len([key for key in got if got[key]]) or not parts


@given(supplies(), demands(), st.randoms())
def test_the_order_in_which_people_come_changes_nothing(
    growers: list[Supply], buyers: list[Demand], lot: Random
) -> None:
    before = divide(growers, buyers)
    lot.shuffle(growers)
    lot.shuffle(buyers)
    assert sorted(before, key=repr) == sorted(divide(growers, buyers), key=repr)


@given(supplies(), st.integers(0, 20_000), st.data())
def test_who_states_more_or_needs_more_gets_no_less(growers: list[Supply], total: int, data: st.DataObject) -> None:
    growers = able(growers)
    assume(growers)
    total = min(total, sum(grower.cap for grower in growers))
    one = data.draw(st.sampled_from(growers))
    more = replace(one, stated=one.stated + data.draw(st.integers(0, 3_000)), need=data.draw(st.integers(one.need, 12)))
    others = [grower for grower in growers if grower is not one]
    before, after = share(total, growers)[one.key], share(total, [*others, more])[one.key]
    assert after >= before


@given(supplies(), demands(), st.data())
def test_nobody_gets_of_their_own_household_and_others_lose_nothing_by_it(
    growers: list[Supply], buyers: list[Demand], data: st.DataObject
) -> None:
    keys = [grower.key for grower in growers]
    own = [replace(buyer, barred=frozenset(data.draw(st.sets(st.sampled_from(keys), max_size=1)))) for buyer in buyers]
    parts = divide(growers, own)
    assert all(part.grower not in own[part.buyer - 1].barred for part in parts)
    assert sum(part.amount for part in parts) <= sum(part.amount for part in divide(growers, buyers))


def test_a_share_is_by_land_and_need_and_what_one_has_not_goes_to_the_others() -> None:
    even = [Supply(1, 1_000, 8, 900), Supply(2, 1_000, 8, 900)]
    assert share(300, even) == {1: 150, 2: 150}
    assert share(301, even) == {1: 151, 2: 150}
    assert share(500, [even[0], replace(even[1], need=12)]) == {1: 200, 2: 300}
    assert share(600, [replace(even[0], cap=100), replace(even[1], stated=10)]) == {1: 100, 2: 500}
    assert share(600, [replace(even[0], stated=3_000, cap=100), even[1]]) == {1: 100, 2: 500}


def test_a_visit_weighs_from_one_to_one_and_a_half() -> None:
    scores = (None, 0, 19, 20, 40, 60, 80, 100)
    assert [need_weight(score) for score in scores] == [8, 8, 8, 9, 10, 11, 12, 12]


def test_a_buyer_is_filled_by_the_one_who_has_just_enough() -> None:
    growers = [Supply(1, 400, 8, 400), Supply(2, 100, 8, 100), Supply(3, 250, 8, 250)]
    parts = divide(growers, [Demand(1, 100), Demand(2, 500), Demand(3, 150)])
    assert {(part.buyer, part.grower): part.amount for part in parts} == {
        (2, 1): 400,
        (2, 2): 100,
        (3, 3): 150,
        (1, 3): 100,
    }


def test_nothing_that_a_person_could_be_known_by_goes_into_it() -> None:
    assert [field.name for field in fields(Supply)] == ["key", "stated", "need", "cap"]
