"""The seven days without a reason are whole days in China, from the day after the delivery."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.calendar import CHINA, last_day_before
from models.market.after_sales.asking import check_wrong, hold_askable
from models.market.orders.answers import OrderMoved
from models.market.orders.order import LASTS, Order, ends_at
from tests.harness.money.checking_books import codes
from tests.scenes.market import JIN, Market
from tests.scenes.market import market as market


def send_back(market: Market, order: int) -> None:
    """Ask whether its buyer may send it back now without a reason."""
    with market.session() as db:
        held = hold_askable(db, market.people["buyer"], order)
        check_wrong(held.order, "unwanted", market.stage.clock())


def test_what_keeps_may_go_back_until_the_midnight_after_the_seventh_day(market: Market) -> None:
    for month, at in ((1, time(0, 10)), (3, time(12)), (5, time(23, 50))):
        delivered = datetime.combine(date(2027, month, 1), at, CHINA)
        market.stage.clock.now = delivered
        listing = market.sell(100 * JIN)
        got, silent = market.order(listing, JIN), market.order(listing, JIN)
        for each in (got, silent):
            market.send(each)
        with market.session() as db:
            for each in (got, silent):
                db.get_one(Order, each).fresh = False
            db.get_one(Order, silent).due_at = delivered
        market.got(got)
        market.sweep()  # nobody said that the other came
        code = market.read(got).code
        assert f"到2027年{month}月8日都能说" in market.stage.say("o-buyer", f"订单 {code}")
        assert f"到2027年{month}月8日没有说不对，就办完了" in market.stage.say("o-seller", f"订单 {code}")
        over = datetime(2027, month, 9, tzinfo=CHINA)
        market.stage.clock.now = over - timedelta(seconds=1)
        market.sweep()
        for order in (got, silent):
            send_back(market, order)
        market.stage.clock.now = over
        market.sweep()
        for order in (got, silent):
            assert market.state(order) == "completed"
            with pytest.raises(OrderMoved):
                send_back(market, order)
    assert codes(market.stage) == []


@given(st.integers(0, 4 * 366 * 24 * 3600))
def test_the_term_is_a_midnight_in_china_after_seven_whole_days(seconds: int) -> None:
    delivered = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    over = ends_at("delivered", delivered)
    assert over is not None
    assert (over.astimezone(CHINA).time(), over - delivered > timedelta(days=7)) == (time(), True)
    assert last_day_before(over) == delivered.astimezone(CHINA).date() + timedelta(days=7)
    assert over <= delivered + LASTS["delivered"]  # by which an order's money is kept frozen
