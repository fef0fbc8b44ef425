"""Crowdfunding that is begun with less than its target: from which sum on, who is told what, and what it may spend."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from flows.appeals.correct_appeal import shortfall_of
from models.appeals.appeal import MACHINE, Appeal, freeze, get_appeal, resume
from models.appeals.submission import OnePerCategory, check_category_free, family_of
from models.core.money import CROWDFUND_MINIMUM, LARGEST, least_minimum
from models.core.state_machine import Actor, By, NotYours
from models.disbursements.budget import OverHeld
from models.disbursements.payee import WAITING_PERIOD
from models.giving.funding import end_funding, end_if_overdue
from models.giving.pledge import NotFunding, make_pledge, raised
from models.giving.refund_run import RefundRun
from models.ledger import held, totals
from models.notifications.broadcast import Broadcast
from models.notifications.notification import Notification
from models.people.user import User
from models.staff.member import Staff
from models.treasury.bank_entry import BankTransfer, enter
from tests.harness.stage import Stage
from tests.harness.tiers import examples
from tests.scenes.money.disbursements import asked, at, fixed, paid, passed, people, wrong
from tests.scenes.money.gifts import donor_of, give, ordered, payment_of, promise, take
from tests.scenes.money.refunds import want_back

TARGET = CROWDFUND_MINIMUM
HALF = TARGET // 2


def opened(stage: Stage, minimum_fen: int | None = HALF, target_fen: int = TARGET) -> int:
    return stage.open_appeal("crowdfund", target_fen, minimum_fen=minimum_fen)


def pledged(stage: Stage, appeal: int, fen: int) -> None:
    """A promise, which nobody is asked to pay."""
    donor = donor_of(stage, "oDonor")
    with at(stage) as db:
        held_row = get_appeal(db, appeal, lock=True)
        serial = raised(db, [appeal])[appeal].gifts
        make_pledge(db, f"p-{appeal}-{serial}", held_row, db.get_one(User, donor), fen, False, stage.clock())


def end(stage: Stage, appeal: int, past: timedelta = timedelta(0)) -> str:
    """The sweep at its deadline; where it stands then."""
    with at(stage) as db:
        stage.clock.now = get_appeal(db, appeal).closes_at + past
        end_funding(db, stage.clock())
    return standing(stage, appeal)


def standing(stage: Stage, appeal: int) -> str:
    with at(stage) as db:
        return get_appeal(db, appeal).state


def told(stage: Stage, kind: str) -> list[dict[str, Any]]:
    with at(stage) as db:
        return [
            json.loads(each.facts) for each in db.scalars(select(Notification).where(Notification.template == kind))
        ]


def spread(stage: Stage, appeal: int) -> list[str]:
    """What those who gave are told, by its template."""
    with at(stage) as db:
        return list(db.scalars(select(Broadcast.template).where(Broadcast.subject_id == appeal).order_by(Broadcast.id)))


# --- By how much it is begun


@given(st.integers(CROWDFUND_MINIMUM, LARGEST))
def test_the_least_that_may_be_named_is_half_and_never_less(target: int) -> None:
    least = least_minimum(target)
    assert 2 * least - target in (0, 1)
    assert 0 < least < target


def sums() -> st.SearchStrategy[tuple[int, int | None, int]]:
    """(target, minimum, given), with the sums that matter near to each other."""

    def of(target: int) -> st.SearchStrategy[tuple[int, int | None, int]]:
        least = least_minimum(target)
        minimum = st.none() | st.sampled_from([least, least + 1, target - 1]) | st.integers(least, target - 1)
        near = st.sampled_from([100, least - 1, least, least + 1, target - 100, target - 1, target])
        return st.tuples(st.just(target), minimum, near | st.integers(100, target))

    return st.integers(CROWDFUND_MINIMUM, CROWDFUND_MINIMUM * 4).flatmap(of)


@pytest.mark.parametrize("collects", [False, True], ids=["promised", "paid"])
@pytest.mark.search
def test_what_comes_of_it_follows_from_its_sums_and_its_day_alone(stage: Stage, collects: bool) -> None:
    @settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(sums(), st.integers(-2, 2))
    @example((TARGET, HALF, HALF), 0)
    @example((TARGET, HALF, HALF - 1), 0)
    @example((TARGET, HALF, HALF), -1)
    @example((TARGET, None, TARGET - 1), 0)
    def check(drawn: tuple[int, int | None, int], seconds: int) -> None:
        target, minimum, fen = drawn
        appeal = opened(stage, minimum, target)
        (give if collects else pledged)(stage, appeal, fen)
        found = end(stage, appeal, timedelta(seconds=seconds))
        if collects and target - fen < 100:
            expected = "funded"  # nobody can give what is missing
        elif seconds < 0:
            expected = "funding"
        elif fen >= target:
            expected = "funded"
        else:
            expected = "failed" if minimum is None or fen < minimum else "minimum_met"
        assert found == expected
        assert ("appeal_begins" in spread(stage, appeal)) is (found == "minimum_met")
        with at(stage) as db:
            runs = db.scalar(select(func.count(RefundRun.id)).where(RefundRun.appeal_id == appeal))
            assert runs == int(found == "failed" and collects)
            assert held(db, [appeal]).get(appeal, 0) == (fen if collects else 0)
        end(stage, appeal, timedelta(days=1))  # so that the next example does not find it

    check()


def test_what_went_back_before_its_day_does_not_count(stage: Stage) -> None:
    appeal = opened(stage)
    give(stage, appeal, HALF - 10_000, "oOne")
    second = give(stage, appeal, 10_000, "oTwo")
    want_back(stage, second)
    assert end(stage, appeal) == "failed"


def test_nothing_is_decided_while_it_is_stopped_and_then_by_the_same_rule(stage: Stage) -> None:
    appeal = opened(stage)
    give(stage, appeal, HALF)
    county = Actor(By.COUNTY, "staff:1")
    with at(stage) as db:
        freeze(db, get_appeal(db, appeal, lock=True), county, stage.clock(), "money_misuse")
    assert end(stage, appeal) == "frozen"
    with at(stage) as db:
        resume(db, get_appeal(db, appeal, lock=True), county, stage.clock())
    assert end(stage, appeal) == "minimum_met"


def test_a_payment_under_way_when_it_was_begun_goes_back(stage: Stage) -> None:
    """A pledge starts only while it collects: the project was begun with what was there, and with that alone."""
    appeal = opened(stage)
    give(stage, appeal, HALF)
    order = ordered(stage, promise(stage, appeal, 10_000, "oSlow"))
    assert end(stage, appeal) == "minimum_met"
    assert take(stage, payment_of(stage, order)).outcome == "refund_owed"
    with at(stage) as db:
        assert totals(db, appeal).public == HALF
    with pytest.raises(NotFunding):
        promise(stage, appeal, 10_000, "oLate")
    assert not wrong(stage)


def test_a_new_appeal_of_the_household_finds_it_begun_and_not_failed(stage: Stage) -> None:
    """Also where no sweep has come by yet."""
    begun, empty = opened(stage), opened(stage)
    give(stage, begun, HALF)
    for appeal, state in ((begun, "minimum_met"), (empty, "failed")):
        with at(stage) as db:
            stage.clock.now = max(stage.clock(), get_appeal(db, appeal).closes_at)
            owner = db.get_one(User, get_appeal(db, appeal).owner_id)
            if state == "failed":
                check_category_free(db, family_of(owner), "industry", stage.clock())
            else:
                with pytest.raises(OnePerCategory):
                    check_category_free(db, family_of(owner), "industry", stage.clock())
            assert get_appeal(db, appeal).state == state


def test_before_its_day_nothing_ends(stage: Stage) -> None:
    appeal = opened(stage)
    give(stage, appeal, HALF)
    with at(stage) as db:
        end_if_overdue(db, get_appeal(db, appeal, lock=True), stage.clock())
    assert standing(stage, appeal) == "funding"


# --- Who is told


def test_its_owner_and_all_who_gave_are_told_what_happens_next(stage: Stage) -> None:
    appeal = opened(stage)
    give(stage, appeal, HALF, "oOne")
    end(stage, appeal)
    known = {"number": appeal, "state": "minimum_met", "raised_fen": HALF, "minimum_fen": HALF, "gifts": 1}
    assert [known.items() <= facts.items() for facts in told(stage, "appeal_moved")] == [True]
    assert spread(stage, appeal) == ["appeal_begins"]
    news = stage.say("o-owner-0", "消息")
    assert "¥150,000，不到 ¥300,000，够您定的 ¥150,000 了，可以开办" in news
    assert "每一样不能超，一共不能超过收到的钱" in news
    assert end(stage, appeal, timedelta(days=1)) == "minimum_met"
    assert spread(stage, appeal) == ["appeal_begins"]


# --- What it spends


def test_it_is_spent_line_by_line_and_no_more_than_is_held(stage: Stage) -> None:
    staff, appeal = people(stage), opened(stage)
    give(stage, appeal, HALF)
    end(stage, appeal)
    with at(stage) as db:
        holder = db.get_one(Staff, staff["holder"])
        enter(db, holder, "s1", BankTransfer("settlement", HALF, "BANK000001"), stage.clock())
    fixed(stage, appeal)
    stage.clock.move(WAITING_PERIOD)
    with pytest.raises(OverHeld) as refused:
        asked(stage, appeal, HALF + 1)  # its line has twice as much
    assert refused.value.values["free_fen"] == HALF
    use = asked(stage, appeal, HALF)
    passed(stage, use, "endorser", "township", "holder", staff=staff)
    paid(stage, use, staff)
    assert standing(stage, appeal) == "executing"
    with at(stage) as db:
        assert held(db, [appeal])[appeal] == 0
        assert totals(db, appeal).public == HALF
    assert not wrong(stage)


def test_until_it_is_spent_a_gift_can_be_had_back(stage: Stage) -> None:
    appeal = opened(stage)
    give(stage, appeal, HALF, "oOne")
    second = give(stage, appeal, 10_000, "oTwo")
    end(stage, appeal)
    want_back(stage, second)
    assert standing(stage, appeal) == "minimum_met"
    with at(stage) as db:
        assert held(db, [appeal])[appeal] == HALF


# --- What the database holds


@pytest.mark.parametrize("minimum_fen", [0, -1, 1, HALF - 1, TARGET, TARGET + 1])
def test_no_appeal_has_a_minimum_outside_its_bounds(stage: Stage, minimum_fen: int) -> None:
    with pytest.raises(IntegrityError):
        opened(stage, minimum_fen)


def test_what_is_for_one_family_has_none(stage: Stage) -> None:
    with pytest.raises(IntegrityError):
        stage.open_appeal("one_to_one", 500_000, minimum_fen=300_000)


@pytest.mark.parametrize("minimum_fen", [None, HALF + 1])
def test_it_is_fixed_once_it_is_public(stage: Stage, minimum_fen: int | None) -> None:
    appeal = opened(stage)
    with pytest.raises(DBAPIError), at(stage) as db:
        db.execute(update(Appeal).where(Appeal.id == appeal).values(minimum_fen=minimum_fen))
    appeal = opened(stage, None)
    with pytest.raises(DBAPIError), at(stage) as db:
        db.execute(update(Appeal).where(Appeal.id == appeal).values(minimum_fen=HALF))


def test_none_is_begun_with_less_that_said_it_would_not_be(stage: Stage) -> None:
    appeal = opened(stage, None)
    with pytest.raises(IntegrityError), at(stage) as db:
        db.execute(update(Appeal).where(Appeal.id == appeal).values(state="minimum_met"))


def test_nobody_but_the_clock_begins_it(stage: Stage) -> None:
    appeal = opened(stage)
    for by in (By.OWNER, By.COUNTY, By.FUND_HOLDER):
        with pytest.raises(NotYours), at(stage) as db:
            MACHINE.move(db, get_appeal(db, appeal), "minimum_met", Actor(by, "x:1"), stage.clock())


# --- What was answered


@given(st.integers(CROWDFUND_MINIMUM, LARGEST), st.data())
def test_what_is_corrected_keeps_what_was_answered(target: int, data: st.DataObject) -> None:
    least = least_minimum(target)
    minimum = data.draw(st.none() | st.integers(least, target - 1))
    answers = shortfall_of(Appeal(target_fen=target, minimum_fen=minimum))
    again = {"all_back": None, "half": least, "own": answers.get("minimum")}[answers["shortfall"]]
    assert again == minimum


def test_what_its_owner_named_is_seen_before_anybody_gives(stage: Stage) -> None:
    appeal, whole = opened(stage), opened(stage, None)
    stage.register("o-giver", "donor")
    assert "最少 ¥150,000 才办" in stage.say("o-giver", "看求助")
    assert "最少要 ¥150,000 才办；没到就全退" in stage.say("o-giver", f"看 {appeal}")
    assert "筹满才办；没筹满就全退" in stage.say("o-giver", f"看 {whole}")
    assert "已有 0 笔、¥0\n" in stage.say("o-giver", f"看 {whole}")
    stage.say("o-giver", f"捐 {appeal}")
    stage.say("o-giver", "100")
    assert "最少要 ¥150,000 才办；没到就全退" in stage.say("o-giver", "1")
