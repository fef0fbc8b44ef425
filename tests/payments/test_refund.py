"""When a gift goes back and how much of it; what the platform's news do, once; and what the books say of it all."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.core.audit_trail import AuditEvent
from models.giving.pledge import Pledge
from models.ledger import held, totals
from models.ledger.accounts import LedgerAccount
from models.notifications.notification import Notification
from models.payments.refund import Refund
from models.payments.refund_desk import (
    NoSuchRefund,
    find_stuck_refund,
    list_stuck_refunds,
    mark_paid_by_hand,
    resubmit,
    resubmit_all,
)
from models.payments.refund_entitlement import (
    AllSpent,
    NoSuchGift,
    NothingPaid,
    RefundUnderWay,
    TooLongAgo,
    find_refundable,
    request_refund,
)
from models.payments.refund_result import RefundOutcome
from models.payments.refund_submission import begin_submission, mark_refused
from models.people.user import User
from models.staff.member import Staff
from models.staff.task import Task
from tests.harness.stage import Stage
from tests.scenes.money.gifts import donor_of, give, later, ordered, payment_of, promise, take
from tests.scenes.money.refunds import code_of, hear, news_of, refund_of, spend, state_of, want_back, wrong_books

COUNTY = "431124000000"


def balances(stage: Stage) -> dict[str, int]:
    with Database(stage.database) as db:
        return {
            account.kind: account.balance_fen for account in db.scalars(select(LedgerAccount)) if account.balance_fen
        }


def told(stage: Stage, kind: str) -> list[dict[str, Any]]:
    with Database(stage.database) as db:
        return [
            json.loads(notice.facts) for notice in db.scalars(select(Notification).where(Notification.template == kind))
        ]


def ask(stage: Stage, refund: Refund) -> Any:
    with Database(stage.database) as db, db.begin():
        return begin_submission(db, refund.id, stage.clock())


def stuck(stage: Stage, refund: Refund, state: str = "ABNORMAL") -> None:
    ask(stage, refund)
    assert hear(stage, news_of(stage, refund, state)) == RefundOutcome.STUCK


def holder(stage: Stage, region: str = COUNTY, openid: str = "oHolder") -> Staff:
    number = stage.appoint(openid, "fund_holder", region)
    with Database(stage.database, expire_on_commit=False) as db:
        return db.get_one(Staff, number)


def open_tasks(stage: Stage) -> list[tuple[int, str]]:
    with Database(stage.database) as db:
        tasks = db.scalars(select(Task).where(Task.subject == "refund", Task.closed_at.is_(None))).all()
        return [(task.subject_id, task.role) for task in tasks]


# --- By request of the donor


def test_a_gift_goes_back_whole_when_its_donor_asks(stage: Stage) -> None:
    appeal = stage.open_appeal()
    pledge = give(stage, appeal, 10_000)
    refund = want_back(stage, pledge)
    assert (refund.amount_fen, refund.state, refund.reason) == (10_000, "owed", "asked")
    assert state_of(stage, Pledge, pledge) == "refund_pending"
    assert balances(stage) == {"channel": 10_000, "refunds": 10_000}
    asked = ask(stage, refund)
    assert (asked.fen, asked.order_fen, asked.before) == (10_000, 10_000, False)
    assert hear(stage, news_of(stage, refund)) == RefundOutcome.DONE
    assert state_of(stage, Pledge, pledge) == "refunded"
    assert balances(stage) == {}
    (word,) = told(stage, "refunded")
    assert (word["amount_fen"], word["code"], word["why"]) == (10_000, code_of(stage, pledge), "asked")
    with Database(stage.database) as db:
        assert (totals(db, appeal).paid, totals(db, appeal).refunded, held(db, [appeal])[appeal]) == (10_000, 10_000, 0)
    assert wrong_books(stage) == []


def test_asked_for_twice_it_is_one_refund(stage: Stage) -> None:
    pledge = give(stage, stage.open_appeal(), 10_000)
    refund = want_back(stage, pledge)
    with pytest.raises(RefundUnderWay):
        want_back(stage, pledge)
    hear(stage, news_of(stage, refund))
    with pytest.raises(RefundUnderWay):
        want_back(stage, pledge)
    assert balances(stage) == {}


def test_nobody_learns_of_a_gift_that_is_not_theirs(stage: Stage) -> None:
    pledge = give(stage, stage.open_appeal(), 10_000)
    other = donor_of(stage, "oOther")
    with Database(stage.database) as db:
        refusals = []
        for code in (code_of(stage, pledge), "ZZZZZZZZZZ"):
            with pytest.raises(NoSuchGift) as refused:
                request_refund(db, db.get_one(User, other), code, stage.clock())
            refusals.append((refused.value.code, set(refused.value.values)))
    assert refusals[0] == refusals[1]


@pytest.mark.parametrize("paid", [False, True])
def test_a_promise_has_nothing_to_go_back(stage: Stage, paid: bool) -> None:
    pledge = promise(stage, stage.open_appeal(), 10_000)
    ordered(stage, pledge)
    with pytest.raises(NothingPaid):
        want_back(stage, pledge)


def test_what_was_paid_out_is_spent_and_the_rest_goes_back(stage: Stage) -> None:
    appeal = stage.open_appeal()
    pledge, other = give(stage, appeal, 10_000), give(stage, appeal, 5_000, "oOther")
    spend(stage, appeal, 5_000)
    with Database(stage.database) as db:
        gift = db.get_one(Pledge, pledge)
        found = find_refundable(db, db.get_one(User, gift.donor_id), gift.code.lower(), stage.clock())
        assert (found.fen, found.spent_fen) == (6_667, 3_333)
    refund = want_back(stage, pledge)
    assert refund.amount_fen == 6_667
    spend(stage, appeal, 3_333)
    with pytest.raises(AllSpent):
        want_back(stage, other)
    asked = ask(stage, refund)
    assert (asked.fen, asked.order_fen) == (6_667, 10_000)
    hear(stage, news_of(stage, refund))
    with Database(stage.database) as db:
        assert held(db, [appeal])[appeal] == 0
    assert not told(stage, "refunded")[0]["whole"]


def test_after_a_year_the_channel_takes_nothing_back(stage: Stage) -> None:
    pledge = give(stage, stage.open_appeal(), 10_000)
    later(stage, days=365)
    with pytest.raises(TooLongAgo):
        want_back(stage, pledge)


# --- Late, twice


def test_a_late_payment_goes_back_from_what_is_nobodys(stage: Stage) -> None:
    appeal = stage.open_appeal()
    pledge = promise(stage, appeal, 10_000)
    order = ordered(stage, pledge)
    later(stage, days=90)
    take(stage, payment_of(stage, order))
    refund = refund_of(stage, pledge)
    assert (refund.reason, refund.amount_fen) == ("late", 10_000)
    assert balances(stage) == {"channel": 10_000, "refunds": 10_000}
    hear(stage, news_of(stage, refund))
    assert balances(stage) == {}
    assert state_of(stage, Pledge, pledge) == "refunded"
    assert wrong_books(stage) == []


# --- What the platform says


def test_news_come_as_often_as_they_like(stage: Stage) -> None:
    pledge = give(stage, stage.open_appeal(), 10_000)
    refund = want_back(stage, pledge)
    ask(stage, refund)
    assert hear(stage, news_of(stage, refund, "PROCESSING")) == RefundOutcome.KNOWN
    assert [hear(stage, news_of(stage, refund)) for _ in range(3)] == ["done", "known", "known"]
    assert [hear(stage, news_of(stage, refund, state)) for state in ("PROCESSING", "ABNORMAL", "CLOSED")] == [
        RefundOutcome.KNOWN
    ] * 3
    assert len(told(stage, "refunded")) == 1
    assert open_tasks(stage) == []
    assert wrong_books(stage) == []


@pytest.mark.parametrize(
    "changes", [{"fen": 9_999}, {"order_fen": 1}, {"transaction_id": "another"}, {"out_trade_no": "ANOTHER"}], ids=str
)
def test_news_of_something_else_move_nothing_and_call_a_person(stage: Stage, changes: dict[str, Any]) -> None:
    holder(stage)
    pledge = give(stage, stage.open_appeal(), 10_000)
    refund = want_back(stage, pledge)
    ask(stage, refund)
    assert hear(stage, news_of(stage, refund, **changes)) == RefundOutcome.DIFFERS
    assert balances(stage) == {"channel": 10_000, "refunds": 10_000}
    assert (refund_of(stage, pledge).state, refund_of(stage, pledge).trouble) == ("abnormal", "differs")
    assert open_tasks(stage) == [(refund.id, "fund_holder")]
    assert wrong_books(stage) == []


def test_a_number_of_nobodys_is_said_to_be_unknown(stage: Stage) -> None:
    pledge = give(stage, stage.open_appeal(), 10_000)
    refund = want_back(stage, pledge)
    assert hear(stage, news_of(stage, refund, out_refund_no="nobodys")) == RefundOutcome.UNKNOWN


def test_of_one_order_a_minute_passes_between_two_tries(stage: Stage) -> None:
    pledge = give(stage, stage.open_appeal(), 10_000)
    refund = want_back(stage, pledge)
    first = ask(stage, refund)
    assert ask(stage, refund) is None
    later(stage, seconds=59)
    assert ask(stage, refund) is None
    later(stage, seconds=1)
    second = ask(stage, refund)
    assert (second.out_refund_no, second.before) == (first.out_refund_no, True)


def test_what_became_too_old_meanwhile_goes_to_a_person(stage: Stage) -> None:
    holder(stage)
    pledge = give(stage, stage.open_appeal(), 10_000)
    refund = want_back(stage, pledge)
    later(stage, days=366)
    assert ask(stage, refund) is None
    assert (refund_of(stage, pledge).state, refund_of(stage, pledge).trouble) == ("refused", "too_long_ago")
    assert len(open_tasks(stage)) == 1


# --- By a person


def test_abnormal_is_asked_for_again_with_the_same_number(stage: Stage) -> None:
    staff = holder(stage)
    pledge = give(stage, stage.open_appeal(), 10_000)
    refund = want_back(stage, pledge)
    stuck(stage, refund)
    assert open_tasks(stage) == [(refund.id, "fund_holder")]
    later(stage, minutes=2)
    with Database(stage.database) as db, db.begin():
        assert resubmit(db, staff, refund.id, stage.clock()).number == refund.number
    assert open_tasks(stage) == []
    later(stage, minutes=2)
    assert ask(stage, refund).out_refund_no == refund.number
    assert hear(stage, news_of(stage, refund)) == RefundOutcome.DONE
    assert wrong_books(stage) == []


def test_a_closed_one_is_asked_for_again_with_the_next_number(stage: Stage) -> None:
    staff = holder(stage)
    pledge = give(stage, stage.open_appeal(), 10_000)
    refund = want_back(stage, pledge)
    stuck(stage, refund, "CLOSED")
    with Database(stage.database) as db, db.begin():
        second = resubmit(db, staff, refund.id, stage.clock()).number
    assert second == f"{refund.out_refund_no}@2"
    later(stage, minutes=2)
    assert ask(stage, refund).out_refund_no == second
    # What is said of the first is old; that it was paid after all would be a second payment.
    assert hear(stage, news_of(stage, refund, "CLOSED")) == RefundOutcome.KNOWN
    assert hear(stage, news_of(stage, refund)) == RefundOutcome.DIFFERS
    later(stage, minutes=2)
    assert hear(stage, news_of(stage, refund_of(stage, pledge))) == RefundOutcome.DONE
    assert open_tasks(stage) == []
    assert wrong_books(stage) == []


def test_done_by_hand_is_done_and_says_by_whom(stage: Stage) -> None:
    staff = holder(stage)
    pledge = give(stage, stage.open_appeal(), 10_000)
    refund = want_back(stage, pledge)
    stuck(stage, refund)
    with Database(stage.database) as db, db.begin():
        mark_paid_by_hand(db, staff, refund.id, "other_card", stage.clock())
    assert (refund_of(stage, pledge).by_hand, balances(stage)) == (staff.id, {})
    with Database(stage.database) as db:
        paid = (AuditEvent.subject == "refund") & (AuditEvent.to_state == "paid")
        event = db.scalars(select(AuditEvent).where(paid)).one()
        assert (event.actor, event.detail) == (f"staff:{staff.id}", "other_card")
    assert hear(stage, news_of(stage, refund)) == RefundOutcome.KNOWN
    assert len(told(stage, "refunded")) == 1
    with Database(stage.database) as db, pytest.raises(NoSuchRefund):
        find_stuck_refund(db, staff, refund.id)
    assert wrong_books(stage) == []


def test_one_task_stands_for_all_that_is_stuck_of_an_appeal(stage: Stage) -> None:
    staff, appeal = holder(stage), stage.open_appeal()
    refunds = [want_back(stage, give(stage, appeal, 10_000, f"oDonor{n}")) for n in range(3)]
    for refund in refunds:
        asked = ask(stage, refund)
        with Database(stage.database) as db, db.begin():
            mark_refused(db, asked, "NOT_ENOUGH", stage.clock())
    assert open_tasks(stage) == [(refunds[0].id, "fund_holder")]
    with Database(stage.database) as db, db.begin():
        resubmit(db, staff, refunds[0].id, stage.clock())
    assert open_tasks(stage) == [(refunds[1].id, "fund_holder")]
    assert wrong_books(stage) == []
    with Database(stage.database) as db, db.begin():
        assert resubmit_all(db, staff, appeal, stage.clock()) == [refunds[1].id, refunds[2].id]
    assert open_tasks(stage) == []
    assert wrong_books(stage) == []


def test_another_countys_fund_holder_sees_none_of_it(stage: Stage) -> None:
    other = holder(stage, "430524000000", "oElsewhere")
    refund = want_back(stage, give(stage, stage.open_appeal(), 10_000))
    stuck(stage, refund)
    with Database(stage.database) as db:
        assert list_stuck_refunds(db, other, 5) == []
        with pytest.raises(NoSuchRefund):
            resubmit(db, other, refund.id, stage.clock())
