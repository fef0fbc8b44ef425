"""What an appeal needs no more goes back, to the fen, on its owner's word or after eight months without one."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import Appeal, freeze, get_appeal, resume
from models.books.money.refunds import check_refunds
from models.core.audit_trail import AuditEvent
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By
from models.disbursements.acquittal import close_spent_accounts, hand_in_receipts
from models.disbursements.approval import withdraw
from models.disbursements.budget import NotSpendable
from models.disbursements.confirmation import answer
from models.disbursements.disbursement import Disbursement
from models.disbursements.surplus import (
    QUIET,
    REMINDED,
    NothingLeft,
    NothingSpent,
    ReceiptsMissing,
    RequestUnderWay,
    check_surplus,
    refund_quiet_surpluses,
    refund_surplus,
)
from models.giving.pledge import Pledge
from models.giving.refund_run import SURPLUS, RefundRun
from models.ledger import held
from models.notifications.notification import Notification
from models.payments.payout_return import enter_return
from models.payments.refund import Refund
from models.payments.refund_run import notify_ended
from models.staff.member import Staff
from tests.harness.money import gift_postings
from tests.harness.stage import Stage
from tests.harness.tiers import examples
from tests.scenes.money.disbursements import asked, at, owner_of, people, used, wrong
from tests.scenes.money.gifts import give
from tests.scenes.money.matching import in_pool, pool
from tests.scenes.money.refunds import hear, news_of, plan, runs

COUNTY = Actor(By.COUNTY, "staff:0")
PEOPLE: dict[Stage, dict[str, int]] = {}


def gathered(stage: Stage, *gifts: int) -> int:
    number = stage.open_appeal(target_fen=sum(gifts))
    for serial, fen in enumerate(gifts):
        give(stage, number, fen, f"o-giver-{number}-{serial}")
    return number


def shown(stage: Stage, use: int, outcome: str = "received") -> None:
    """What became of it, and what it was spent on is there."""
    with at(stage) as db:
        found = db.get_one(Disbursement, use)
        owner = owner_of(db, db.get_one(Appeal, found.appeal_id))
        answer(db, owner, found.code, outcome, stage.clock())
        picture = {"media_id": f"r{use}", "pic_url": f"http://127.0.0.1/r{use}.jpg"}
        hand_in_receipts(db, use, [picture], 1, stage.clock())


def no_more(stage: Stage, number: int) -> int:
    with at(stage) as db:
        appeal = get_appeal(db, number, lock=True)
        return refund_surplus(db, appeal, Actor(By.OWNER, f"user:{appeal.owner_id}"), stage.clock())


def refused(stage: Stage, number: int, why: type[Refusal]) -> None:
    with at(stage) as db, pytest.raises(why):
        check_surplus(db, db.get_one(Appeal, number))


def plan_all(stage: Stage) -> None:
    for number in runs(stage):
        while plan(stage, number):
            pass


def swept(stage: Stage, part: Callable[[Database, datetime], int]) -> int:
    with at(stage) as db:
        return part(db, stage.clock())


def state(stage: Stage, number: int) -> str:
    with at(stage) as db:
        return db.get_one(Appeal, number).state


def held_for(stage: Stage, number: int) -> int:
    with at(stage) as db:
        return held(db, [number])[number]


def test_what_is_left_goes_back_and_the_accounts_close(stage: Stage) -> None:
    staff, number = people(stage), gathered(stage, 10_000, 30_001, 5_000)
    refused(stage, number, NothingSpent)
    use = used(stage, number, 20_000, staff)
    refused(stage, number, ReceiptsMissing)
    shown(stage, use)
    other = asked(stage, number, 1_000)
    refused(stage, number, RequestUnderWay)
    with at(stage) as db:
        appeal = get_appeal(db, number, lock=True)
        withdraw(db, db.get_one(Disbursement, other), Actor(By.OWNER, f"user:{appeal.owner_id}"), stage.clock())
    assert no_more(stage, number) == 25_001
    refused(stage, number, NotSpendable)
    with pytest.raises(NotSpendable):
        asked(stage, number, 1_000)
    plan_all(stage)
    refused(stage, number, NothingLeft)
    assert held_for(stage, number) == 0
    assert swept(stage, close_spent_accounts) == 1
    assert state(stage, number) == "reporting"
    with at(stage) as db:
        owed = db.scalars(select(Refund).order_by(Refund.id)).all()
    for refund in owed:
        assert refund.reason == SURPLUS
        hear(stage, news_of(stage, refund))
    assert swept(stage, notify_ended) == 1
    with at(stage) as db:
        told = db.scalars(
            select(Notification.template).where(Notification.template.in_(("refunded", "refunds_done")))
        ).all()
        assert sorted(told) == ["refunded"] * 3 + ["refunds_done"] * 2
    assert wrong(stage) == set()


def test_the_last_fen_goes_back(stage: Stage) -> None:
    staff, number = people(stage), gathered(stage, 10_000)
    use = used(stage, number, 9_999, staff)
    shown(stage, use)
    assert no_more(stage, number) == 1
    plan_all(stage)
    assert held_for(stage, number) == 0
    with at(stage) as db:
        assert db.scalars(select(Refund.amount_fen)).all() == [1]


def test_what_the_bank_returns_afterwards_is_held_anew_and_may_go_back_anew(stage: Stage) -> None:
    staff, number = people(stage), gathered(stage, 10_000, 30_000)
    first, second = used(stage, number, 20_000, staff), used(stage, number, 19_999, staff)
    shown(stage, first)
    shown(stage, second, "not_received")
    with at(stage) as db:
        resume(db, get_appeal(db, number, lock=True), COUNTY, stage.clock())  # they want nothing more all the same
    assert no_more(stage, number) == 1
    plan_all(stage)
    assert swept(stage, close_spent_accounts) == 1
    assert swept(stage, notify_ended) == 0
    with at(stage) as db:
        enter_return(db, db.get_one(Staff, staff["holder"]), second, stage.clock())
        gone = db.scalars(select(Refund.pledge_id)).all()
        assert len(set(gone)) == 1  # who had the last fen left; the other has its share again
    assert state(stage, number) == "executing"
    left = held_for(stage, number)
    assert 0 < left < 19_999
    assert no_more(stage, number) == left
    plan_all(stage)
    assert held_for(stage, number) == 0
    with at(stage) as db:
        assert db.scalar(select(func.sum(Refund.amount_fen))) == 20_000
        assert db.scalar(select(func.count(RefundRun.id))) == 1
        assert list(check_refunds(db.connection(), stage.clock())) == []
    assert swept(stage, close_spent_accounts) == 1


def test_cancelled_while_it_goes_back_it_goes_on(stage: Stage) -> None:
    staff, number = people(stage), gathered(stage, 10_000)
    shown(stage, used(stage, number, 4_000, staff))
    no_more(stage, number)
    with at(stage) as db:
        appeal = get_appeal(db, number, lock=True)
        freeze(db, appeal, COUNTY, stage.clock(), "other")
        APPEALS.move(db, appeal, "cancelled", COUNTY, stage.clock())
    plan_all(stage)
    with at(stage) as db:
        assert db.scalars(select(RefundRun.reason)).one() == "cancelled"
        assert db.scalars(select(Refund.amount_fen)).one() == 6_000
        assert list(check_refunds(db.connection(), stage.clock())) == []


def test_eight_months_without_a_word_give_it_back_after_a_reminder(stage: Stage) -> None:
    staff, number = people(stage), gathered(stage, 10_000)
    shown(stage, used(stage, number, 4_000, staff))
    soon = stage.clock() + QUIET - REMINDED
    stage.clock.now = soon - timedelta(hours=1)
    assert swept(stage, refund_quiet_surpluses) == 0
    stage.clock.now = soon
    assert [swept(stage, refund_quiet_surpluses) for _ in range(2)] == [1, 0]
    with at(stage) as db:
        facts = db.scalars(select(Notification.facts).where(Notification.template == "update_due")).one()
        assert "left_fen" in str(facts)
    stage.clock.move(REMINDED - timedelta(hours=1))
    assert swept(stage, refund_quiet_surpluses) == 0
    stage.clock.move(timedelta(hours=2))
    assert [swept(stage, refund_quiet_surpluses) for _ in range(2)] == [1, 0]
    plan_all(stage)
    assert held_for(stage, number) == 0
    with at(stage) as db:
        assert db.scalars(select(AuditEvent.actor).where(AuditEvent.action == SURPLUS)).one() == "system"


def test_who_asks_after_the_reminder_has_the_time_anew(stage: Stage) -> None:
    staff, number = people(stage), gathered(stage, 10_000)
    shown(stage, used(stage, number, 4_000, staff))
    stage.clock.move(QUIET - REMINDED)
    assert swept(stage, refund_quiet_surpluses) == 1
    stage.clock.move(timedelta(days=10))
    shown(stage, used(stage, number, 1_000, staff))
    stage.clock.move(timedelta(days=60))
    assert swept(stage, refund_quiet_surpluses) == 0
    stage.clock.move(QUIET - timedelta(days=60))
    assert swept(stage, refund_quiet_surpluses) == 1  # reminded anew, not given back
    assert held_for(stage, number) == 5_000


def test_check_books_finds_what_such_an_appeal_still_holds(stage: Stage) -> None:
    staff, number = people(stage), gathered(stage, 10_000)
    shown(stage, used(stage, number, 4_000, staff))
    no_more(stage, number)
    plan_all(stage)
    with at(stage) as db:
        gift_postings.payment_received(db, number, 7, "test:late", stage.clock())
        found = {one.code for one in check_refunds(db.connection(), stage.clock())}
    assert "surplus_kept" in found


@given(st.lists(st.integers(100, 10**6), min_size=1, max_size=4), st.lists(st.floats(0.01, 0.9), max_size=2))
@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_fen_is_spent_or_its_donors(stage: Stage, gifts: list[int], uses: list[float]) -> None:
    """Each gift by its own rest, whatever was spent in how many parts."""
    if stage not in PEOPLE:
        PEOPLE[stage] = people(stage)
    staff = PEOPLE[stage]
    number, left = gathered(stage, *gifts), sum(gifts)
    for part in (0.5, *uses):
        fen = max(1, int(left * part))
        if fen < left:
            shown(stage, used(stage, number, fen, staff))
            left -= fen
    assert no_more(stage, number) == left
    plan_all(stage)
    with at(stage) as db:
        rest = select(func.sum(Refund.amount_fen)).where(Refund.appeal_id == number)
        assert db.scalar(rest) == left
        assert held(db, [number])[number] == 0
        states = set(db.scalars(select(Pledge.state).where(Pledge.appeal_id == number)))
        assert states <= {"settled", "refund_pending"}
        assert list(check_refunds(db.connection(), stage.clock())) == []


def test_what_a_pool_added_goes_back_into_it(stage: Stage) -> None:
    staff, number = people(stage), stage.open_appeal(target_fen=20_000)
    source = pool(stage, staff["holder"], cap=10_000)
    give(stage, number, 10_000, "o-giver")
    assert held_for(stage, number) == 20_000
    shown(stage, used(stage, number, 5_000, staff))
    assert no_more(stage, number) == 15_000
    plan_all(stage)
    assert held_for(stage, number) == 0
    with at(stage) as db:
        assert db.scalars(select(Refund.amount_fen)).all() == [7_500]
    assert in_pool(stage, source) == 7_500
