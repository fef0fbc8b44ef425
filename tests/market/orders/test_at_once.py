"""The last of a harvest wanted by many at once goes to one; of the clock and an answer one is first."""

from datetime import timedelta

import pytest

from models.market.orders import clock
from models.market.orders.order import LASTS
from models.market.orders.placing import NotEnoughLeft
from tests.harness.money.checking_books import codes
from tests.harness.racing import at_once
from tests.harness.racing import stage as stage
from tests.harness.stage import Stage
from tests.scenes.market import JIN, Market

BUYERS = 64


@pytest.mark.slow  # 64 buyers and 64 transactions on a database of their own
def test_the_last_20_jin_wanted_by_64_go_to_one(stage: Stage) -> None:
    market = Market(stage)
    market.seller()
    listing = market.sell(39 * JIN)
    names = [market.buyer(f"buyer{n}") for n in range(BUYERS)]
    results = at_once([lambda name=name: market.order(listing, 20 * JIN, name) for name in names])  # type: ignore[misc]
    assert sum(isinstance(result, int) for result in results) == 1
    refused = [result for result in results if not isinstance(result, int)]
    assert all(isinstance(each, NotEnoughLeft) and each.values["left"] == 19 * JIN for each in refused), refused
    assert market.stock(listing) == (19 * JIN, 20 * JIN, 0)
    assert codes(stage) == []


@pytest.mark.slow  # a database of its own
def test_a_yes_and_the_clock_in_one_moment_are_one_or_the_other(stage: Stage) -> None:
    market = Market(stage)
    market.seller()
    market.buyer()
    listing = market.sell(100 * JIN)
    for _ in range(6):
        order = market.order(listing, JIN)
        later = stage.clock() + LASTS["placed"] + timedelta(seconds=1)

        def end() -> int:
            with market.session() as db:
                return clock.end_overdue_orders(db, later)  # noqa: B023 - of this round

        yes, ended = at_once([lambda: market.accept(order), end])  # noqa: B023 - of this round
        assert not isinstance(ended, Exception), ended
        assert market.state(order) == ("cancelled" if isinstance(yes, Exception) else "accepted")
        if market.state(order) == "accepted":
            market.send(order)
    assert codes(stage) == []
