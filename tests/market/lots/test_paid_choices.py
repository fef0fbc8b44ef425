"""What was paid beyond a short harvest goes back when its buyer chooses, or at the end of waiting, and never twice."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from models.core.calendar import CHINA
from models.market.listing import Listing
from models.market.lots.harvesting import say_harvested
from models.market.lots.listed import begin_lot
from models.market.orders import waiting
from models.market.orders.shortfall import reduce_harvest
from models.market.submission import set_stock
from tests.harness.stage import Stage
from tests.scenes.money.stall import TOTAL, Stall

HALF = TOTAL // 2


@pytest.fixture
def stall(database_url: str) -> Iterator[Stall]:
    """Oranges that are ripe in twenty days."""
    stage = Stage(database_url)
    stall = Stall(stage)
    stall.take_payment()
    with stall.session() as db:
        listing = db.get_one(Listing, stall.listing)
        listing.harvest_date = stage.clock().astimezone(CHINA).date() + timedelta(days=20)
        listing.harvest_until = listing.harvest_date + timedelta(days=45)
        begin_lot(db, listing, stage.clock())
    yield stall
    stage.close()


def short(stall: Stall) -> int:
    """An order that is paid, said yes to, picked, and of which a half is there."""
    order = stall.paid()
    stall.act("accept", order)
    with stall.session() as db:
        say_harvested(db, stall.seller, stall.listing, 5_000, stall.stage.clock())
    return order


def choose(stall: Stall, what: Callable[..., object], order: int) -> None:
    with stall.session() as db:
        what(db, stall.buyer, order, stall.stage.clock())


def restock(stall: Stall, grams: int) -> None:
    with stall.session() as db:
        set_stock(db, stall.seller, stall.listing, grams, stall.stage.clock())


def back(stall: Stall, order: int) -> list[tuple[str, int]]:
    return [(each.reason, each.amount_fen) for each in stall.transfers(order)]


def test_nothing_goes_back_before_the_buyer_chooses_less(stall: Stall) -> None:
    order = short(stall)
    assert back(stall, order) == []
    choose(stall, waiting.choose_less, order)
    assert back(stall, order) == [("less", HALF)]
    stall.act("hand_over", order)
    stall.stage.clock.move(timedelta(days=8))
    stall.end_overdue()
    assert back(stall, order) == [("less", HALF), ("completed", HALF)]
    assert stall.books() == set()


def test_all_of_it_goes_back(stall: Stall) -> None:
    order = short(stall)
    choose(stall, waiting.choose_wait, order)
    stall.act("cancel", order, "buyer")
    assert back(stall, order) == [("cancelled", TOTAL)]
    assert stall.books() == set()


def test_of_what_came_while_they_waited_nothing_goes_back(stall: Stall) -> None:
    order = short(stall)
    choose(stall, waiting.choose_wait, order)
    restock(stall, 2_000)
    assert back(stall, order) == []
    stall.stage.clock.move(timedelta(days=66))
    with stall.session() as db:
        assert waiting.end_choices(db, stall.stage.clock()) == 1
    assert back(stall, order) == [("less", TOTAL * 3 // 10)]
    with stall.session() as db:
        assert waiting.end_choices(db, stall.stage.clock()) == 0
    assert stall.books() == set()


def test_who_has_all_in_the_end_pays_all(stall: Stall) -> None:
    order = short(stall)
    choose(stall, waiting.choose_wait, order)
    restock(stall, 5_000)
    stall.act("hand_over", order)
    stall.stage.clock.move(timedelta(days=8))
    stall.end_overdue()
    assert back(stall, order) == [("completed", TOTAL)]
    assert stall.books() == set()


def test_of_two_shortfalls_each_fen_goes_back_once(stall: Stall) -> None:
    order = short(stall)
    choose(stall, waiting.choose_less, order)
    with stall.session() as db:
        reduce_harvest(db, stall.seller, stall.listing, 2_500, stall.stage.clock())
    stall.act("hand_over", order)
    assert back(stall, order) == [("less", HALF), ("less", HALF // 2)]
    assert stall.books() == set()
