"""Whose share of a short harvest is less chooses: less, the rest later, or all back; each fen goes back once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from models.market.orders import waiting
from models.market.orders.order import CHOOSE_WITHIN, LASTS
from models.market.orders.waiting import NothingToChoose, WindowOver
from models.market.submission import set_stock
from tests.harness.money.checking_books import codes
from tests.scenes.market import JIN, Market
from tests.scenes.market import market as market

RIPE_IN, WINDOW = 20, 45


@pytest.fixture
def short(market: Market) -> tuple[int, int, int]:
    """A listing of 100 斤, and two accepted orders of 40 and 20 of which a half is left."""
    listing = market.sell(60 * JIN, ripe_in=RIPE_IN)
    first, second = market.order(listing, 40 * JIN), market.order(listing, 20 * JIN, by=market.buyer("other"))
    for order in (first, second):
        market.accept(order)
    market.harvest(listing, 30 * JIN)
    return listing, first, second


def choose(market: Market, what: Callable[..., object], order: int, by: str = "buyer") -> None:
    with market.session() as db:
        what(db, market.people[by], order, market.stage.clock())


def restock(market: Market, listing: int, available: int) -> None:
    with market.session() as db:
        set_stock(db, market.people["seller"], listing, available, market.stage.clock())


def stands(market: Market, order: int) -> tuple[int, int | None, str | None]:
    found = market.read(order)
    return found.quantity // JIN, found.wanted and found.wanted // JIN, found.choice


def test_each_whose_share_is_less_is_asked_and_answers_by_digit(market: Market, short: tuple[int, int, int]) -> None:
    _, first, second = short
    assert (stands(market, first), stands(market, second)) == ((20, 40, "open"), (10, 20, "open"))
    assert (market.told("order_short", "buyer"), market.told("order_short", "other")) == (1, 1)
    asked = market.stage.say("o-buyer", f"订单 {market.read(first).code}") or ""
    assert "订了 40 斤，现在只有 20 斤" in asked
    assert "少一点也要" in asked
    market.stage.say("o-buyer", "2")
    assert stands(market, first) == (20, 40, "wait")
    market.stage.say("o-other", "少点也行")
    assert stands(market, second) == (10, 20, "less")
    assert codes(market.stage) == []


def test_who_does_not_answer_takes_less_after_three_days(market: Market, short: tuple[int, int, int]) -> None:
    _, first, _ = short
    market.stage.clock.move(CHOOSE_WITHIN - timedelta(minutes=1))
    market.sweep()
    assert stands(market, first)[2] == "open"
    market.days(0.01)
    assert stands(market, first) == (20, 40, "less")
    assert market.read(first).due_at == market.stage.clock() + LASTS["accepted"]
    assert codes(market.stage) == []


def test_what_the_seller_adds_goes_first_to_who_waits_in_the_order_of_placing(
    market: Market, short: tuple[int, int, int]
) -> None:
    listing, first, second = short
    choose(market, waiting.choose_wait, second, "other")
    choose(market, waiting.choose_wait, first)
    restock(market, listing, 25 * JIN)
    assert (stands(market, first), stands(market, second)) == ((40, None, None), (15, 20, "wait"))
    assert market.read(first).total_fen == 40 * 350
    assert "先给了等着的人" in (market.stage.say("o-seller", f"库存 {listing} 7斤") or "")
    assert (stands(market, second), market.stock(listing)) == ((20, None, None), (2 * JIN, 60 * JIN, 0))
    assert market.told("order_filled", "other") == 2
    assert codes(market.stage) == []


def test_what_one_gives_back_is_for_who_waits(market: Market, short: tuple[int, int, int]) -> None:
    listing, first, second = short
    choose(market, waiting.choose_wait, first)
    market.stage.say("o-other", "都退了吧")
    market.stage.say("o-other", "1")
    assert (market.state(second), market.read(second).why) == ("cancelled", "buyer")
    assert (stands(market, first), market.stock(listing)) == ((30, 40, "wait"), (0, 30 * JIN, 0))
    assert codes(market.stage) == []


def test_on_the_last_day_who_waited_gets_what_is_there(market: Market, short: tuple[int, int, int]) -> None:
    listing, first, _ = short
    choose(market, waiting.choose_wait, first)
    until = market.lot(listing).window_ends_at
    assert (market.read(first).choice_until, market.read(first).due_at) == (until, until + LASTS["accepted"])
    market.days((until - market.stage.clock()) / timedelta(days=1))
    assert stands(market, first) == (20, 40, "less")
    assert market.told("order_cut", "buyer") == 1
    assert market.state(first) == "accepted"
    with pytest.raises(NothingToChoose):
        choose(market, waiting.choose_wait, first)


def test_at_the_dispatch_less_is_taken(market: Market, short: tuple[int, int, int]) -> None:
    _, first, second = short
    choose(market, waiting.choose_wait, first)
    for order in (first, second):
        market.send(order)
    assert (stands(market, first), stands(market, second)) == ((20, 40, "less"), (10, 20, "less"))
    assert codes(market.stage) == []


def test_nobody_waits_for_what_cannot_come(market: Market) -> None:
    listing = market.sell(40 * JIN)
    order = market.order(listing, 40 * JIN)
    market.reduce(listing, 20 * JIN)
    assert (stands(market, order), market.told("order_cut", "buyer")) == ((20, None, None), 1)
    with pytest.raises(NothingToChoose):
        choose(market, waiting.choose_less, order)
    assert "没有等您选的订单" in (market.stage.say("o-buyer", "等等吧") or "")


def test_the_window_may_end_before_the_answer(market: Market) -> None:
    listing = market.sell(40 * JIN, ripe_in=RIPE_IN)
    order = market.order(listing, 40 * JIN)
    market.accept(order)
    market.days(RIPE_IN)
    market.days(WINDOW)
    market.harvest(listing, 20 * JIN)
    market.stage.clock.move(timedelta(days=1))
    with pytest.raises(WindowOver):
        choose(market, waiting.choose_wait, order)
    choose(market, waiting.choose_less, order)
    assert codes(market.stage) == []


def test_of_a_second_shortfall_who_waits_goes_on_waiting(market: Market, short: tuple[int, int, int]) -> None:
    listing, first, second = short
    choose(market, waiting.choose_wait, first)
    choose(market, waiting.choose_less, second, "other")
    market.reduce(listing, 15 * JIN)
    assert (stands(market, first), stands(market, second)) == ((10, 40, "wait"), (5, 10, "open"))
    restock(market, listing, 30 * JIN)
    assert stands(market, first) == (40, None, None)
    assert codes(market.stage) == []


@pytest.mark.parametrize("accepts_first", [True, False])
def test_who_waits_is_sent_it_in_the_days_after_the_waiting(market: Market, accepts_first: bool) -> None:
    """Also where they were told to wait before it was picked, and where the seller says yes only then."""
    listing = market.sell(60 * JIN, ripe_in=RIPE_IN)
    order = market.order(listing, 40 * JIN)
    if accepts_first:
        market.accept(order)
    market.reduce(listing, 20 * JIN)
    choose(market, waiting.choose_wait, order)
    market.harvest(listing)
    if not accepts_first:
        market.accept(order)
    until = market.read(order).choice_until
    assert until is not None
    assert until > market.stage.clock() + LASTS["accepted"]
    assert market.read(order).due_at == until + LASTS["accepted"]
