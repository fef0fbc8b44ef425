"""What a payment does, once: orders, caps, late and strange payments, and pledges that nobody pays."""

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal, OwnHousehold, freeze, get_appeal
from models.books import violations
from models.core.state_machine import Actor, By
from models.giving.funding import end_funding
from models.giving.pledge import NotFunding, OverCap, Pledge, Raised, raised
from models.ledger import held, totals
from models.ledger.accounts import LedgerAccount
from models.notifications.notification import Notification
from models.payments.collection import (
    PAY_WITHIN,
    NotPayable,
    PaymentOutcome,
    begin_order,
    room,
)
from models.payments.expiry import PaidAlready, expire_pledges, let_go
from models.payments.order import ORDER_LASTS, PayOrder
from models.payments.platform_order import close_order, due_orders, keep_prepaid
from models.payments.refund import Refund
from models.payments.suspense import SuspenseItem
from models.people.user import User
from tests.harness.money.merchant import MCHID
from tests.harness.money.unowned import BY_NOBODY
from tests.harness.stage import Stage
from tests.scenes.money.gifts import donor_of, give, later, ordered, payment_of, promise, state_of, take

COUNTY = Actor(By.COUNTY, "staff:0")


def balances(stage: Stage) -> dict[str, int]:
    """Kind of account -> what is on all of them, where there is anything."""
    with Database(stage.database) as db:
        rows = db.execute(select(LedgerAccount.kind, func.sum(LedgerAccount.balance_fen)).group_by(LedgerAccount.kind))
        return {kind: int(fen) for kind, fen in rows if fen}


def told(stage: Stage, kind: str) -> list[dict[str, Any]]:
    with Database(stage.database) as db:
        return [
            json.loads(notice.facts) for notice in db.scalars(select(Notification).where(Notification.template == kind))
        ]


def assert_books_close(stage: Stage) -> None:
    with stage.database.connect() as connection:
        found = [str(one) for one in violations(connection, stage.clock()) if one.subject not in BY_NOBODY]
    assert found == []


def test_a_payment_makes_a_promise_a_gift(stage: Stage) -> None:
    appeal = stage.open_appeal()
    pledge = promise(stage, appeal, 10_000)
    assert state_of(stage, Pledge, pledge) == "awaiting_payment"
    order = ordered(stage, pledge)
    assert order.state == "prepaid"
    with Database(stage.database) as db:
        assert raised(db, [appeal])[appeal] == Raised(0, 0, 0, 0)  # nothing has come yet
    taken = take(stage, payment_of(stage, order))
    assert taken.outcome is PaymentOutcome.COMMITTED
    assert (state_of(stage, Pledge, pledge), state_of(stage, PayOrder, order.id)) == ("committed", "paid")
    assert balances(stage) == {"channel": 10_000, "appeal": 10_000}
    with Database(stage.database) as db:
        assert raised(db, [appeal])[appeal] == Raised(10_000, 1, 10_000, 0)
        assert held(db, [appeal]) == {appeal: 10_000}
    assert [facts["amount_fen"] for facts in told(stage, "payment_received")] == [10_000]
    assert [facts["paid"] for facts in told(stage, "pledged")] == [True]
    assert_books_close(stage)


def test_the_same_news_of_it_again_does_nothing(stage: Stage) -> None:
    appeal = stage.open_appeal()
    order = ordered(stage, promise(stage, appeal, 10_000))
    payment = payment_of(stage, order)
    assert [take(stage, payment).outcome for _ in range(3)] == ["committed", "repeated", "repeated"]
    assert balances(stage) == {"channel": 10_000, "appeal": 10_000}
    assert len(told(stage, "payment_received")) == len(told(stage, "pledged")) == 1
    assert_books_close(stage)


def test_two_taps_are_one_order(stage: Stage) -> None:
    pledge = promise(stage, stage.open_appeal(), 10_000)
    first, second = ordered(stage, pledge), ordered(stage, pledge)
    assert first.out_trade_no == second.out_trade_no
    times = dict.fromkeys(("created_at", "expires_at", "check_at"), stage.clock())
    numbers = {"merchant": MCHID, "out_trade_no": "ANOTHER"}
    with Database(stage.database) as db, pytest.raises(IntegrityError), db.begin():
        db.add(PayOrder(pledge_id=pledge, state="created", amount_fen=1, **numbers, **times))


def test_an_order_that_closed_gives_way_to_a_new_one(stage: Stage) -> None:
    pledge = promise(stage, stage.open_appeal(), 10_000)
    first = ordered(stage, pledge)
    later(stage, hours=3)
    with Database(stage.database) as db, db.begin():
        assert begin_order(db, MCHID, pledge, stage.clock()).id == first.id  # the platform has not closed it yet
        close_order(db, PayOrder, first.id, stage.clock())
    second = ordered(stage, pledge)
    assert second.out_trade_no != first.out_trade_no
    assert take(stage, payment_of(stage, second)).outcome is PaymentOutcome.COMMITTED


def test_a_closed_order_that_is_paid_all_the_same_counts(stage: Stage) -> None:
    appeal = stage.open_appeal()
    first = ordered(stage, promise(stage, appeal, 10_000))
    with Database(stage.database) as db, db.begin():
        close_order(db, PayOrder, first.id, stage.clock())
    assert take(stage, payment_of(stage, first)).outcome is PaymentOutcome.COMMITTED
    assert_books_close(stage)


def test_the_second_order_of_a_paid_gift_goes_back_and_the_gift_stays(stage: Stage) -> None:
    appeal = stage.open_appeal()
    pledge = promise(stage, appeal, 10_000)
    first = ordered(stage, pledge)
    with Database(stage.database) as db, db.begin():
        close_order(db, PayOrder, first.id, stage.clock())
    second = ordered(stage, pledge)
    assert take(stage, payment_of(stage, second)).outcome is PaymentOutcome.COMMITTED
    taken = take(stage, payment_of(stage, first))
    assert taken.outcome is PaymentOutcome.REFUND_OWED
    assert state_of(stage, Pledge, pledge) == "committed"
    assert balances(stage) == {"channel": 20_000, "appeal": 10_000, "refunds": 10_000}
    with Database(stage.database) as db:
        assert db.get_one(Refund, taken.refund_id).reason == "twice"
    assert_books_close(stage)


def _freeze(stage: Stage, appeal: int) -> None:
    with Database(stage.database) as db, db.begin():
        freeze(db, get_appeal(db, appeal, lock=True), COUNTY, stage.clock(), "money_misuse")


def _end(stage: Stage, appeal: int) -> None:
    later(stage, days=61)
    with Database(stage.database) as db, db.begin():
        end_funding(db, stage.clock())


def _join(stage: Stage, appeal: int) -> None:
    """The donor has moved into the household that asks."""
    donor = donor_of(stage, "oDonor")
    with Database(stage.database) as db, db.begin():
        household = db.get_one(Appeal, appeal).household_id
        db.execute(update(User).where(User.id == donor).values(household_id=household))


@pytest.mark.parametrize("happens", [_freeze, _end, _join])
def test_what_comes_too_late_goes_back_in_full(stage: Stage, happens: Any) -> None:
    appeal = stage.open_appeal()
    pledge = promise(stage, appeal, 10_000)
    order = ordered(stage, pledge)
    happens(stage, appeal)
    taken = take(stage, payment_of(stage, order))
    assert taken.outcome is PaymentOutcome.REFUND_OWED
    assert state_of(stage, Pledge, pledge) == "refund_pending"
    assert balances(stage) == {"channel": 10_000, "refunds": 10_000}
    with Database(stage.database) as db:
        assert totals(db, appeal).public == 0
        refund = db.get_one(Refund, taken.refund_id)
        assert (refund.amount_fen, refund.reason, refund.pay_order_id) == (10_000, "late", order.id)
    assert len(told(stage, "payment_late")) == 1
    assert told(stage, "pledged") == []
    assert take(stage, payment_of(stage, order)).outcome is PaymentOutcome.REPEATED
    assert_books_close(stage)


def test_a_payment_of_an_expired_pledge_goes_back(stage: Stage) -> None:
    pledge = promise(stage, stage.open_appeal(), 10_000)
    order = ordered(stage, pledge)
    later(stage, days=4)
    with Database(stage.database) as db, db.begin():
        assert expire_pledges(db, stage.clock()) == 0  # somebody may be paying it
        close_order(db, PayOrder, order.id, stage.clock())
        assert expire_pledges(db, stage.clock()) == 1
    assert state_of(stage, Pledge, pledge) == "expired"
    assert take(stage, payment_of(stage, order)).outcome is PaymentOutcome.REFUND_OWED
    assert state_of(stage, Pledge, pledge) == "refund_pending"
    assert_books_close(stage)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"fen": 9_999}, "other_amount"),
        ({"fen": 1_000_000}, "other_amount"),
        ({"out_trade_no": "NEVER"}, "unknown_order"),
    ],
)
def test_what_cannot_be_right_is_kept_for_a_person(stage: Stage, changes: dict[str, Any], kind: str) -> None:
    pledge = promise(stage, stage.open_appeal(), 10_000)
    order = ordered(stage, pledge)
    payment = payment_of(stage, order, **changes)
    assert [take(stage, payment).outcome for _ in range(2)] == ["suspense", "repeated"]
    assert balances(stage) == {"channel": payment.fen, "unassigned": payment.fen}
    assert state_of(stage, Pledge, pledge) == "awaiting_payment"
    with Database(stage.database) as db:
        case = db.scalars(select(SuspenseItem)).one()
        assert (case.kind, case.amount_fen, case.transaction_id) == (kind, payment.fen, payment.transaction_id)
    if kind == "other_amount":  # nobody is asked to pay again what they may have paid
        with Database(stage.database) as db, pytest.raises(NotPayable):
            begin_order(db, MCHID, pledge, stage.clock())
    assert_books_close(stage)


def test_an_order_that_is_paid_by_two_transactions_is_seen_to(stage: Stage) -> None:
    appeal = stage.open_appeal()
    order = ordered(stage, promise(stage, appeal, 10_000))
    take(stage, payment_of(stage, order))
    assert take(stage, payment_of(stage, order, transaction_id="4299")).outcome is PaymentOutcome.SUSPENSE
    assert balances(stage) == {"channel": 20_000, "appeal": 10_000, "unassigned": 10_000}
    assert_books_close(stage)


def test_an_appeal_takes_what_it_asked_for_and_no_more(stage: Stage) -> None:
    appeal = stage.open_appeal(target_fen=30_000)
    late = ordered(stage, promise(stage, appeal, 20_000, "oLate"))
    give(stage, appeal, 20_000, "oFirst")
    with pytest.raises(OverCap) as refused:
        promise(stage, appeal, 10_001, "oGreat")
    assert refused.value.values["room_fen"] == 10_000
    assert take(stage, payment_of(stage, late)).outcome is PaymentOutcome.REFUND_OWED
    with Database(stage.database) as db:
        assert db.scalars(select(Refund.reason)).all() == ["over"]
    give(stage, appeal, 10_000, "oLast")
    with Database(stage.database) as db:
        assert db.get_one(Appeal, appeal).state == "funded"
        assert totals(db, appeal).public == 30_000
    with pytest.raises(NotFunding):
        promise(stage, appeal, 100, "oMore")
    assert_books_close(stage)


def test_less_than_a_yuan_that_is_missing_counts_as_nothing(stage: Stage) -> None:
    appeal = stage.open_appeal(target_fen=30_000)
    give(stage, appeal, 29_950)
    with Database(stage.database) as db:
        assert db.get_one(Appeal, appeal).state == "funded"


def test_what_was_promised_while_nothing_was_collected_can_be_paid_and_keeps_nobody_out(stage: Stage) -> None:
    from models.giving.pledge import make_pledge

    appeal = stage.open_appeal(target_fen=30_000)
    donor = donor_of(stage, "oOld")
    with Database(stage.database) as db, db.begin():
        held_appeal = get_appeal(db, appeal, lock=True)
        old = make_pledge(db, "old", held_appeal, db.get_one(User, donor), 20_000, False, stage.clock()).id
        assert room(db, held_appeal) == 30_000
    assert promise(stage, appeal, 30_000, "oMuch")
    assert take(stage, payment_of(stage, ordered(stage, old))).outcome is PaymentOutcome.COMMITTED
    assert state_of(stage, Pledge, old) == "committed"
    assert_books_close(stage)


def test_what_was_let_go_and_is_paid_at_that_moment_goes_back(stage: Stage) -> None:
    pledge = promise(stage, stage.open_appeal(), 10_000)
    order = ordered(stage, pledge)

    def lets_go() -> None:
        with Database(stage.database) as db, db.begin():
            gift = db.get_one(Pledge, pledge)
            let_go(db, db.get_one(User, gift.donor_id), gift.code, stage.clock())

    lets_go()
    lets_go()
    assert state_of(stage, Pledge, pledge) == "cancelled"
    with Database(stage.database) as db, pytest.raises(NotPayable):
        begin_order(db, MCHID, pledge, stage.clock())
    assert take(stage, payment_of(stage, order)).outcome is PaymentOutcome.REFUND_OWED
    assert state_of(stage, Pledge, pledge) == "refund_pending"
    with pytest.raises(PaidAlready):
        lets_go()
    assert_books_close(stage)


def test_nobody_begins_to_pay_what_is_closed_paid_or_over(stage: Stage) -> None:
    appeal = stage.open_appeal()
    paid = give(stage, appeal, 10_000)
    over, frozen = promise(stage, appeal, 10_000, "oSlow"), promise(stage, appeal, 10_000, "oSlow")
    own = promise(stage, appeal, 10_000)
    with Database(stage.database) as db:
        with pytest.raises(NotPayable):
            begin_order(db, MCHID, paid, stage.clock())
        with pytest.raises(NotPayable):
            begin_order(db, MCHID, over, stage.clock() + PAY_WITHIN)
    _join(stage, appeal)
    with Database(stage.database) as db, pytest.raises(OwnHousehold):
        begin_order(db, MCHID, own, stage.clock())
    _freeze(stage, appeal)
    with Database(stage.database) as db, pytest.raises(NotFunding):
        begin_order(db, MCHID, frozen, stage.clock())


def test_an_order_ends_with_its_time_its_pledges_or_its_appeals(stage: Stage) -> None:
    appeal = stage.open_appeal()
    assert ordered(stage, promise(stage, appeal, 100, "o1")).expires_at == stage.clock() + ORDER_LASTS
    pledge = promise(stage, appeal, 100, "o2")
    later(stage, hours=71)
    assert ordered(stage, pledge).expires_at == stage.clock() + timedelta(hours=1)
    later(stage, days=57)
    last = promise(stage, appeal, 100, "o3")
    with Database(stage.database) as db:
        deadline = db.get_one(Appeal, appeal).closes_at
    assert ordered(stage, last).expires_at <= deadline
    stage.clock.now = deadline - timedelta(seconds=90)
    with Database(stage.database) as db, pytest.raises(NotFunding):
        begin_order(db, MCHID, promise(stage, appeal, 100, "o4"), stage.clock())


def test_a_paid_order_keeps_what_it_says(stage: Stage) -> None:
    order = ordered(stage, promise(stage, stage.open_appeal(), 10_000))
    take(stage, payment_of(stage, order))
    for wrong in ({"state": "closed"}, {"transaction_id": "4299"}, {"amount_fen": 1}, {"out_trade_no": "OTHER"}):
        with Database(stage.database) as db, pytest.raises(IntegrityError), db.begin():
            db.execute(update(PayOrder).values(**wrong))


def test_news_of_the_platform_that_come_late_change_nothing(stage: Stage) -> None:
    order = ordered(stage, promise(stage, stage.open_appeal(), 10_000))
    take(stage, payment_of(stage, order))
    with Database(stage.database) as db, db.begin():
        assert keep_prepaid(db, PayOrder, order.id, "wxLATE", stage.clock()).prepay_id == order.prepay_id
        close_order(db, PayOrder, order.id, stage.clock())
    assert state_of(stage, PayOrder, order.id) == "paid"


def test_the_sweep_comes_to_each_live_order_and_more_seldom_as_it_ages(stage: Stage) -> None:
    appeal = stage.open_appeal()
    order = ordered(stage, promise(stage, appeal, 10_000))
    paid = ordered(stage, promise(stage, appeal, 10_000, "oOther"))
    take(stage, payment_of(stage, paid))
    seen = []
    for minute in range(150):
        with Database(stage.database, expire_on_commit=False) as db, db.begin():
            due = due_orders(db, PayOrder, stage.clock(), 10)
            assert set(due) <= {order.id}
            seen += [minute] if due else []
            assert db.get_one(PayOrder, order.id).is_over(db, stage.clock()) is (minute >= 120)
        later(stage, minutes=1)
    assert seen[:3] == [1, 2, 3]
    before = [b - a for a, b in pairwise(seen) if b <= 120]
    assert before == sorted(before)
    assert max(before) <= 11
    assert seen[-10:] == [*range(140, 150)]
