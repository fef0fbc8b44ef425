"""A gift that goes back leaves an appeal that had enough with less: it collects again or ends, and nothing is stuck."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from models.appeals.appeal import freeze, get_appeal, resume
from models.core.money import CROWDFUND_MINIMUM
from models.core.state_machine import SYSTEM, Actor, By
from models.disbursements.approval import withdraw
from models.disbursements.disbursement import find_disbursement
from models.disbursements.payee import WAITING_PERIOD
from models.giving.funding import end_funding
from models.giving.pledge import Pledge
from models.giving.refund_run import RefundRun
from models.ledger import held
from models.notifications.broadcast import Broadcast
from models.notifications.notification import Notification
from models.payments.shortfall import settle_shortfalls
from models.staff.member import Staff
from tests.harness.stage import Stage
from tests.harness.tiers import examples
from tests.scenes.money.disbursements import asked, at, authorised, fixed, funded, paid, passed, people, state, wrong
from tests.scenes.money.gifts import give
from tests.scenes.money.matching import pool
from tests.scenes.money.refunds import hear, news_of, plan, runs, state_of, want_back

TARGET = 30_000


def standing(stage: Stage, appeal: int) -> tuple[str, int]:
    with at(stage) as db:
        return get_appeal(db, appeal).state, held(db, [appeal])[appeal]


def told(stage: Stage, kind: str = "appeal_moved") -> list[dict[str, Any]]:
    with at(stage) as db:
        notices = db.scalars(select(Notification).where(Notification.template == kind).order_by(Notification.id)).all()
        return [json.loads(each.facts) for each in notices]


def back(stage: Stage, pledge: int) -> None:
    """Asked for, and there."""
    hear(stage, news_of(stage, want_back(stage, pledge)))


def past(stage: Stage, appeal: int) -> None:
    """The last day for gifts is over."""
    with at(stage) as db:
        stage.clock.now = max(stage.clock.now, get_appeal(db, appeal).closes_at + timedelta(hours=1))
        end_funding(db, stage.clock())


def sweep(stage: Stage) -> int:
    with at(stage) as db:
        return settle_shortfalls(db, stage.clock())


def first_pledge(stage: Stage, appeal: int) -> int:
    with at(stage) as db:
        return db.scalars(select(Pledge.id).where(Pledge.appeal_id == appeal).order_by(Pledge.id)).first() or 0


# --- It collects again


def test_what_went_back_can_be_given_anew(stage: Stage) -> None:
    appeal = stage.open_appeal(target_fen=TARGET)
    give(stage, appeal, 100, "o-one")
    pledge = give(stage, appeal, TARGET - 100, "o-two")
    assert standing(stage, appeal) == ("funded", TARGET)
    back(stage, pledge)
    assert standing(stage, appeal) == ("funding", 100)
    assert "苗寨修路" in stage.say("o-new", "看求助")
    news = told(stage)[-1]
    assert (news["state"], news["missing_fen"], news["gifts"]) == ("funding", TARGET - 100, 1)
    stage.clock.move(timedelta(minutes=1))
    give(stage, appeal, TARGET - 100, "o-three")
    assert standing(stage, appeal) == ("funded", TARGET)
    assert [each["state"] for each in told(stage)] == ["funded", "funding", "funded"]
    # Whoever gave hears once that there was enough, and nobody that a gift went back.
    with at(stage) as db:
        assert list(db.scalars(select(Broadcast.template).order_by(Broadcast.id))) == ["appeal_funded"]
    assert len([each for each in told(stage, "milestone") if each["percent"] == 100]) == 1
    assert wrong(stage) == set()


def test_it_is_told_to_its_owner_in_words(stage: Stage) -> None:
    appeal = stage.open_appeal(target_fen=TARGET)
    back(stage, give(stage, appeal, TARGET))
    stage.say("o-owner-0", "求助")
    assert "又开始收捐款了，大家看得到。" in stage.say("o-owner-0", "消息")


def test_what_a_pool_added_is_missing_too(stage: Stage) -> None:
    staff = people(stage)
    appeal = stage.open_appeal(target_fen=TARGET)
    pool(stage, staff["holder"], appeal=appeal, cap=TARGET // 2)
    pledge = give(stage, appeal, TARGET // 2)
    assert standing(stage, appeal) == ("funded", TARGET)
    back(stage, pledge)
    assert standing(stage, appeal) == ("funding", 0)
    assert told(stage)[-1]["missing_fen"] == TARGET
    assert wrong(stage) == set()


def test_a_gift_that_is_paid_out_for_changes_nothing(stage: Stage) -> None:
    staff = people(stage)
    appeal, use = authorised(stage, 10_000, 20_000, fen=10_000, staff=staff)
    paid(stage, use, staff)
    want_back(stage, first_pledge(stage, appeal))
    assert standing(stage, appeal)[0] == "executing"
    assert sweep(stage) == 0


# --- With what was asked for of it


def requested(stage: Stage, fen: int, *gifts: int) -> tuple[int, int]:
    staff = people(stage)
    appeal = funded(stage, *gifts, holder=staff["holder"])
    fixed(stage, appeal)
    stage.clock.move(WAITING_PERIOD)
    use = asked(stage, appeal, fen)
    passed(stage, use, "endorser", "township", staff=staff)
    return appeal, use


def test_a_request_that_is_covered_goes_on(stage: Stage) -> None:
    appeal, use = requested(stage, 20_000, 10_000, 20_000)
    want_back(stage, first_pledge(stage, appeal))
    assert (standing(stage, appeal), state(stage, use)) == (("funded", 20_000), "approved")
    assert sweep(stage) == 0
    with at(stage) as db:
        owner = Actor(By.OWNER, "user:1")
        get_appeal(db, appeal, lock=True)
        withdraw(db, find_disbursement(db, use), owner, stage.clock())
    assert sweep(stage) == 1
    assert standing(stage, appeal) == ("funding", 20_000)
    assert told(stage)[-1]["withdrawn"] == 0
    assert wrong(stage) == set()


def test_one_that_is_not_covered_any_more_is_withdrawn(stage: Stage) -> None:
    appeal, use = requested(stage, 20_001, 10_000, 20_000)
    want_back(stage, first_pledge(stage, appeal))
    assert (standing(stage, appeal), state(stage, use)) == (("funding", 20_000), "withdrawn")
    assert told(stage)[-1]["withdrawn"] == 1
    assert wrong(stage) == set()


def test_stopped_meanwhile_it_collects_again_once_it_is_resumed(stage: Stage) -> None:
    appeal = stage.open_appeal(target_fen=TARGET)
    pledge, county = give(stage, appeal, TARGET), stage.appoint("o-county", "county", "431124000000")
    with at(stage) as db:
        freeze(db, get_appeal(db, appeal, lock=True), SYSTEM, stage.clock(), "other")
    back(stage, pledge)
    assert (standing(stage, appeal), sweep(stage)) == (("frozen", 0), 0)
    with at(stage) as db:
        resume(db, get_appeal(db, appeal, lock=True), db.get_one(Staff, county).actor, stage.clock())
    assert sweep(stage) == 1
    assert standing(stage, appeal) == ("funding", 0)
    assert wrong(stage) == set()


# --- After its last day


@pytest.mark.parametrize(("taken", "expected"), [(100, "funded"), (15_000, "funded"), (15_100, "failed")])
def test_after_its_last_day_it_goes_on_with_half_and_ends_with_less(stage: Stage, taken: int, expected: str) -> None:
    """With all or nothing one donor's yuan, taken back, would undo what a hundred others gave."""
    people(stage)
    appeal = stage.open_appeal(target_fen=TARGET)
    pledge, _ = give(stage, appeal, taken, "o-one"), give(stage, appeal, TARGET - taken, "o-two")
    past(stage, appeal)
    back(stage, pledge)
    assert standing(stage, appeal) == (expected, TARGET - taken)
    while any(plan(stage, number) for number in runs(stage)):
        pass
    assert standing(stage, appeal) == (expected, 0 if expected == "failed" else TARGET - taken)
    assert wrong(stage) == set()
    assert sweep(stage) == 0


@pytest.mark.parametrize(("more", "expected"), [(0, "failed"), (100, "minimum_met")])
def test_begun_with_its_minimum_it_ends_below_it(stage: Stage, more: int, expected: str) -> None:
    people(stage)
    least = CROWDFUND_MINIMUM // 2
    appeal = stage.open_appeal("crowdfund", CROWDFUND_MINIMUM, minimum_fen=least)
    pledge, _ = give(stage, appeal, 100, "o-one"), give(stage, appeal, least - 100 + more, "o-two")
    past(stage, appeal)
    assert standing(stage, appeal)[0] == "minimum_met"
    back(stage, pledge)
    assert standing(stage, appeal)[0] == expected
    with at(stage) as db:
        kinds = list(db.scalars(select(Broadcast.template).order_by(Broadcast.id)))
        assert db.scalar(select(func.count()).select_from(RefundRun)) == (expected == "failed")
    assert ("appeal_failed" in kinds) == (expected == "failed")
    assert wrong(stage) == set()


@pytest.mark.search
def test_in_whatever_order_gifts_come_and_go_none_of_it_is_stuck(stage: Stage) -> None:
    @settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.data())
    def check(yuan: list[int], data: st.DataObject) -> None:
        appeal = stage.open_appeal(target_fen=sum(yuan) * 100)
        gifts = [give(stage, appeal, each * 100, f"o-{number}") for number, each in enumerate(yuan)]
        over = data.draw(st.booleans())
        if over:
            past(stage, appeal)
        for pledge in data.draw(st.permutations(gifts)):
            if state_of(stage, Pledge, pledge) == "committed":
                want_back(stage, pledge)
            found, fen = standing(stage, appeal)
            if not over:
                assert found == "funding"
            else:
                assert found == ("funded" if 2 * fen >= sum(yuan) * 100 else "failed")
            while any(plan(stage, number) for number in runs(stage)):
                pass
        assert standing(stage, appeal) == ("failed" if over else "funding", 0)

    people(stage)
    check()
    assert wrong(stage) == set()
