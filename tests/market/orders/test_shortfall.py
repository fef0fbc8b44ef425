"""Less is harvested than was ordered: what is left is shared to the last unit, nobody gets more than they ordered."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.words.lexicon import load_lexicon
from flows.engine.world import World
from flows.market.harvest import read_left
from models.core.state_machine import SYSTEM
from models.market.listing import MACHINE, Listing
from models.market.orders.order import Order
from models.market.orders.shortfall import NothingToReduce, NotLess, reduce_harvest
from models.notifications.notification import Notification
from tests.harness.money.checking_books import codes
from tests.harness.stage import Clock
from tests.scenes.market import JIN, Market
from tests.scenes.market import market as market

WORLD = World(Clock().now, load_lexicon(), lambda _text: [])


def reduce(market: Market, listing: int, left: int) -> None:
    with market.session() as db:
        reduce_harvest(db, market.people["seller"], listing, left, market.stage.clock())


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("一半", 5_000),
        ("减半", 5_000),
        ("三成", 7_000),
        ("3成", 7_000),
        ("十成", 0),
        ("没收成", 0),
        ("剩4斤", 2_000),
        ("只剩下 4 斤", 2_000),
        ("剩4", 2_000),
        ("还剩三斤半", 1_750),
        ("十一成", None),
        ("剩一点", None),
        ("不多", None),
    ],
)
def test_how_much_is_left_is_read_as_people_say_it(said: str, left: int | None) -> None:
    assert read_left(said, 10_000, "jin", WORLD) == left


def test_what_nobody_ordered_goes_first(market: Market) -> None:
    listing = market.sell(100 * JIN)
    order = market.order(listing, 20 * JIN)
    reduce(market, listing, 30 * JIN)
    assert market.stock(listing) == (10 * JIN, 20 * JIN, 0)
    assert market.read(order).quantity == 20 * JIN
    assert codes(market.stage) == []


def test_the_rest_is_shared_and_each_buyer_hears_and_may_cancel(market: Market) -> None:
    listing = market.sell(100 * JIN)
    first = market.order(listing, 40 * JIN)
    market.accept(first)
    second = market.order(listing, 20 * JIN, by=market.buyer("other"))
    sent = market.order(listing, 10 * JIN)
    market.accept(sent)
    market.send(sent)
    reduce(market, listing, 30 * JIN)
    assert [market.read(order).quantity for order in (first, second, sent)] == [20 * JIN, 10 * JIN, 10 * JIN]
    assert [market.read(order).total_fen for order in (first, second)] == [20 * 350, 10 * 350]
    assert market.stock(listing) == (0, 40 * JIN, 0)
    with market.session() as db:
        assert db.query(Notification).filter_by(template="order_cut").count() == 2
        assert db.get_one(Listing, listing).state == "on_sale"
    assert codes(market.stage) == []
    assert "收成不好" in market.stage.say("o-buyer", "菜单")


@pytest.mark.parametrize("state", ["sold_out", "expired"])
def test_what_was_ordered_is_shared_also_where_nothing_more_can_be_ordered(market: Market, state: str) -> None:
    listing = market.sell(100 * JIN)
    order = market.order(listing, 40 * JIN)
    with market.session() as db:
        MACHINE.move(db, db.get_one(Listing, listing), state, SYSTEM, market.stage.clock())
    reduce(market, listing, 30 * JIN)
    assert market.read(order).quantity == 30 * JIN
    with market.session() as db:
        assert db.get_one(Listing, listing).state == state
    assert codes(market.stage) == []


def test_where_nothing_is_left_all_that_is_not_sent_is_cancelled_and_the_listing_is_over(market: Market) -> None:
    listing = market.sell(100 * JIN)
    order = market.order(listing, 40 * JIN)
    reduce(market, listing, 0)
    assert (market.state(order), market.read(order).why) == ("cancelled", "no_harvest")
    with market.session() as db:
        found = db.get_one(Listing, listing)
        assert (found.state, found.available, found.lost) == ("sold_out", 0, 100 * JIN)
    with pytest.raises(NothingToReduce):
        reduce(market, listing, 0)
    assert codes(market.stage) == []


@pytest.mark.parametrize("left", [100 * JIN, 100 * JIN + 1])
def test_what_is_no_less_changes_nothing(market: Market, left: int) -> None:
    listing = market.sell(100 * JIN)
    with pytest.raises(NotLess):
        reduce(market, listing, left)
    assert market.stock(listing) == (100 * JIN, 0, 0)


class STAGE:
    """The market that the searches of the walk share."""

    market: Market


@pytest.fixture(autouse=True)
def shared(market: Market) -> None:
    STAGE.market = market


@pytest.mark.slow  # each order is a transaction of its own
@settings(deadline=None, max_examples=40)
@given(ordered=st.lists(st.integers(1, 9_000), min_size=1, max_size=7), permille=st.integers(0, 999))
def test_whatever_was_ordered_the_shares_come_to_what_is_left(ordered: list[int], permille: int) -> None:
    market = STAGE.market
    listing = market.sell(sum(ordered) + 77)
    buyers = [market.buyer(f"b{len(market.people)}") for _ in ordered]
    orders = [market.order(listing, grams, by=buyer) for grams, buyer in zip(ordered, buyers, strict=True)]
    left = (sum(ordered) + 77) * permille // 1000
    reduce(market, listing, left)
    market.stage.clock.move(timedelta(minutes=1))
    with market.session() as db:
        rows = [db.get_one(Order, order) for order in orders]
        live = [row.quantity for row in rows if row.state == "placed"]
        found = db.get_one(Listing, listing)
    assert sum(live) == min(left, sum(ordered))
    assert found.available == max(left - sum(ordered), 0)
    assert all(row.quantity <= grams for row, grams in zip(rows, ordered, strict=True))
    for row, grams in zip(rows, ordered, strict=True):
        exact = min(left, sum(ordered)) * grams / sum(ordered)
        assert row.state == "cancelled" or abs(row.quantity - exact) < 1
    with pytest.raises((NotLess, NothingToReduce)):
        reduce(market, listing, left)
