"""However many accounts a circle has, and in whatever order they come, they count as one."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.support.circles import TOGETHER, Reporter, count_circles

NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
MARKS = st.frozensets(st.sampled_from(["household", "phone", "officer", "village", "other"]), max_size=2)
MOMENTS = st.integers(0, 12).map(lambda many: NOON + many * TOGETHER / 2)
REPORTERS = st.builds(Reporter, MARKS, st.lists(MOMENTS, max_size=2).map(tuple))


def tied(one: Reporter, other: Reporter) -> bool:
    near = any(abs(a - b) <= TOGETHER for a in one.begun for b in other.begun)
    return near or bool(one.marks & other.marks)


def walked(reporters: list[Reporter]) -> int:
    """The same count the slow way: whoever can be reached from a person is of their circle."""
    left, circles = set(range(len(reporters))), 0
    while left:
        circles += 1
        reached = [left.pop()]
        for place in reached:
            found = {other for other in left if tied(reporters[place], reporters[other])}
            left -= found
            reached += found
    return circles


@given(st.lists(REPORTERS, max_size=9))
def test_it_counts_whoever_cannot_be_reached_from_one_another(reporters: list[Reporter]) -> None:
    assert count_circles(reporters) == walked(reporters)


@given(st.lists(REPORTERS, max_size=9).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_their_order_does_not_matter(orders: tuple[list[Reporter], list[Reporter]]) -> None:
    first, second = orders
    assert count_circles(first) == count_circles(second)


@given(st.lists(REPORTERS, min_size=1, max_size=6), st.integers(1, 50))
def test_a_storm_of_one_circle_adds_nothing(reporters: list[Reporter], storm: int) -> None:
    """Each has a mark of one that is there, and nothing else."""
    member = Reporter(reporters[0].marks | {"mine"}, ())
    with_member = [Reporter(reporters[0].marks | {"mine"}, reporters[0].begun), *reporters[1:]]
    assert count_circles(with_member + [member] * storm) == count_circles(with_member)


@given(st.lists(REPORTERS, max_size=8), REPORTERS)
def test_nobody_adds_more_than_one(reporters: list[Reporter], one: Reporter) -> None:
    assert count_circles([*reporters, one]) <= count_circles(reporters) + 1


def test_accounts_that_began_at_once_are_one_and_a_moment_later_two() -> None:
    def begun(*minutes: float) -> list[Reporter]:
        return [Reporter(frozenset({each}), (NOON + timedelta(minutes=each),)) for each in minutes]

    assert count_circles(begun(0, 10)) == 1
    assert count_circles(begun(0, 10.1)) == 2
    assert count_circles(begun(0, 9, 18)) == 1  # through the one between
    assert count_circles([]) == 0
