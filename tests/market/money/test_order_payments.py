"""Payments of orders: applied once, to the order that waits for them; what does not fit goes back whole."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models.core.calendar import CHINA
from models.core.refusal import Refusal
from models.market.listing import Listing
from models.market.lots.listed import begin_lot
from models.market.money.account import OtherEntry, post, post_each
from models.market.money.paying import OrderNotPayable, PaidOutcome
from models.market.money.payment import OrderPayment
from models.market.money.sub_merchant import BadSubMerchant, Owner, add_sub_merchant, withdraw_sub_merchant
from models.market.orders.answers import OrderMoved
from models.market.orders.order import Order
from models.market.orders.placing import takes_payment
from models.market.orders.steps import reserve_instead
from models.payments.platform_order import close_order, due_orders
from tests.harness.stage import Stage
from tests.scenes.money.stall import COOP, OTHER, TOTAL, Stall


@pytest.fixture
def stall(database_url: str) -> Iterator[Stall]:
    stage = Stage(database_url)
    stall = Stall(stage)
    stall.take_payment()
    yield stall
    assert stall.books() == set()
    stage.close()


def test_an_order_is_paid_before_its_seller_hears_of_it(stall: Stall) -> None:
    order = stall.order()
    assert (stall.state(order), stall.account(order)) == ("awaiting_payment", (TOTAL, 0, 0, 0))
    assert stall.told("o-seller") == []
    with pytest.raises(OrderMoved):
        stall.act("accept", order)
    with pytest.raises(OrderMoved):
        stall.act("hand_over", order)
    assert stall.report(stall.asked(order)).outcome is PaidOutcome.PAID
    assert (stall.state(order), stall.account(order)) == ("paid", (TOTAL, TOTAL, 0, 0))
    assert [kind for kind, _ in stall.told("o-seller")] == ["ordered"]
    assert [kind for kind, _ in stall.told("o-buyer")] == ["order_paid"]
    stall.act("accept", order)
    assert stall.state(order) == "accepted"


def test_without_a_number_of_its_seller_an_order_is_a_reservation(database_url: str) -> None:
    stage = Stage(database_url)
    stall = Stall(stage)
    order = stall.order()
    assert (stall.state(order), stall.account(order)) == ("placed", (0, 0, 0, 0))
    with pytest.raises(OrderNotPayable):
        stall.asked(order)
    stage.close()


def test_where_nobody_signs_for_sellers_an_order_is_a_reservation(stall: Stall) -> None:
    stall.database = stall.stage.database
    assert stall.state(stall.order()) == "placed"


def test_a_payment_counts_once_however_often_it_is_reported(stall: Stall) -> None:
    order = stall.order()
    payment = stall.asked(order)
    assert stall.asked(order).id == payment.id
    outcomes = [stall.report(payment).outcome for _ in range(3)]
    assert outcomes == [PaidOutcome.PAID, PaidOutcome.REPEATED, PaidOutcome.REPEATED]
    assert stall.report(payment, transaction_id="another").outcome is PaidOutcome.TWICE
    assert stall.account(order) == (TOTAL, TOTAL, 0, 0)


def test_another_sub_merchants_payment_and_an_unknown_one_change_nothing(stall: Stall) -> None:
    order = stall.order()
    payment = stall.asked(order)
    assert stall.report(payment, merchant=OTHER).outcome is PaidOutcome.UNKNOWN
    assert stall.report(payment, out_trade_no="unknown").outcome is PaidOutcome.UNKNOWN
    assert (stall.state(order), stall.account(order)) == ("awaiting_payment", (TOTAL, 0, 0, 0))


def test_another_sum_goes_back_and_the_order_can_still_be_paid(stall: Stall) -> None:
    order = stall.order()
    applied = stall.report(stall.asked(order), fen=TOTAL - 1)
    (back,) = stall.transfers(order)
    assert (applied.outcome, applied.transfer_id) == (PaidOutcome.BACK, back.id)
    assert (back.kind, back.reason, back.amount_fen) == ("refund", "other_amount", TOTAL - 1)
    assert stall.report(stall.asked(order)).outcome is PaidOutcome.PAID
    stall.send(back)
    assert stall.account(order) == (TOTAL, 2 * TOTAL - 1, 0, TOTAL - 1)


def test_what_is_not_paid_in_two_hours_is_cancelled_and_what_comes_later_goes_back(stall: Stall) -> None:
    order = stall.order()
    payment = stall.asked(order)
    assert stall.left() == (90_000, 10_000, 0)
    stall.stage.clock.move(timedelta(hours=2))
    assert stall.end_overdue() == 1
    assert (stall.state(order), stall.left()) == ("cancelled", (100_000, 0, 0))
    with pytest.raises(OrderNotPayable):
        stall.asked(order)
    assert stall.report(payment).outcome is PaidOutcome.BACK
    (back,) = stall.transfers(order)
    assert (back.reason, back.amount_fen) == ("late", TOTAL)
    stall.send(back)
    assert stall.account(order) == (TOTAL, TOTAL, 0, TOTAL)
    assert stall.told("o-buyer")[-1][0] == "order_refunded"


def test_what_comes_after_the_platform_closed_it_goes_back(stall: Stall) -> None:
    order = stall.order()
    payment = stall.asked(order)
    stall.act("cancel", order, "buyer")
    with stall.session() as db:
        assert db.get_one(OrderPayment, payment.id).is_over(db, stall.stage.clock())
        close_order(db, OrderPayment, payment.id, stall.stage.clock())
    assert stall.report(payment).outcome is PaidOutcome.BACK


def test_a_number_that_is_withdrawn_makes_reservations_of_what_waits(stall: Stall) -> None:
    waiting, paid = stall.order(), stall.paid()
    payment = stall.asked(waiting)
    with stall.session() as db:
        assert reserve_instead(db, withdraw_sub_merchant(db, COOP, stall.stage.clock()), stall.stage.clock()) == 1
    assert (stall.state(waiting), stall.state(paid)) == ("placed", "paid")
    assert stall.state(stall.order()) == "placed"
    with pytest.raises(OrderNotPayable):
        stall.asked(waiting)
    # What the buyer was paying at that moment is not lost, and what was paid before is the seller's in the end.
    assert stall.report(payment).outcome is PaidOutcome.BACK
    stall.act("hand_over", paid)
    stall.stage.clock.move(timedelta(days=9))
    stall.end_overdue()
    assert [each.kind for each in stall.transfers(paid)] == ["release"]


def test_a_number_is_one_sellers_for_good(stall: Stall) -> None:
    now = stall.stage.clock()
    for seller, number, why in [
        (stall.buyer, COOP, "already"),
        (stall.seller, OTHER, "withdraw that first"),
        (stall.buyer, "coop", "digits"),
        (999, OTHER, "no user"),
    ]:
        with stall.session() as db, pytest.raises(BadSubMerchant, match=why):
            add_sub_merchant(db, Owner("user", seller), number, now)
    with stall.session() as db:
        withdraw_sub_merchant(db, COOP, now)
    with stall.session() as db, pytest.raises(BadSubMerchant, match="nobody"):
        withdraw_sub_merchant(db, COOP, now)
    with stall.session() as db, pytest.raises(BadSubMerchant, match="withdrawn"):
        add_sub_merchant(db, Owner("user", stall.buyer), COOP, now)
    stall.take_payment(OTHER)


def test_payments_are_asked_about_less_and_less_often(stall: Stall) -> None:
    payment = stall.asked(stall.order())
    found = []
    for minutes in (0, 1, 1, 1, 2, 30, 1, 10):
        stall.stage.clock.move(timedelta(minutes=minutes))
        with stall.session() as db:
            found.append(due_orders(db, OrderPayment, stall.stage.clock(), 10) == [payment.id])
    assert found == [False, True, True, True, True, True, False, True]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE order_entries SET amount_fen = 1",
        "DELETE FROM order_entries",
        "UPDATE order_payments SET paid_fen = 1",
        "DELETE FROM order_payments",
        "UPDATE sub_merchants SET seller_id = seller_id + 1",
        "DELETE FROM sub_merchants",
    ],
)
def test_the_database_itself_keeps_what_was_written(stall: Stall, statement: str) -> None:
    stall.paid()
    with pytest.raises(DBAPIError, match=r"append-only|keeps its rows|are fixed"), stall.session() as db:
        db.execute(text(statement))


def test_more_never_leaves_an_order_than_was_paid(stall: Stall) -> None:
    order = stall.paid()
    with pytest.raises(DBAPIError, match="held"), stall.session() as db:
        post(db, order, "returned", TOTAL + 1, "transfer:1", stall.stage.clock())


def test_a_cause_is_posted_once_and_with_one_sum(stall: Stall) -> None:
    order = stall.order()
    with stall.session() as db:
        post(db, order, "promised", TOTAL, f"order:{order}", stall.stage.clock())
        post_each(db, "promised", [(order, TOTAL, f"order:{order}")], stall.stage.clock())
    with stall.session() as db, pytest.raises(OtherEntry):
        post(db, order, "promised", TOTAL - 1, f"order:{order}", stall.stage.clock())
    with stall.session() as db, pytest.raises(OtherEntry):
        post_each(db, "promised", [(order, TOTAL - 1, f"order:{order}")], stall.stage.clock())
    assert stall.account(order) == (TOTAL, 0, 0, 0)


@pytest.mark.parametrize(("frozen", "online"), [(29, False), (30, True)])
def test_what_is_in_stock_is_over_with_its_complaint_in_30_days(stall: Stall, frozen: int, online: bool) -> None:
    """Two days for the seller's word, seven to send it, seven on its way, seven to keep it, six more."""
    stall.database = stall.database.execution_options(frozen_for=timedelta(days=frozen))
    with stall.session() as db:
        assert takes_payment(db, db.get_one(Listing, stall.listing), stall.stage.clock()) is online


def test_what_is_refused_says_where_the_order_is(stall: Stall) -> None:
    order = stall.paid()
    with pytest.raises(Refusal) as refused:
        stall.asked(order)
    assert refused.value.values["state"] == "paid"


@pytest.mark.parametrize(("frozen", "online"), [(30, False), (96, False), (97, True)])
def test_what_may_end_after_the_freeze_is_a_reservation(stall: Stall, frozen: int, online: bool) -> None:
    """Ripe in twenty days, picked for 45, three days for the seller's word, sent, carried and kept for 22, 6 more."""
    stall.database = stall.database.execution_options(frozen_for=timedelta(days=frozen))
    with stall.session() as db:
        listing, now = db.get_one(Listing, stall.listing), stall.stage.clock()
        assert takes_payment(db, listing, now)
        listing.harvest_date = now.astimezone(CHINA).date() + timedelta(days=20)
        listing.harvest_until = listing.harvest_date + timedelta(days=45)
        begin_lot(db, listing, now)
        assert takes_payment(db, listing, now) is online
    with stall.session() as db:
        assert db.get_one(Order, stall.order()).state == ("awaiting_payment" if online else "placed")
