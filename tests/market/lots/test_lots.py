"""A pre-order is followed from the first word to the last: it is picked, said, sent and over, or it fails."""

from datetime import timedelta

import pytest

from models.core.calendar import CHINA
from models.goods.ending import hold_own
from models.market.after_sales.asking import NewAfterSale, ask
from models.market.listing import Listing
from models.market.lots.harvesting import NothingToHarvest
from models.market.lots.lot import NotHarvested
from models.market.lots.new_day import PickedNotSent
from models.market.orders.order import LASTS, Order
from models.market.orders.placing import BeingPicked
from models.market.submission import NewListing, mend_listing, set_stock
from tests.harness.money.checking_books import codes
from tests.scenes.goods import passed
from tests.scenes.market import JIN, Market
from tests.scenes.market import market as market

RIPE_IN, WINDOW = 20, 45


def restock(market: Market, listing: int, available: int) -> None:
    with market.session() as db:
        set_stock(db, market.people["seller"], listing, available, market.stage.clock())


def listing_state(market: Market, listing: int) -> str:
    with market.session() as db:
        return db.get_one(Listing, listing).state


def test_a_harvest_goes_from_the_first_order_to_the_last(market: Market) -> None:
    listing = market.sell(100 * JIN, ripe_in=RIPE_IN)
    lot = market.lot(listing)
    assert (lot.state, lot.last_day - lot.first_day) == ("open", timedelta(days=WINDOW))
    order = market.order(listing, 40 * JIN)
    market.accept(order)
    due = market.read(order).due_at
    assert due == lot.fails_at + LASTS["accepted"]
    with pytest.raises(NotHarvested):
        market.send(order)
    assert "还没说收了" in (market.stage.say("o-seller", f"发货 {market.read(order).code} 没有") or "")
    market.days(RIPE_IN)
    assert (market.lot(listing).state, market.told("lot_picking", "seller")) == ("locked", 1)
    market.harvest(listing)
    assert (market.lot(listing).state, market.told("lot_harvested", "buyer")) == ("harvested", 1)
    assert market.read(order).due_at == market.stage.clock() + LASTS["accepted"]
    market.send(order)
    assert market.lot(listing).state == "shipping"
    market.got(order)
    market.days(8)
    assert (market.state(order), market.lot(listing).state) == ("completed", "shipping")
    restock(market, listing, 0)
    market.sweep()
    assert market.lot(listing).state == "done"
    assert codes(market.stage) == []


def test_nobody_orders_while_it_is_picked_until_the_seller_says_what_there_is(market: Market) -> None:
    listing = market.sell(100 * JIN, ripe_in=RIPE_IN)
    market.days(RIPE_IN)
    with pytest.raises(BeingPicked):
        market.order(listing, JIN)
    assert "正在采收" in (market.stage.say("o-buyer", f"买 {listing} 1斤") or "")
    restock(market, listing, 30 * JIN)
    market.order(listing, JIN)
    assert market.lot(listing).state == "locked"
    assert codes(market.stage) == []


def test_what_is_all_ordered_is_locked_and_opens_again_with_what_comes_back(market: Market) -> None:
    listing = market.sell(10 * JIN, ripe_in=RIPE_IN)
    order = market.order(listing, 10 * JIN)
    assert market.lot(listing).state == "locked"
    market.stage.say("o-buyer", f"订单 {market.read(order).code}")
    market.stage.say("o-buyer", "1")
    market.stage.say("o-buyer", "1")
    assert (market.state(order), market.lot(listing).state) == ("cancelled", "open")
    assert codes(market.stage) == []


def test_a_harvest_may_come_early(market: Market) -> None:
    listing = market.sell(10 * JIN, ripe_in=RIPE_IN)
    market.harvest(listing)
    assert market.lot(listing).state == "harvested"
    with pytest.raises(NothingToHarvest):
        market.harvest(listing)
    order = market.order(listing, JIN)
    market.accept(order)
    assert market.read(order).due_at == market.stage.clock() + LASTS["accepted"]
    market.days(RIPE_IN + WINDOW + 5)
    assert market.lot(listing).state == "harvested"


@pytest.mark.parametrize(
    ("there", "stock", "ordered"), [(150, (110, 40, 0), 40), (60, (20, 40, 0), 40), (30, (0, 30, 0), 30)]
)
def test_what_was_picked_is_ordered_shared_or_sold(
    market: Market, there: int, stock: tuple[int, int, int], ordered: int
) -> None:
    listing = market.sell(100 * JIN, ripe_in=RIPE_IN)
    order = market.order(listing, 40 * JIN)
    market.accept(order)
    market.days(RIPE_IN)
    market.harvest(listing, there * JIN)
    assert market.stock(listing) == tuple(jin * JIN for jin in stock)
    assert (market.lot(listing).state, market.read(order).quantity) == ("harvested", ordered * JIN)
    assert codes(market.stage) == []


def test_where_nothing_grew_it_fails_at_once(market: Market) -> None:
    listing = market.sell(100 * JIN, ripe_in=RIPE_IN)
    order = market.order(listing, 40 * JIN)
    market.harvest(listing, 0)
    assert (market.lot(listing).state, market.state(order)) == ("failed", "cancelled")
    assert listing_state(market, listing) == "sold_out"
    assert codes(market.stage) == []


def test_a_window_that_ends_without_a_word_is_asked_about_and_then_fails(market: Market) -> None:
    listing = market.sell(100 * JIN, ripe_in=RIPE_IN)
    order, other = market.order(listing, 40 * JIN), market.order(listing, JIN, by=market.buyer("other"))
    market.accept(order)
    market.accept(other)
    market.days(RIPE_IN)
    market.days(WINDOW)
    assert (market.told("lot_ends", "seller"), market.lot(listing).state) == (1, "locked")
    market.days(3)
    assert market.state(order) == "accepted"
    market.days(1)
    assert (market.lot(listing).state, market.state(order), market.state(other)) == ("failed", "cancelled", "cancelled")
    assert (market.read(order).why, listing_state(market, listing)) == ("no_harvest", "expired")
    assert market.told("lot_failed", "seller") == market.told("order_ended", "buyer") == 1
    assert codes(market.stage) == []


def test_a_day_late_sweep_still_asks_before_it_fails(market: Market) -> None:
    """Each sweep does one thing: whoever was down for weeks asks first, and cancels three days later."""
    listing = market.sell(100 * JIN, ripe_in=RIPE_IN)
    market.stage.clock.move(timedelta(days=RIPE_IN + WINDOW + 30))
    for _ in range(2):
        market.sweep()
    lot = market.lot(listing)
    assert (lot.state, lot.asked_at is not None) == ("locked", True)
    market.sweep()
    assert market.lot(listing).state == "locked"
    market.days(3)
    assert market.lot(listing).state == "failed"


def test_the_books_name_a_lot_that_its_days_and_orders_speak_against(market: Market) -> None:
    listing = market.sell(100 * JIN, ripe_in=RIPE_IN)
    order = market.order(listing, JIN)
    market.accept(order)
    with market.session() as db:
        db.get_one(Order, order).due_at = market.lot(listing).begun_at
    assert f"lot_order_clock lot {market.lot(listing).id}" in codes(market.stage)
    market.stage.clock.move(timedelta(days=RIPE_IN + 2))
    assert f"lot_stuck lot {market.lot(listing).id}" in codes(market.stage)


def mend(market: Market, listing: int, jin: int, ripe_in: int | None, *, shown: bool = True) -> None:
    """Its seller changes how much there is and when it is picked. ``shown``: officers look, and pass it."""
    market.stage.clock.move(timedelta(minutes=1))
    now = market.stage.clock()
    ripe = now.astimezone(CHINA).date() + timedelta(days=ripe_in) if ripe_in else None
    with market.session() as db:
        found = hold_own(db, market.people["seller"], "listing", listing)
        wanted = NewListing("again", "produce", found.name, "jin", found.price_fen, jin * JIN, ripe, None)
        assert mend_listing(db, found, wanted, now)
        if shown:
            passed(db, "listing", found, now)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", ["shipped", "after_sale", "delivered"])
def test_the_next_harvest_is_sold_before_it_is_picked_while_the_last_order_runs_on(market: Market, way: str) -> None:
    listing = market.sell(40 * JIN, ripe_in=RIPE_IN)
    order = market.order(listing, 40 * JIN)
    market.accept(order)
    market.harvest(listing)
    market.send(order)
    if way == "after_sale":
        with market.session() as db:
            complaint = NewAfterSale("lost", "not_got", "all", None)
            ask(db, market.people["buyer"], order, complaint, market.stage.clock())
    if way == "delivered":
        market.got(order)
    mend(market, listing, 30, 60)
    lot = market.lot(listing)
    assert (lot.state, lot.harvested_at, lot.first_day > market.stage.clock().date()) == ("open", None, True)
    new = market.order(listing, 10 * JIN)
    market.accept(new)
    assert market.read(new).due_at == lot.fails_at + LASTS["accepted"]
    with pytest.raises(NotHarvested):
        market.send(new)
    for _ in range(2):
        market.days(8)
    assert market.state(order) == ("after_sale" if way == "after_sale" else "completed")
    assert codes(market.stage) == []
    market.days(44)
    market.harvest(listing)
    market.send(new)
    assert (market.lot(listing).state, market.state(new)) == ("shipping", "shipped")


def test_what_is_picked_is_sent_before_the_next_harvest_gets_a_day(market: Market) -> None:
    listing = market.sell(40 * JIN, ripe_in=RIPE_IN)
    order = market.order(listing, 10 * JIN)
    market.accept(order)
    market.harvest(listing)
    with pytest.raises(PickedNotSent) as refused:
        mend(market, listing, 30, 60)
    assert refused.value.values["orders"] == 1
    # Another price changes nothing of the day that has been kept.
    mend(market, listing, 35, RIPE_IN)
    assert market.lot(listing).state == "harvested"
    market.send(order)
    mend(market, listing, 30, 60)
    assert (market.lot(listing).state, market.state(order)) == ("open", "shipped")


def test_officers_who_look_again_do_not_say_that_it_is_picked(market: Market) -> None:
    listing = market.sell(100 * JIN, ripe_in=RIPE_IN)
    market.order(listing, 40 * JIN)
    market.days(RIPE_IN)
    with market.session() as db:
        found = hold_own(db, market.people["seller"], "listing", listing)
        again = NewListing("again", "produce", found.name, "jin", 900, 50 * JIN, found.harvest_date, None)
        assert mend_listing(db, found, again, market.stage.clock())
        passed(db, "listing", found, market.stage.clock())
    assert (listing_state(market, listing), market.lot(listing).state) == ("on_sale", "locked")
    assert market.told("lot_harvested", "buyer") == 0
