"""What was wrong with an order is said in time, answered by its two people, and decided by who has no part in it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from models.core.refusal import Refusal
from models.market.after_sales import answers, asking, desk
from models.market.after_sales.after_sale import LASTS, REMINDED_BEFORE, AfterSale
from models.market.after_sales.asking import (
    AskedBefore,
    NewAfterSale,
    NotReturnable,
    OnlyNotGot,
    TooLateForFresh,
    TooMuchBack,
)
from models.market.file import seller_file
from models.market.orders import views
from models.market.orders.order import Order
from models.market.orders.steps import NoSuchOrder
from models.market.rules import NO_CROPS
from models.people.user import User
from models.rights.erasure.standing import show_standing
from models.staff.conflict_of_interest import record_conflict
from models.staff.member import Staff
from models.staff.task import find_task
from models.staff.turn import HasConflict
from tests.harness.money.checking_books import codes
from tests.scenes.market import JIN, Market
from tests.scenes.market import market as market

MEIHUA = "431124101000"


def ask(market: Market, order: int, wrong: str = "spoiled", wish: str = "all", part: int | None = None) -> AfterSale:
    with market.session() as db:
        wanted = NewAfterSale(str(uuid4()), wrong, wish, part)
        return asking.ask(db, market.people["buyer"], order, wanted, market.stage.clock())


def say(market: Market, order: int, word: str) -> str:
    by = answers.WORDS[word][0]
    with market.session() as db:
        return answers.say(db, market.people[by], order, word, market.stage.clock()).state


def delivered(market: Market, listing: int, quantity: int = 2 * JIN) -> int:
    order = market.order(listing, quantity)
    market.send(order)
    market.got(order)
    return order


def age(market: Market, order: int, *, fresh: bool, hours: int) -> None:
    with market.session() as db:
        found = db.get_one(Order, order)
        found.fresh, found.delivered_at = fresh, market.stage.clock() - timedelta(hours=hours)


def test_what_spoils_is_said_within_48_hours_and_goes_not_back_without_a_reason(market: Market) -> None:
    listing = market.sell(100 * JIN)
    order = delivered(market, listing)
    with pytest.raises(NotReturnable):
        ask(market, order, "unwanted")
    age(market, order, fresh=True, hours=49)
    with pytest.raises(TooLateForFresh):
        ask(market, order)
    # What keeps may go back for seven days, for no reason at all.
    age(market, order, fresh=False, hours=160)
    assert ask(market, order, "unwanted").part_fen == market.read(order).total_fen
    on_its_way = market.order(listing, JIN)
    market.send(on_its_way)
    with pytest.raises(OnlyNotGot):
        ask(market, on_its_way)
    ask(market, on_its_way, "not_got", "again")
    with pytest.raises(AskedBefore):
        ask(market, on_its_way, "not_got", "again")
    other = delivered(market, listing)
    with pytest.raises(TooMuchBack):
        ask(market, other, "short", "part", market.read(other).total_fen + 1)
    assert codes(market.stage) == []


def test_money_that_goes_back_ends_the_order_and_stock_stays_exact(market: Market) -> None:
    listing = market.sell(100 * JIN)
    back, again, lost = delivered(market, listing), delivered(market, listing), market.order(listing, 3 * JIN)
    market.send(lost)
    ask(market, back, "spoiled", "part", 100)
    ask(market, again, "other_goods", "again")
    ask(market, lost, "not_got")
    for order in (back, again, lost):
        assert [say(market, order, word) for word in ("agree", "given_back", "settle")] == ["agreed", "done", "settled"]
    assert [market.state(each) for each in (back, again, lost)] == ["refunded", "completed", "refunded"]
    assert market.stock(listing) == (93 * JIN, 0, 4 * JIN)  # and 3 斤 are lost
    assert codes(market.stage) == []


def test_silence_goes_to_the_township_and_time_ends_the_rest(market: Market) -> None:
    market.stage.appoint("o-town", "township", MEIHUA)
    listing = market.sell(100 * JIN)
    silent, refused = delivered(market, listing), delivered(market, listing)
    first, second = ask(market, silent), ask(market, refused)
    say(market, refused, "refuse")
    market.stage.clock.move(LASTS["asked"] + timedelta(seconds=1))
    market.sweep()
    with market.session() as db:
        task = find_task(db, "after_sale", first.id)
        assert task
        assert (task.role, task.household_id) == ("township", market.read(silent).household_id)
    market.stage.clock.move(LASTS["refused"])
    market.sweep()
    with market.session() as db:
        assert [each.state for each in db.scalars(select(AfterSale).order_by(AfterSale.id))] == [
            "township",
            "dismissed",
        ]
    assert (market.state(silent), market.state(refused)) == ("after_sale", "rejected")
    with pytest.raises(answers.AfterSaleMoved):
        say(market, refused, "object")
    assert second.id != first.id
    assert codes(market.stage) == []


def test_what_never_came_is_decided_in_any_case_and_ends_with_its_buyers_word(market: Market) -> None:
    market.stage.appoint("o-town", "township", MEIHUA)
    order = market.order(market.sell(100 * JIN), 2 * JIN)
    market.send(order)
    ask(market, order, wrong="not_got")
    say(market, order, "refuse")
    market.stage.clock.move(LASTS["refused"] + timedelta(seconds=1))
    market.sweep()
    assert market.state(order) == "after_sale"
    assert "收到了，不办了" in (market.stage.say("o-buyer", f"订单 {market.read(order).code}") or "")
    assert say(market, order, "withdraw") == "withdrawn"
    assert market.state(order) == "completed"
    assert codes(market.stage) == []


def decided(market: Market, order: int, officer: str = "o-town") -> None:
    """The township decides for the buyer."""
    with market.session() as db:
        found, staff = answers.of_order(db, order), db.scalars(select(Staff).where(Staff.openid == officer)).one()
        assert found
        desk.decide_for(db, staff, found.id, ["came"], market.stage.clock(), buyer=True)


def test_what_a_seller_was_told_to_do_and_did_not_ends_and_stands_against_them(market: Market) -> None:
    """Nothing was paid online, so that no money can be fetched: the buyer hears where to claim it."""
    market.stage.appoint("o-town", "township", MEIHUA)
    listing = market.sell(100 * JIN)
    order, lost = delivered(market, listing), market.order(listing, 3 * JIN)
    market.send(lost)
    first = ask(market, order)
    ask(market, lost, "not_got", "again")
    say(market, order, "agree")
    say(market, lost, "refuse")
    say(market, lost, "object")
    decided(market, lost)
    # The township is asked twice.
    market.days((LASTS["agreed"] - REMINDED_BEFORE["agreed"]).days)
    assert market.told("after_sale_moved", "seller") == 2  # the reminders, in the place of what was not read
    market.days(REMINDED_BEFORE["agreed"].days)
    assert (market.state(order), market.state(lost)) == ("after_sale", "after_sale")
    decided(market, lost)
    decided(market, order)
    market.days(LASTS["agreed"].days)
    assert (market.state(order), market.state(lost)) == ("after_sale", "rejected")
    decided(market, order)
    market.days(LASTS["agreed"].days)
    assert (market.state(order), market.stock(listing)) == ("rejected", (95 * JIN, 0, 2 * JIN))
    assert "12315" in (market.stage.say("o-buyer", f"订单 {market.read(order).code}") or "")
    with market.session() as db:
        staff = db.scalars(select(Staff).where(Staff.openid == "o-town")).one()
        assert desk.open_file(db, staff, first.id, market.stage.clock()).unkept == 2
        assert seller_file(db, listing, NO_CROPS).unkept == 2
    assert codes(market.stage) == []


def test_who_bought_or_sold_it_or_is_kin_of_either_does_not_decide(market: Market) -> None:
    """Two officers of the township: the one is kin of the seller, the other buys; then it is the county's."""
    market.stage.appoint("o-kin", "township", MEIHUA)
    market.people["buyer"] = market.stage.register("o-town", "resident")
    market.stage.appoint("o-town", "township", MEIHUA)
    market.stage.appoint("o-county", "county", "431124000000")
    kin, buying, county = 1, 2, 3
    order = delivered(market, market.sell(100 * JIN))
    with market.session() as db:
        seller = db.get_one(User, market.people["seller"])
        assert seller.id_number
        record_conflict(db, db.get_one(Staff, kin), "kin", seller.id_number, market.stage.clock())
    found = ask(market, order)
    say(market, order, "refuse")
    say(market, order, "object")
    with market.session() as db:
        task = find_task(db, "after_sale", found.id)
        assert task
        assert (task.role, task.assignee) == ("county", county)
        for staff in (kin, buying):
            with pytest.raises(Refusal) as refused:
                desk.decide_for(db, db.get_one(Staff, staff), found.id, ["came"], market.stage.clock(), buyer=False)
            assert not isinstance(refused.value, NoSuchOrder)
        task.role = "township"
        db.flush()
        with pytest.raises(HasConflict):
            desk.decide_for(db, db.get_one(Staff, kin), found.id, ["came"], market.stage.clock(), buyer=False)
        task.role = "county"
        desk.decide_for(db, db.get_one(Staff, county), found.id, ["came"], market.stage.clock(), buyer=False)
    assert market.state(order) == "rejected"
    assert codes(market.stage) == []


def test_neither_side_speaks_for_the_other(market: Market) -> None:
    order = delivered(market, market.sell(100 * JIN))
    ask(market, order)
    for word, (side, _, _) in answers.WORDS.items():
        other = "buyer" if side == "seller" else "seller"
        with pytest.raises(NoSuchOrder), market.session() as db:
            answers.say(db, market.people[other], order, word, market.stage.clock())


def test_nobody_is_erased_out_of_a_dispute(market: Market) -> None:
    order = delivered(market, market.sell(100 * JIN))
    ask(market, order)
    code = market.read(order).code
    with market.session() as db:
        for name in ("buyer", "seller"):
            standing = show_standing(db, market.stage.person(f"o-{name}"), market.people[name])
            assert [(hold.kind, hold.name) for hold in standing.holds] == [("order", code)]


@pytest.mark.parametrize(("wish", "whole"), [("part", False), ("all", False), ("again", True)])
def test_a_complaint_shows_no_address_unless_it_is_sent_again(market: Market, wish: str, whole: bool) -> None:
    order = delivered(market, market.sell(100 * JIN))
    ask(market, order, wish=wish, part=100 if wish == "part" else None)

    def street() -> str:
        with market.session() as db:
            address = views.open_order(db, market.people["seller"], order, market.stage.clock()).address
        return address.address if address else ""

    assert street() == ""
    say(market, order, "agree")
    assert bool(street()) is whole
