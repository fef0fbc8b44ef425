"""A seller who moves a harvest: who ordered of it hears the new days and chooses, and no frozen money outlasts them."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from models.core.calendar import CHINA
from models.goods.ending import hold_own
from models.market.listing import Listing
from models.market.lots.lot import lot_of
from models.market.lots.new_day import BeyondFreeze
from models.market.orders.order import FROM_YES_TO_END, LASTS, Order
from models.market.submission import NewListing, mend_listing
from tests.harness.money.checking_books import codes
from tests.harness.stage import Stage
from tests.scenes.goods import passed
from tests.scenes.market import JIN, Market
from tests.scenes.market import market as market
from tests.scenes.money.stall import Stall

RIPE_IN, LATER, WINDOW = 20, 50, 45


def in_days(stage: Stage, days: int) -> date:
    return stage.clock().astimezone(CHINA).date() + timedelta(days=days)


def move(of: Market | Stall, seller: int, listing: int, day: date, *, price_fen: int = 350, shown: bool = True) -> None:
    """``shown``: officers look, and pass it."""
    now = of.stage.clock()
    with of.session() as db:
        found = hold_own(db, seller, "listing", listing)
        wanted = NewListing("again", "produce", found.name, "jin", price_fen, found.available or JIN, day, None)
        mend_listing(db, found, wanted, now)
        if shown:
            passed(db, "listing", found, now)


def test_who_ordered_hears_the_new_days_and_waits_or_gives_it_up(market: Market) -> None:
    listing = market.sell(100 * JIN, ripe_in=RIPE_IN)
    first, second = market.order(listing, 40 * JIN), market.order(listing, 20 * JIN, by=market.buyer("other"))
    market.accept(first)
    seller, day = market.people["seller"], in_days(market.stage, RIPE_IN)
    move(market, seller, listing, day, price_fen=900)
    move(market, seller, listing, in_days(market.stage, LATER), shown=False)
    assert market.told("harvest_moved", "buyer") == 0
    move(market, seller, listing, in_days(market.stage, LATER))
    lot = market.lot(listing)
    assert (market.told("harvest_moved", "buyer"), market.told("harvest_moved", "other")) == (1, 1)
    assert market.read(first).due_at == lot.fails_at + LASTS["accepted"]
    said = market.stage.say("o-buyer", "我愿意等")
    assert "卖家改了采收的日子" in said
    assert "愿意等，您不用做什么" in said
    assert market.state(first) == "accepted"
    market.stage.say("o-other", "都退了吧")
    market.stage.say("o-other", "1")
    assert market.state(second) == "cancelled"
    assert codes(market.stage) == []


def test_who_ordered_what_was_in_stock_hears_it_too_and_only_the_last_word(market: Market) -> None:
    listing = market.sell(100 * JIN)
    order = market.order(listing, 40 * JIN)
    market.accept(order)
    for days in (RIPE_IN, LATER):
        market.stage.clock.move(timedelta(minutes=1))
        move(market, market.people["seller"], listing, in_days(market.stage, days))
    assert market.told("harvest_moved", "buyer") == 1
    assert "原来2026年12月14日到2027年1月28日采收，现在说2027年1月13日" in market.stage.say("o-buyer", "订单")


def test_a_day_that_came_while_officers_looked_is_the_lots_day(market: Market) -> None:
    listing = market.sell(100 * JIN, ripe_in=LATER)
    market.accept(market.order(listing, JIN))
    day = in_days(market.stage, 1)
    move(market, market.people["seller"], listing, day, shown=False)
    market.days(3)
    with market.session() as db:
        passed(db, "listing", db.get_one(Listing, listing), market.stage.clock())
    market.sweep()
    assert (market.lot(listing).first_day, market.lot(listing).state) == (day, "locked")
    assert market.told("harvest_moved", "buyer") == market.told("lot_picking", "seller") == 1


@pytest.fixture
def stall(database_url: str) -> Iterator[Stall]:
    """Oranges that are ripe in twenty days, and an order that is paid."""
    stage = Stage(database_url)
    stall = Stall(stage)
    stall.take_payment()
    move(stall, stall.seller, stall.listing, in_days(stage, RIPE_IN))
    yield stall
    stage.close()


@pytest.mark.parametrize("accepted", [True, False])
def test_what_is_paid_is_not_put_off_beyond_the_time_for_which_its_money_is_frozen(
    stall: Stall, accepted: bool
) -> None:
    order = stall.paid()
    if accepted:
        stall.act("accept", order)
    far = in_days(stall.stage, 180 - WINDOW)
    with pytest.raises(BeyondFreeze) as refused:
        move(stall, stall.seller, stall.listing, far)
    assert refused.value.values["orders"] == 1
    latest = date.fromisoformat(refused.value.values["latest"])
    with pytest.raises(BeyondFreeze):
        move(stall, stall.seller, stall.listing, latest + timedelta(days=1))
    move(stall, stall.seller, stall.listing, latest)
    with stall.session() as db:
        lot, paid = lot_of(db, stall.listing), db.get_one(Order, order)
        assert lot
        assert paid.paid_at
        over_by = lot.fails_at + FROM_YES_TO_END
        assert timedelta(0) <= paid.paid_at + timedelta(days=180) - over_by < timedelta(days=1)
    # Earlier is always free, and so is any day once the money has gone back.
    move(stall, stall.seller, stall.listing, in_days(stall.stage, 10))
    stall.act("decline", order)
    move(stall, stall.seller, stall.listing, far)
    assert [each.reason for each in stall.transfers(order)] == ["cancelled"]
    assert stall.books() == set()


def test_where_no_later_day_is_left_the_seller_reads_what_to_do(stall: Stall) -> None:
    stall.paid()
    stall.database = stall.database.execution_options(frozen_for=timedelta(days=30))
    with pytest.raises(BeyondFreeze) as refused:
        move(stall, stall.seller, stall.listing, in_days(stall.stage, LATER))
    assert refused.value.values["latest"] is None
