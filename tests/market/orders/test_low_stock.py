"""A seller hears once that little of a listing is left, until stock is added."""

import json

import pytest
from sqlalchemy import select

from models.market.submission import set_stock
from models.notifications.notification import Notification
from tests.scenes.market import JIN, Market
from tests.scenes.market import market as market


def told(market: Market) -> list[int]:
    """How much was said to be left, each time."""
    with market.session() as db:
        found = select(Notification).where(Notification.template == "stock_low").order_by(Notification.id)
        return [json.loads(each.facts)["left"] for each in db.scalars(found)]


def test_the_seller_is_told_once_and_again_after_more_was_added(market: Market) -> None:
    listing = market.sell(400 * JIN)
    market.order(listing, 360 * JIN)
    assert told(market) == []
    market.order(listing, JIN)
    assert told(market) == [39 * JIN]
    market.order(listing, JIN)
    assert told(market) == [39 * JIN]
    with market.session() as db:
        set_stock(db, market.people["seller"], listing, 60 * JIN, market.stage.clock())
    market.order(listing, 60 * JIN)
    assert told(market) == [39 * JIN, 0]
    assert f"库存 {listing} 200" in market.stage.say("o-seller", "我的货")


@pytest.mark.parametrize(("listed", "ordered", "says"), [(5, 2, []), (5, 3, [2]), (30, 20, []), (30, 21, [9])])
def test_of_pieces_little_is_ten_and_of_few_less_than_half(
    market: Market, listed: int, ordered: int, says: list[int]
) -> None:
    market.order(market.sell(listed, "box", 4000), ordered)
    assert told(market) == says
