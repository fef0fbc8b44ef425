"""Days of sellers' accounts against the orders' ledger, through the simulator: what agrees, differs and comes right."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from bot.market.bills import enqueue_order_bills
from bot.simulator.faults import Fault, Kind
from bot.work.queues import JobQueues
from models.books.money.bills import check_bills
from models.core.database import snapshot
from models.ledger.tables import LedgerTransaction
from models.market.money.payment import OrderPayment
from models.market.money.sub_merchant import BadSubMerchant, Owner, add_sub_merchant, withdraw_sub_merchant
from models.market.money.transfer import OrderTransfer
from models.people.user import User
from models.staff.member import Staff
from models.staff.task import Task
from models.treasury.bill import BillDay, number_of
from tests.harness.money.checking_books import unguarded
from tests.harness.money.merchant import MCHID
from tests.harness.stage import Stage
from tests.scenes.money.bills import TODAY, TOMORROW_MORNING, discrepancies, told
from tests.scenes.money.order_bills import Counter, order_counter
from tests.scenes.money.stall import COOP, OTHER, TOTAL

COUNTY, LONGHUI = "431124000000", "430524000000"
DAY = timedelta(days=1)


@pytest.fixture
def till(stage: Stage) -> Iterator[Counter]:
    with order_counter(stage) as till:
        yield till
        with Database(stage.database) as db:
            assert db.scalar(select(func.count(LedgerTransaction.id))) == 0  # the donations' ledger knows nothing of it


def wrong(stage: Stage) -> list[tuple[str, int]]:
    with snapshot(stage.database.url) as connection:
        return [(one.code, one.subject_id) for one in check_bills(connection, stage.clock())]


def test_a_day_of_orders_and_refunds_agrees_to_the_fen(stage: Stage, till: Counter, redis_flushed: str) -> None:
    for grams in (10_000, 1_000, 500):
        till.sold(grams)
    back = till.give_back(till.sold(2_000))
    till.sell(paid=False)
    till.move(timedelta(minutes=5))
    till.send(back)
    jobs = JobQueues(redis_flushed)
    enqueue_order_bills(stage.database, jobs, stage.clock())  # today has no bill yet
    assert jobs.queues["slow"].jobs == []
    till.move(TOMORROW_MORNING)
    for _ in range(2):
        enqueue_order_bills(stage.database, jobs, stage.clock())
    found = [(job.func_name, job.args) for job in jobs.queues["slow"].jobs]
    jobs.redis.close()
    assert found == [("fetch_order_bills", [number_of(TODAY)])]
    till.compare()
    row = till.day()
    paid = TOTAL * 135 // 100
    assert (row.state, row.lines, row.paid_fen, row.refunded_fen, row.due_at) == ("compared", 5, paid, 1_400, None)
    assert (row.ledger_paid_fen, row.ledger_refunded_fen) == (paid, 1_400)
    assert discrepancies(stage) == []
    assert wrong(stage) == []


@pytest.mark.slow  # has a simulator of its own
def test_lost_callbacks_are_asked_about_and_found(stage: Stage, till: Counter) -> None:
    payment, back = till.sell(), till.give_back(till.sold(1_000))
    till.move(TOMORROW_MORNING)
    till.stall.end_overdue()  # the order has waited for its payment too long
    till.compare()
    assert told(stage) == []
    with Database(stage.database) as db:
        assert db.get_one(OrderPayment, payment.id).state == "paid"
        assert db.get_one(OrderTransfer, back.id).state == "done"
    assert till.stall.account(payment.order_id)[1] == TOTAL
    assert [each.reason for each in till.stall.transfers(payment.order_id)] == ["late"]
    assert till.stall.books() == set()


@pytest.mark.slow  # has a simulator of its own
def test_what_cannot_be_asked_about_is_a_discrepancy_until_it_can(stage: Stage, till: Counter) -> None:
    payment = till.sell()
    till.move(TOMORROW_MORNING)
    till.merchant.simulator.faults.add(Fault(Kind.REFUSE, where="/v3/pay/partner/transactions/out-trade-no", code=500))
    till.compare()
    [found] = discrepancies(stage)
    assert (found.kind, found.ours_state, found.theirs_fen, found.state) == ("missing_here", "prepaid", TOTAL, "open")
    till.merchant.simulator.faults.lift()
    till.move(DAY)
    till.compare()
    assert told(stage) == [("missing_here", payment.out_trade_no, "closed")]
    assert (till.day().due_at, discrepancies(stage)[0].reason) == (None, "came_right")


def test_each_way_in_which_the_two_may_differ_is_found(stage: Stage, till: Counter) -> None:
    changed, never, elsewhere = till.sold(), till.sell(paid=False), till.sold(3_000)
    refused = till.give_back(till.sold(1_000))
    stranger = till.stranger()
    moment = stage.clock()
    with unguarded(stage) as connection:
        paid = update(OrderPayment).where(OrderPayment.id == changed.id)
        connection.execute(paid.values(paid_fen=TOTAL + 1))
        says = {"state": "paid", "transaction_id": "4200000009", "paid_at": moment, "paid_fen": TOTAL}
        connection.execute(update(OrderPayment).where(OrderPayment.id == never.id).values(**says))
        done = {"state": "done", "ended_at": moment, "due_at": None}
        connection.execute(update(OrderTransfer).where(OrderTransfer.id == refused.id).values(**done))
    till.platform_order(elsewhere).paid_at -= 30 * DAY.total_seconds()
    till.move(TOMORROW_MORNING)
    till.compare()
    found = {(one.kind, one.subject, one.out_trade_no) for one in discrepancies(stage)}
    assert found >= {
        ("amount", "payment", changed.out_trade_no),
        ("ledger", "payment", changed.out_trade_no),
        ("missing_there", "payment", never.out_trade_no),
        ("ledger", "payment", never.out_trade_no),
        ("missing_there", "payment", elsewhere.out_trade_no),
        ("missing_here", "payment", stranger),
    }
    assert ("ledger", "refund") in {(kind, subject) for kind, subject, _ in found}


def test_a_late_bill_is_asked_for_again_and_one_that_never_comes_is_named(stage: Stage, till: Counter) -> None:
    till.sold()
    till.move(TOMORROW_MORNING)
    till.merchant.simulator.faults.add(Fault(Kind.DOWN, where="/v3/bill"))
    till.compare()
    assert (till.day().state, till.day().trouble, till.day().tries) == ("wanted", "Unreachable", 1)
    till.compare()  # not due again yet
    assert till.day().tries == 1
    till.move(3 * DAY)
    assert wrong(stage) == [("bill_missing", number_of(TODAY))]
    till.merchant.simulator.faults.lift()
    till.compare()
    assert (till.day().state, told(stage), wrong(stage)) == ("compared", [], [])


@pytest.mark.slow  # has a simulator of its own
def test_one_account_whose_bill_cannot_be_had_keeps_no_other_back(stage: Stage, till: Counter) -> None:
    till.sold()
    with till.stall.session() as db:
        withdraw_sub_merchant(db, COOP, stage.clock())
        add_sub_merchant(db, Owner("user", till.stall.seller), OTHER, stage.clock())
    till.sold(1_000)
    till.move(TOMORROW_MORNING)
    del till.merchant.simulator.pay.orders.sub_merchants[COOP]  # the seller left the partner
    till.compare()
    assert (till.day().state, till.day().trouble) == ("wanted", "NO_AUTH")
    assert till.day(account=OTHER).state == "compared"


@pytest.mark.slow  # has a simulator of its own
def test_a_withdrawn_number_has_bills_until_its_money_has_gone_its_way(stage: Stage, till: Counter) -> None:
    payment = till.sold()
    with till.stall.session() as db:
        withdraw_sub_merchant(db, COOP, stage.clock())
    till.move(TOMORROW_MORNING + DAY)
    back = till.give_back(payment)
    till.move(timedelta(minutes=5))
    till.send(back)
    till.move(5 * DAY)
    for day in range(3):
        till.compare(TODAY + day * DAY)
    with Database(stage.database) as db:
        days = db.scalars(select(BillDay.day).order_by(BillDay.day)).all()
    assert days == [TODAY, TODAY + DAY, TODAY + 2 * DAY]
    assert (told(stage), wrong(stage)) == ([], [])


def test_a_discrepancy_is_a_task_of_the_sellers_county_and_of_nobody_else(stage: Stage, till: Counter) -> None:
    stage.appoint("o-county", "county", COUNTY, "N-COUNTY")
    stage.appoint("o-longhui", "county", LONGHUI, "N-LONGHUI")
    stage.appoint("o-holder", "fund_holder", COUNTY, "N-HOLDER")
    payment = till.sold()
    till.platform_order(payment).paid_at -= 30 * DAY.total_seconds()
    till.stranger()
    till.move(TOMORROW_MORNING)
    till.compare()
    here, there = (one.id for one in discrepancies(stage))
    with Database(stage.database) as db:
        waits = select(Task.subject, Task.step, Task.charity_id, Staff.work_no).join(Staff, Staff.id == Task.assignee)
        assert db.execute(waits).all() == [("discrepancy", "order_discrepancy", None, "N-COUNTY")]
    assert "1 查集市上对不上的账：2026年11月25日的" in stage.say("o-county", "待办")
    reply = stage.say("o-county", "对账")
    assert "集市卖家的 1 个收款账户，2026年11月25日：收 ¥8，退 ¥0，差 2 处" in reply
    [ours] = [line for line in reply.splitlines() if "我们有，账单上没有" in line]
    shown = stage.say("o-county", ours.split()[0])
    assert f"卖家的收款商户号 {COOP}，订单 " in shown
    assert "请卖家先别发" in shown
    assert "差 2 处" in stage.say("o-county", "对账 昨天")
    for other in ("o-longhui", "o-holder"):
        assert "还没有要对的账单" in stage.say(other, "对账")
        assert "没有差错" in stage.say(other, f"结案 {here} 2 退了")
    assert "结案了" in stage.say("o-county", f"结案 {here} 4 卖家自己收的，已退")
    assert "没有等着您查的了" in stage.say("o-county", f"结案 {there} 5 查清了")
    with Database(stage.database) as db:
        assert db.scalars(select(Task.id).where(Task.closed_at.is_(None))).all() == []
    assert wrong(stage) == []


def test_a_charitys_number_is_no_sellers(stage: Stage, till: Counter) -> None:
    with till.stall.session() as db, pytest.raises(BadSubMerchant, match="charity"):
        add_sub_merchant(db, Owner("user", till.stall.buyer), MCHID, stage.clock())


@pytest.mark.slow  # has a simulator of its own
def test_an_erased_sellers_days_are_still_its_countys(stage: Stage, till: Counter) -> None:
    stage.appoint("o-county", "county", COUNTY, "N-COUNTY")
    till.sold()
    till.stranger()
    with unguarded(stage) as connection:
        connection.execute(update(User).where(User.id == till.stall.seller).values(region_code=None, state="erased"))
    till.move(TOMORROW_MORNING)
    till.compare()
    with Database(stage.database) as db:
        assert db.scalars(select(Task.region_code).where(Task.subject == "discrepancy")).all() == [COUNTY]
    assert "差 1 处" in stage.say("o-county", "对账")
