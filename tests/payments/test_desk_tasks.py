"""What the fund holder has to do stands in a queue; and what went back is told when it is over."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.donors.receipt import Receipt
from models.donors.receipt_desk import ReceiptRequest, issue, open_receipt_tasks, request_receipt
from models.giving.pledge import Pledge
from models.notifications.notification import Notification
from models.payments.refund import Refund
from models.payments.refund_run import notify_ended
from models.people.user import User
from models.staff.member import Staff
from models.staff.task import Task
from models.treasury.bill import number_of
from models.treasury.discrepancy import Discrepancy
from models.treasury.discrepancy_tasks import sync_discrepancy_tasks
from tests.harness.stage import Stage
from tests.scenes.money.bills import TODAY, TOMORROW_MORNING, Counter, counter, discrepancies
from tests.scenes.money.gifts import give
from tests.scenes.money.refunds import fail_and_plan, hear, news_of, want_back, wrong_books

COUNTY, LONGHUI = "431124000000", "430524000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    for name, region in (("holder", COUNTY), ("elsewhere", LONGHUI)):
        stage.appoint(f"o-{name}", "fund_holder", region, f"N-{name.upper()}")
    yield stage
    stage.close()


@pytest.fixture
def till(stage: Stage) -> Iterator[Counter]:
    with counter(stage) as till:
        yield till


def tasks(stage: Stage, subject: str) -> list[tuple[int, str, str | None]]:
    """(number, step, whose) of the open ones."""
    with Database(stage.database) as db:
        rows = select(Task.subject_id, Task.step, Staff.work_no).outerjoin(Staff, Staff.id == Task.assignee)
        found = rows.where(Task.subject == subject, Task.closed_at.is_(None)).order_by(Task.id)
        return [(row[0], row[1], row[2]) for row in db.execute(found)]


def told(stage: Stage, openid: str, kind: str) -> int:
    person = stage.person(openid)
    with Database(stage.database) as db:
        theirs = select(Notification).where(Notification.conversation_id == person, Notification.template == kind)
        return len(db.scalars(theirs).all())


def test_the_discrepancies_of_a_day_are_one_task_until_the_last_is_closed(stage: Stage, till: Counter) -> None:
    till.give(stage.open_appeal(), 5_000)
    for fen in (301, 302):
        till.merchant.paid(fen)
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(number_of(TODAY))
    first, second = (one.id for one in discrepancies(stage))
    assert tasks(stage, "discrepancy") == [(first, "discrepancy", "N-HOLDER")]
    assert told(stage, "o-holder", "task_new") == 1
    assert told(stage, "o-elsewhere", "task_new") == 0
    assert wrong_books(stage) == []
    assert "1 查对不上的账：2026年11月25日的" in stage.say("o-holder", "待办")
    assert "账单上有，我们没有" in stage.say("o-holder", "1")
    assert till.reconciler.fetch_bill(number_of(TODAY))  # compared again, nothing new
    assert told(stage, "o-holder", "task_new") == 1
    stage.say("o-holder", f"结案 {first} 4 商城的订单")
    assert tasks(stage, "discrepancy") == [(second, "discrepancy", "N-HOLDER")]
    assert told(stage, "o-holder", "task_new") == 1
    stage.say("o-holder", f"结案 {second} 4 商城的订单")
    assert tasks(stage, "discrepancy") == []
    assert "现在没有等您办的" in stage.say("o-holder", "待办")
    assert wrong_books(stage) == []


def test_each_county_has_its_own_and_what_comes_right_leaves_the_queue(stage: Stage, till: Counter) -> None:
    order = till.give(stage.open_appeal(), 123_456)
    ours = till.merchant.simulator.pay.orders.by_number(order.out_trade_no)
    ours.paid_at -= 30 * 86_400  # by the channel, on another day
    till.merchant.paid(800)
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(number_of(TODAY))
    assert [whose for _, _, whose in tasks(stage, "discrepancy")] == ["N-HOLDER", "N-HOLDER"]
    [lost] = [one.id for one in discrepancies(stage) if one.kind == "missing_there"]
    with Database(stage.database) as db, db.begin():
        for discrepancy in db.scalars(select(Discrepancy).where(Discrepancy.id == lost)):
            discrepancy.closed_at, discrepancy.reason, discrepancy.state = stage.clock(), "came_right", "closed"
        db.flush()
        sync_discrepancy_tasks(db, stage.clock())
    assert len(tasks(stage, "discrepancy")) == 1


def test_a_receipt_is_a_task_until_it_is_issued_and_again_when_its_gift_goes_back(stage: Stage) -> None:
    pledge = give(stage, stage.open_appeal(), 10_000)
    with Database(stage.database) as db, db.begin():
        donor = db.get_one(User, db.get_one(Pledge, pledge).donor_id)
        number = request_receipt(db, donor, pledge, ReceiptRequest("r-1", "person", "赵钱孙", None), stage.clock()).id
    assert tasks(stage, "receipt") == [(number, "receipt", "N-HOLDER")]
    assert "开票据：开票 1 号" in stage.say("o-holder", "待办")
    assert "赵钱孙" in stage.say("o-holder", "1")
    with Database(stage.database) as db, db.begin():
        holder = db.scalars(select(Staff).where(Staff.work_no == "N-HOLDER")).one()
        issue(db, holder, number, "0012345678", stage.clock())
    assert tasks(stage, "receipt") == []
    want_back(stage, pledge)
    for _ in range(2):
        with Database(stage.database) as db, db.begin():
            open_receipt_tasks(db, stage.clock())
        assert tasks(stage, "receipt") == [(number, "receipt_void", "N-HOLDER")]
    assert wrong_books(stage) == []
    stage.say("o-holder", "待办")
    stage.say("o-holder", "1")
    stage.say("o-holder", "1")
    assert tasks(stage, "receipt") == []
    with Database(stage.database) as db:
        assert db.get_one(Receipt, number).state == "void"


def test_the_end_of_a_run_is_told_once_and_once_more_when_what_waited_is_done(stage: Stage) -> None:
    appeal = stage.open_appeal()
    pledges = [give(stage, appeal, 1_000, f"o-donor-{n}") for n in range(3)]
    fail_and_plan(stage, appeal)

    def tell() -> tuple[int, int]:
        with Database(stage.database) as db, db.begin():
            notify_ended(db, stage.clock())
        return told(stage, "o-holder", "refunds_done"), told(stage, "o-owner-0", "refunds_done")

    with Database(stage.database, expire_on_commit=False) as db:
        refunds = {one.pledge_id: one for one in db.scalars(select(Refund))}
    assert tell() == (0, 0)
    hear(stage, news_of(stage, refunds[pledges[0]]))
    hear(stage, news_of(stage, refunds[pledges[1]]))
    assert tell() == (0, 0)
    hear(stage, news_of(stage, refunds[pledges[2]], "ABNORMAL"))
    assert [tell(), tell()] == [(1, 1), (1, 1)]
    said = stage.say("o-holder", "消息") + stage.say("o-owner-0", "消息")
    assert "2 笔、¥20 退好了，还有 1 笔退不出去，等您办" in said
    assert "还有 1 笔退不出去，慈善组织在办" in said
    hear(stage, news_of(stage, refunds[pledges[2]]))
    assert [tell(), tell()] == [(2, 2), (2, 2)]
    assert "3 笔、¥30 退好了，没有要退的了" in stage.say("o-owner-0", "消息")
