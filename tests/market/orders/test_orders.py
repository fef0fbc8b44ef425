"""An order is answered by its own two people, its address is seen for it alone, and it ends by itself."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from models.core.audit_trail import AuditEvent
from models.core.refusal import Refusal
from models.market.listing import Listing
from models.market.orders import answers, clock, views
from models.market.orders.answers import OrderMoved, OrderWaybillUsed
from models.market.orders.order import KEPT_FOR, LASTS, Order, ends_at
from models.market.orders.placing import MOST_OPEN, NotEnoughLeft, NotForSale, OwnListing, TooManyOrders
from models.market.orders.steps import NoSuchOrder
from models.people.user import User
from models.staff.member import Staff
from models.verification.case import newest_case_of
from models.verification.decisions import suspend
from tests.harness.erasing import erase_person, everything
from tests.harness.money.checking_books import codes
from tests.scenes.families import name_member, number_of
from tests.scenes.market import ADDRESS, JIN, PHONE, RECIPIENT, Market
from tests.scenes.market import market as market

COUNTY = "431124000000"


def looks(market: Market) -> list[tuple[str, str | None, int | None]]:
    """Who looked at addresses, for what, and who finds it."""
    with market.session() as db:
        read = select(AuditEvent).where(AuditEvent.subject == "order", AuditEvent.action == "read_sensitive")
        return [(each.actor, each.detail, each.about) for each in db.scalars(read.order_by(AuditEvent.id))]


def seen(market: Market, order: int, by: str) -> views.OrderLine:
    with market.session() as db:
        return views.open_order(db, market.people[by], order, market.stage.clock())


def test_the_seller_sees_the_address_from_the_yes_to_the_delivery_and_each_look_is_recorded(market: Market) -> None:
    order = market.order(market.sell(100 * JIN), 20 * JIN)
    line = seen(market, order, "seller")
    assert line.address
    assert (line.address.recipient, line.address.address) == ("覃**", "")
    assert looks(market) == []
    market.accept(order)
    line = seen(market, order, "seller")
    assert line.address
    assert (line.address.address, line.address.phone, line.address.recipient) == (ADDRESS, PHONE, RECIPIENT)
    seen(market, order, "seller")
    assert looks(market) == [(f"user:{market.people['seller']}", "ship", market.people["buyer"])] * 2
    market.send(order)
    market.got(order)
    line = seen(market, order, "seller")
    assert line.address
    assert (line.address.phone, line.address.address) == ("139****2222", "")
    assert len(looks(market)) == 2
    own = seen(market, order, "buyer")  # who may read what is theirs
    assert own.address
    assert own.address.address == ADDRESS
    assert len(looks(market)) == 2
    assert codes(market.stage) == []


def test_an_order_is_nobody_elses(market: Market) -> None:
    order = market.order(market.sell(100 * JIN), 20 * JIN)
    market.buyer("other")
    code = market.read(order).code
    acts = (answers.accept, answers.decline, answers.cancel, answers.got, answers.hand_over)
    for act in acts:
        with pytest.raises(NoSuchOrder), market.session() as db:
            act(db, market.people["other"], order, market.stage.clock())
    for number in (order, 999):
        with pytest.raises(NoSuchOrder), market.session() as db:
            views.open_order(db, market.people["other"], number, market.stage.clock())
    with pytest.raises(NoSuchOrder), market.session() as db:
        views.numbered(db, market.people["other"], code)
    # Nor does one side speak for the other.
    with pytest.raises(NoSuchOrder), market.session() as db:
        answers.accept(db, market.people["buyer"], order, market.stage.clock())
    with pytest.raises(NoSuchOrder), market.session() as db:
        answers.cancel(db, market.people["seller"], order, market.stage.clock())


def test_nobody_orders_of_their_own_household_nor_more_than_there_is_nor_without_end(market: Market) -> None:
    market.people["kin"] = market.stage.register("o-kin", "resident")
    listing = market.sell(1000 * JIN)
    with pytest.raises(OwnListing):
        market.order(listing, JIN, by="seller")
    with market.session() as db:
        db.get_one(User, market.people["kin"]).household_id = db.get_one(Listing, listing).household_id
    with pytest.raises(OwnListing):
        market.order(listing, JIN, by="kin")
    market.people["named"] = market.stage.register("o-named", "resident")
    name_member(market.stage, "o-seller", number_of(market.stage, "o-named"))
    with pytest.raises(OwnListing):
        market.order(listing, JIN, by="named")
    with pytest.raises(NotEnoughLeft):
        market.order(listing, 1000 * JIN + 1)
    for _ in range(MOST_OPEN):
        market.order(listing, JIN)
    with pytest.raises(TooManyOrders):
        market.order(listing, JIN)
    assert market.stock(listing) == (991 * JIN, 9 * JIN, 0)


def test_a_waybill_stands_on_one_parcel_and_one_box_may_hold_several_orders(market: Market) -> None:
    market.buyer("other")
    listing = market.sell(100 * JIN)
    first, second, others = market.order(listing, JIN), market.order(listing, JIN), market.order(listing, JIN, "other")
    market.send(first, "SF1234567890123")
    market.send(second, "sf 1234 5678 90123")
    with pytest.raises(OrderWaybillUsed):
        market.send(others, "SF1234567890123")
    assert (market.state(others), market.read(first).carrier) == ("placed", "sf")
    market.send(others, "SF1234567890124")
    market.send(others, "SF1234567890125")  # written anew
    assert market.read(others).waybill == "SF1234567890125"


@pytest.mark.parametrize("states", [("placed", "accepted"), ("shipped", "delivered")], ids="-".join)
def test_what_nobody_answers_ends_by_itself(market: Market, states: tuple[str, str]) -> None:
    steps: dict[str, Callable[[int], None]] = {
        "accepted": market.accept,
        "shipped": market.send,
        "delivered": market.got,
    }
    for state in states:
        listing = market.sell(100 * JIN)
        order = market.order(listing, 20 * JIN)
        for name, step in steps.items():
            if list(LASTS).index(name) <= list(LASTS).index(state):
                step(order)
        ends = ends_at(state, market.stage.clock())
        assert ends
        market.stage.clock.move(ends - market.stage.clock() - timedelta(seconds=1))
        market.sweep()
        assert market.state(order) == state
        market.stage.clock.move(timedelta(seconds=2))
        market.sweep()
        after = {"placed": "cancelled", "accepted": "cancelled", "shipped": "delivered", "delivered": "completed"}
        found = market.read(order)
        assert (found.state, found.why) == (after[state], {"placed": "silent", "accepted": "not_sent"}.get(state))
        left = 100 * JIN if found.why else 80 * JIN
        assert market.stock(listing) == (left, 0, 100 * JIN - left)
        assert (found.address is None) == (found.state == "cancelled")
    assert codes(market.stage) == []


def test_of_a_suspended_household_what_is_not_sent_is_cancelled(market: Market) -> None:
    market.stage.appoint("o-county", "county", COUNTY)
    listing = market.sell(100 * JIN)
    sent, waits, accepted = (market.order(listing, JIN) for _ in range(3))
    market.send(sent)
    market.accept(accepted)
    with market.session() as db:
        case = newest_case_of(db, market.people["seller"])
        assert case
        suspend(db, case, db.scalars(select(Staff)).one(), "complaint", market.stage.clock())
    assert [market.state(each) for each in (sent, waits, accepted)] == ["shipped", "cancelled", "cancelled"]
    assert market.read(waits).why == "suspended"
    with pytest.raises(NotForSale):
        market.order(listing, JIN)
    assert codes(market.stage) == []


def test_who_is_erased_orders_nothing_more_and_what_is_on_its_way_runs_on(market: Market) -> None:
    listing = market.sell(100 * JIN)
    sent, waits = market.order(listing, 2 * JIN), market.order(listing, 3 * JIN)
    market.send(sent, "SF1234567890123")
    with market.session() as db:
        erase_person(db, market.stage.person("o-buyer"), market.stage.clock())
    assert [market.state(each) for each in (sent, waits)] == ["shipped", "cancelled"]
    assert market.stock(listing) == (98 * JIN, 2 * JIN, 0)
    for state in ("shipped", "delivered"):
        market.stage.clock.move(LASTS[state])
        market.sweep()
    assert market.state(sent) == "completed"
    # Sealed for three years, as the law asks, and then nothing is left.
    market.stage.clock.move(KEPT_FOR - timedelta(seconds=1))
    with market.session() as db:
        assert clock.forget_old_orders(db, market.stage.clock()) == 0
    assert ADDRESS in everything(market.stage)
    market.stage.clock.move(timedelta(seconds=1))
    market.sweep()
    left = everything(market.stage)
    assert [word for word in (ADDRESS, PHONE, RECIPIENT, "SF1234567890123") if word in left] == []
    assert codes(market.stage) == []


def test_a_second_answer_is_told_where_the_order_stands(market: Market) -> None:
    listing = market.sell(100 * JIN)
    order = market.order(listing, JIN)
    with market.session() as db:
        answers.decline(db, market.people["seller"], order, market.stage.clock())
    for act in (market.accept, market.send, market.got):
        with pytest.raises(OrderMoved) as refused:
            act(order)
        assert refused.value.values["state"] == "cancelled"
    assert isinstance(refused.value, Refusal)
    assert market.stock(listing) == (100 * JIN, 0, 0)


def test_when_the_last_is_delivered_the_listing_is_sold_out(market: Market) -> None:
    listing = market.sell(5 * JIN)
    order = market.order(listing, 5 * JIN)
    market.send(order)
    market.got(order)
    with market.session() as db:
        assert db.get_one(Listing, listing).state == "sold_out"
    assert codes(market.stage) == []


def test_the_books_find_what_was_changed_beside_the_program(market: Market) -> None:
    listing = market.sell(100 * JIN)
    order = market.order(listing, 20 * JIN)
    with market.session() as db:
        found = db.get_one(Order, order)
        found.quantity, found.due_at = 10 * JIN, None
    assert codes(market.stage) == [
        f"listing_holds listing {listing}",
        f"order_total order {order}",
        f"order_clock order {order}",
    ]
