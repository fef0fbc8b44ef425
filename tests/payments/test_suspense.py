"""Payments that cannot be right, settled: by the channel, by hand, or as the gift; and the books and bills with it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session as Database

from bot.payments.refunds import ask_refund
from models.appeals.appeal import Appeal
from models.books.money.payments import check_payments
from models.core.refusal import Refusal
from models.ledger import totals
from models.ledger.accounts import LedgerAccount
from models.payments.order import PayOrder
from models.payments.refund import Refund
from models.payments.refund_entitlement import NothingPaid
from models.payments.suspense import SuspenseItem
from models.payments.suspense_desk import (
    OutcomeNotAllowed,
    assign_item,
    find_suspense_item,
    list_suspense_items,
    record_refund_by_hand,
    refund_item,
)
from models.staff.conflict_of_interest import record_conflict
from models.staff.member import Staff
from models.staff.task import Task
from models.staff.turn import HasConflict
from models.treasury.bill import number_of
from tests.harness.money.merchant import MCHID
from tests.harness.racing import patient
from tests.harness.stage import Stage, id_number
from tests.harness.tiers import examples
from tests.scenes.money.bills import TODAY, TOMORROW_MORNING, Counter, counter, told
from tests.scenes.money.gifts import ordered, payment_of, promise, take
from tests.scenes.money.refunds import hear, news_of, want_back, wrong_books
from tests.scenes.money.suspense import WANTED, item_of, pledge_of, suspense_item

COUNTY = "431124000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.appoint("o-holder", "fund_holder", COUNTY, "HOLDER")
    yield stage
    stage.close()


@pytest.fixture
def till(stage: Stage) -> Iterator[Counter]:
    with counter(stage) as till:
        yield till


def holder(db: Database, work_no: str = "HOLDER") -> Staff:
    return db.scalars(select(Staff).where(Staff.work_no == work_no)).one()


def settled(stage: Stage, how: str, number: int, work_no: str = "HOLDER") -> None:
    now = stage.clock()
    with Database(stage.database) as db, db.begin():
        staff = holder(db, work_no)
        if how == "by_hand":
            record_refund_by_hand(db, staff, number, f"5000000{number:06d}", now)
        else:
            (assign_item if how == "assign" else refund_item)(db, staff, number, now)


def another_sum(stage: Stage, till: Counter, fen: int) -> tuple[PayOrder, int]:
    """An order that the channel has with another sum than ours, and that was paid there."""
    order = ordered(stage, promise(stage, stage.open_appeal(), WANTED))
    prepay_id = till.pay.order(order.out_trade_no, fen, "oAunt", "苗寨修路")
    assert till.merchant.simulator.pay.pay("oAunt", prepay_id, "123456").err_msg.endswith(":ok")
    till.hear(order)
    with Database(stage.database) as db:
        return order, db.scalars(select(SuspenseItem.id)).one()


def bill_agrees(till: Counter) -> bool:
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(number_of(TODAY))
    return told(till.stage) == []


def test_another_sum_goes_back_through_the_channel_and_the_bill_agrees(stage: Stage, till: Counter) -> None:
    _, number = another_sum(stage, till, 9_000)
    settled(stage, "give_back", number)
    with Database(stage.database) as db:
        refund = db.scalars(select(Refund)).one()
    ask_refund(stage.database, till.pay, refund.id, stage.clock)
    till.move(timedelta(minutes=10))
    till.hear_back(refund)
    with Database(stage.database) as db:
        assert db.get_one(Refund, refund.id).state == "paid"
    assert pledge_of(stage, number).state == "awaiting_payment"
    assert wrong_books(stage) == []
    assert bill_agrees(till)


def test_another_sum_that_is_taken_is_the_gift_and_goes_back_as_any_other(stage: Stage, till: Counter) -> None:
    order, number = another_sum(stage, till, 9_000)
    settled(stage, "assign", number)
    gift = pledge_of(stage, number)
    assert (gift.state, gift.amount_fen) == ("committed", 9_000)
    with Database(stage.database) as db:
        assert totals(db, gift.appeal_id).held == 9_000
    refund = want_back(stage, gift.id)
    assert refund.amount_fen == 9_000
    ask_refund(stage.database, till.pay, refund.id, stage.clock)
    till.move(timedelta(minutes=10))
    till.hear_back(refund)
    assert wrong_books(stage) == []
    stage.seal()
    assert "付了 ¥90，到账（公开账本第 2 笔）" in stage.say("o-anybody", f"查 {gift.code}")
    assert bill_agrees(till)
    assert order.amount_fen == WANTED


def test_what_nobody_knows_is_given_back_by_hand_and_the_bill_has_that_refund(stage: Stage, till: Counter) -> None:
    stage.open_appeal()
    till.give(1, 5_000)
    stranger = till.merchant.paid(800)
    ours = till.pay.query(stranger.out_trade_no)
    take(stage, payment_of(stage, PayOrder(id=1, merchant=MCHID, out_trade_no=ours.out_trade_no, amount_fen=800),
                           transaction_id=ours.transaction_id))  # fmt: skip
    with Database(stage.database) as db:
        number = db.scalars(select(SuspenseItem.id)).one()
    assert till.merchant.refund(stranger, f"5000000{number:06d}", 800).status_code == 200
    settled(stage, "by_hand", number)
    assert wrong_books(stage) == []
    assert bill_agrees(till)


def test_who_says_so_and_has_not_done_it_is_found_on_the_bill(stage: Stage, till: Counter) -> None:
    stage.open_appeal()
    till.give(1, 5_000)
    stranger = till.merchant.paid(800)
    order = PayOrder(id=1, merchant=MCHID, out_trade_no=stranger.out_trade_no, amount_fen=800)
    take(stage, payment_of(stage, order, transaction_id=stranger.transaction_id))
    with Database(stage.database) as db:
        number = db.scalars(select(SuspenseItem.id)).one()
    settled(stage, "by_hand", number)
    assert not bill_agrees(till)
    assert [one[0] for one in told(stage)] == ["missing_there"]


@pytest.mark.slow  # each kind by each way
def test_each_kind_can_be_settled_in_its_own_ways_only(stage: Stage) -> None:
    stage.open_appeal()
    ways = {
        "unknown_order": ["by_hand"],
        "other_amount": ["give_back", "assign"],
        "paid_twice": ["give_back"],
    }
    for kind, may in ways.items():
        for how in ("give_back", "assign", "by_hand"):
            number = suspense_item(stage, kind, 9_000)
            with Database(stage.database) as db:
                file = find_suspense_item(db, holder(db), number, stage.clock())
                assert file.may_assign is ("assign" in may)
            if how in may:
                settled(stage, how, number)
                assert item_of(stage, number).closed_at
            else:
                with pytest.raises(OutcomeNotAllowed):
                    settled(stage, how, number)
            assert wrong_books(stage) == []


def test_what_the_appeal_does_not_take_any_more_is_not_taken(stage: Stage) -> None:
    stage.open_appeal(target_fen=WANTED)
    number = suspense_item(stage, "other_amount", WANTED + 1)
    with pytest.raises(Refusal) as refused:
        settled(stage, "assign", number)
    assert refused.value.code == "over_cap"
    with pytest.raises(NothingPaid):
        want_back(stage, pledge_of(stage, number).id)


def test_nobody_decides_about_their_own_gift_or_kin(stage: Stage) -> None:
    appeal = stage.open_appeal()
    pledge = promise(stage, appeal, WANTED, "o-holder")
    take(stage, payment_of(stage, ordered(stage, pledge), fen=9_000, transaction_id="own"))
    with Database(stage.database) as db:
        number = db.scalars(select(SuspenseItem.id)).one()
        assert db.scalars(select(Task.assignee).where(Task.subject == "suspense_item")).one() is None
    with pytest.raises(HasConflict):
        settled(stage, "assign", number)
    other = stage.appoint("o-other", "fund_holder", COUNTY, "OTHER")
    with Database(stage.database) as db, db.begin():
        owner = db.get_one(Appeal, appeal).household_id
        record_conflict(db, db.get_one(Staff, other), "kin", id_number(3), stage.clock())
        assert owner
    with pytest.raises(HasConflict):
        settled(stage, "give_back", number, "OTHER")


def test_of_several_at_once_one_settles_it(new_database: Callable[[], str]) -> None:
    stage = patient(Stage(new_database()))
    stage.appoint("o-holder", "fund_holder", COUNTY, "HOLDER")
    stage.open_appeal()
    number = suspense_item(stage, "other_amount", 9_000)

    def attempt(turn: int) -> str:
        try:
            settled(stage, "assign" if turn % 2 else "give_back", number)
        except Refusal as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == ["done", *["no_such_suspense_item"] * 7]
    assert wrong_books(stage) == []
    stage.close()


@pytest.mark.search
def test_what_is_nobodys_is_what_waits(new_database: Callable[[], str]) -> None:
    stage = patient(Stage(new_database()))
    stage.appoint("o-holder", "fund_holder", COUNTY, "HOLDER")
    deed = st.tuples(
        st.sampled_from(["unknown_order", "other_amount", "paid_twice"]),
        st.sampled_from(["give_back", "assign", "by_hand", "nothing"]),
        st.integers(100, 20_000),
        st.booleans(),
    )

    @settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(deed, min_size=1, max_size=6))
    def walk(deeds: list[tuple[str, str, int, bool]]) -> None:
        appeal = stage.open_appeal(target_fen=40_000)
        for which, how, fen, comes_back in deeds:
            with suppress(Refusal):
                number = suspense_item(stage, which, fen)
                settled(stage, how, number) if how != "nothing" else None
            with Database(stage.database, expire_on_commit=False) as db:
                refund = db.scalars(select(Refund).order_by(Refund.id.desc())).first()
            if comes_back and refund:
                hear(stage, news_of(stage, refund))
            with Database(stage.database) as db:
                waits = sum(item.amount_fen for item in list_suspense_items(db, holder(db), 10_000))
                kinds = select(LedgerAccount.balance_fen).where(LedgerAccount.kind == "unassigned")
                assert db.scalar(kinds) == waits
                assert totals(db, appeal).held <= 40_000
        assert wrong_books(stage) == []

    walk()
    stage.close()


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ("UPDATE suspense_items SET closed_at = opened_at, outcome = 'by_hand' WHERE id = 1",
         {"suspense_settled suspense_item 1", "task_needless suspense_item 1"}),
        ("UPDATE tasks SET closed_at = opened_at WHERE subject = 'suspense_item'", {"task_missing suspense_item 1"}),
        ("UPDATE suspense_items SET outcome = 'given_back' WHERE id = 2",
         {"suspense_settled suspense_item 2", "payment_posting pay_order 2"}),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_named(stage: Stage, wrong: str, found: set[str]) -> None:
    stage.open_appeal()
    suspense_item(stage, "other_amount", 9_000)
    settled(stage, "assign", suspense_item(stage, "other_amount", 9_000))
    with stage.database.begin() as connection:
        connection.execute(text("DROP TRIGGER suspense_items_closed_once ON suspense_items"))
        connection.execute(text(wrong))
    with stage.database.connect() as connection:
        named = {f"{one.code} {one.subject} {one.subject_id}" for one in check_payments(connection, stage.clock())}
    assert named == found
