"""What an order costs: whole fen, at most half a fen off, and more of it never costs less."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

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
