"""What an order costs: whole fen, at most half a fen off, and more of it never costs less; and what of it spoils."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words.lexicon import load_lexicon
from flows.market.orders.buy import is_fresh
from models.market.orders.pricing import total_of

PRICES, GRAMS = st.integers(1, 10_000_000), st.integers(1, 100_000_000)


@given(PRICES, GRAMS)
def test_a_weight_costs_its_part_of_the_price(price: int, grams: int) -> None:
    exact = Fraction(price * grams, 500)
    assert total_of(price, grams, "jin") >= 1
    assert abs(total_of(price, grams, "jin") - max(exact, Fraction(1))) <= Fraction(1, 2)


@given(PRICES, GRAMS, GRAMS)
def test_more_never_costs_less(price: int, some: int, more: int) -> None:
    assert total_of(price, some, "jin") <= total_of(price, some + more, "jin")


@given(PRICES, st.integers(1, 10_000))
def test_pieces_cost_what_each_costs(price: int, pieces: int) -> None:
    assert total_of(price, pieces, "box") == price * pieces


@pytest.mark.parametrize(
    ("name", "spoils"),
    [
        *(
            (name, True)
            for name in (
                "道县脐橙",
                "寻乌蜜橘，十斤一箱",
                "水蜜桃",
                "糖心苹果",
                "鲜玉米",
                "油桃",
                "自家的土豆",
                "四季豆",
            )
        ),
        *((name, False) for name in ("土蜂蜜", "红薯干", "玉米面", "干豆角", "油菜籽油", "苦荞茶", "蜜橘干", "豆角干")),
    ],
)
def test_what_spoils_is_told_by_its_name(name: str, spoils: bool) -> None:
    assert is_fresh(load_lexicon(), "produce", name) is spoils
