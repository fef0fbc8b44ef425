"""Recurring gifts: on which day somebody is asked, that nothing is taken by itself, and how one ends."""

from calendar import monthrange
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import OwnHousehold, freeze, get_appeal
from models.books import violations
from models.core.audit_trail import AuditEvent
from models.core.calendar import CHINA
from models.core.state_machine import SYSTEM, Actor, By
from models.donors import recurring_gift as rules
from models.donors.recurring_gift import (
    HOUR,
    MOST,
    EndsBefore,
    GivenThisMonth,
    NoSuchRecurringGift,
    RecurringGift,
    TooManyRecurringGifts,
    next_time,
    stop,
)
from models.giving.pledge import NotFunding, OverCap, Pledge
from models.notifications.mute import mute
from models.payments.expiry import expire_pledges
from models.people.user import User
from tests.harness.erasing import erase_person
from tests.harness.racing import patient
from tests.harness.stage import Stage
from tests.scenes.money.gifts import donor_of, give, later, ordered, payment_of, take
from tests.scenes.money.recurring_gifts import by_month, pay_month, recurring_gift_of, remind_donors, told
from tests.scenes.money.refunds import want_back

COUNTY = Actor(By.COUNTY, "staff:1")
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=5_000)).map(datetime(2026, 1, 1, tzinfo=UTC).__add__)


def moved(stage: Stage, appeal: int, *states: str) -> None:
    with Database(stage.database) as db, db.begin():
        for state in states:
            if state == "frozen":
                freeze(db, get_appeal(db, appeal, lock=True), COUNTY, stage.clock(), "complaint")
            else:
                APPEALS.move(db, get_appeal(db, appeal, lock=True), state, SYSTEM, stage.clock())


def count(stage: Stage, table: Any) -> int:
    with Database(stage.database) as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


# --- The day


@given(st.integers(1, 31), MOMENTS, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_the_day_is_the_same_each_month_or_the_months_last(day: int, before: datetime, slept: timedelta) -> None:
    now = before + slept
    found = next_time(day, before, now).astimezone(CHINA)
    assert found > now
    assert found.timetz() == HOUR
    assert found.day == min(day, monthrange(found.year, found.month)[1])
    date = (before.astimezone(CHINA).replace(day=1) + timedelta(days=31)).replace(day=1).date()
    while date.day != min(day, monthrange(date.year, date.month)[1]) or datetime.combine(date, HOUR) <= now:
        date += timedelta(days=1)
    assert found.date() == date


@given(st.integers(1, 31), MOMENTS)
def test_twelve_months_are_twelve_days(day: int, before: datetime) -> None:
    asked, moment = [], before
    for _ in range(12):
        moment = next_time(day, moment, moment)
        asked.append(moment.astimezone(CHINA))
    months = [each.year * 12 + each.month for each in asked]
    first = before.astimezone(CHINA)
    assert months == list(range(first.year * 12 + first.month + 1, first.year * 12 + first.month + 13))


def test_the_day_is_chinas(stage: Stage) -> None:
    """Half past eight in the evening of the 30th, UTC, is the 31st there; after February it is the 31st again."""
    stage.clock.now = datetime(2027, 1, 30, 20, 30, tzinfo=UTC)
    appeal = stage.open_appeal(days=200)
    number = by_month(stage, appeal)
    assert recurring_gift_of(stage, number).day == 31
    days = []
    for _ in range(3):
        stage.clock.now = recurring_gift_of(stage, number).next_at
        days.append(stage.clock().astimezone(CHINA).strftime("%m-%d %H:%M"))
        remind_donors(stage)
    assert days == ["02-28 10:00", "03-31 10:00", "04-30 10:00"]
    assert len(told(stage, "recurring_gift_due")) == 1  # the newest that waits says it for all
    assert count(stage, Pledge) == 0


def test_nobody_is_asked_before_the_hour_nor_twice(stage: Stage) -> None:
    appeal = stage.open_appeal()
    number = by_month(stage, appeal)
    stage.clock.now = recurring_gift_of(stage, number).next_at - timedelta(microseconds=1)
    remind_donors(stage)
    assert told(stage, "recurring_gift_due") == []
    later(stage, microseconds=1)
    remind_donors(stage)
    remind_donors(stage)
    assert [facts["amount_fen"] for facts in told(stage, "recurring_gift_due")] == [5_000]


def test_a_day_that_we_slept_over_is_asked_for_once_and_late(stage: Stage) -> None:
    appeal = stage.open_appeal(days=150)
    number = by_month(stage, appeal)
    later(stage, days=75)  # two days of it went by
    remind_donors(stage)
    remind_donors(stage)
    assert len(told(stage, "recurring_gift_due")) == 1
    assert recurring_gift_of(stage, number).next_at == datetime(2027, 2, 24, 2, tzinfo=UTC)


def test_of_more_than_a_page_all_are_asked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_BATCH", 2)
    appeal = stage.open_appeal()
    for turn in range(5):
        by_month(stage, appeal, openid=f"oDonor{turn}", draft=f"m-{turn}")
    later(stage, days=31)
    remind_donors(stage)
    assert len(told(stage, "recurring_gift_due")) == 5
    moved(stage, appeal, "failed")
    remind_donors(stage)
    assert len(told(stage, "recurring_gift_ended")) == 5


def test_while_nothing_can_be_paid_nobody_is_asked(stage: Stage) -> None:
    by_month(stage, stage.open_appeal())
    later(stage, days=31)
    remind_donors(stage, pay=None)
    assert told(stage, "recurring_gift_due") == []
    remind_donors(stage)
    assert len(told(stage, "recurring_gift_due")) == 1


def test_who_muted_reminders_gets_none(stage: Stage) -> None:
    appeal = stage.open_appeal()
    number = by_month(stage, appeal)
    with Database(stage.database) as db, db.begin():
        mute(db, stage.person("oDonor"), "reminders", stage.clock())
    later(stage, days=31)
    remind_donors(stage)
    assert told(stage, "recurring_gift_due") == []
    assert recurring_gift_of(stage, number).state == "active"


# --- Paying


def test_two_taps_are_one_pledge_and_a_month_takes_one_gift(stage: Stage) -> None:
    appeal = stage.open_appeal()
    by_month(stage, appeal)
    pledge = pay_month(stage, appeal)
    assert pay_month(stage, appeal).id == pledge.id
    take(stage, payment_of(stage, ordered(stage, pledge.id)))
    with pytest.raises(GivenThisMonth):
        pay_month(stage, appeal)
    later(stage, days=31)
    remind_donors(stage)
    assert pay_month(stage, appeal).id != pledge.id
    assert count(stage, Pledge) == 2


def test_what_was_not_paid_in_time_can_be_paid_by_a_new_pledge(stage: Stage) -> None:
    appeal = stage.open_appeal()
    by_month(stage, appeal)
    first = pay_month(stage, appeal)
    later(stage, days=3)
    again = pay_month(stage, appeal)  # its time is over, whether the sweep has come by or not
    assert again.id != first.id
    with Database(stage.database) as db, db.begin():
        assert expire_pledges(db, stage.clock()) == 1


def test_what_was_given_back_may_be_given_again(stage: Stage) -> None:
    appeal = stage.open_appeal()
    by_month(stage, appeal)
    first = pay_month(stage, appeal)
    take(stage, payment_of(stage, ordered(stage, first.id)))
    want_back(stage, first.id)
    assert pay_month(stage, appeal).id != first.id


def test_another_amount_makes_another_pledge(stage: Stage) -> None:
    appeal = stage.open_appeal()
    number = by_month(stage, appeal)
    first = pay_month(stage, appeal)
    assert by_month(stage, appeal, 2_000, draft="m-2") == number
    second = pay_month(stage, appeal)
    assert (first.amount_fen, second.amount_fen) == (5_000, 2_000)


def test_over_the_target_nothing_is_taken(stage: Stage) -> None:
    appeal = stage.open_appeal(target_fen=10_000)
    by_month(stage, appeal)
    give(stage, appeal, 6_000, "oOther")
    with pytest.raises(OverCap) as refusal:
        pay_month(stage, appeal)
    assert refusal.value.values["room_fen"] == 4_000
    assert count(stage, Pledge) == 1


# --- Whose, and how many


def test_the_same_draft_is_the_same_gift(stage: Stage) -> None:
    appeal = stage.open_appeal()
    assert by_month(stage, appeal) == by_month(stage, appeal)
    assert count(stage, RecurringGift) == 1


def test_of_a_stopped_one_nobody_is_asked_and_it_can_begin_anew(stage: Stage) -> None:
    appeal = stage.open_appeal(days=150)
    first = by_month(stage, appeal)
    donor = donor_of(stage, "oDonor")
    with Database(stage.database) as db, db.begin():
        stop(db, db.get_one(User, donor), appeal, stage.clock())
    with pytest.raises(NoSuchRecurringGift):
        pay_month(stage, appeal)
    later(stage, days=31)
    remind_donors(stage)
    assert told(stage, "recurring_gift_due") == []
    assert by_month(stage, appeal, draft="m-2") != first
    assert wrong(stage) == []


def test_there_are_no_more_than_fit_on_a_screen(stage: Stage) -> None:
    for turn in range(MOST):
        by_month(stage, stage.open_appeal(), draft=f"m-{turn}")
    with pytest.raises(TooManyRecurringGifts):
        by_month(stage, stage.open_appeal(), draft="m-more")
    assert by_month(stage, 1, 700, draft="m-change")  # one that there is may change


def test_what_ends_before_its_first_day_is_not_begun(stage: Stage) -> None:
    appeal = stage.open_appeal(days=30)  # ten o'clock of the 24th: the very moment
    with pytest.raises(EndsBefore):
        by_month(stage, appeal)
    later(stage, seconds=1)
    assert by_month(stage, stage.open_appeal(days=30))


def test_ones_own_household_is_refused(stage: Stage) -> None:
    appeal = stage.open_appeal()
    with pytest.raises(OwnHousehold):
        by_month(stage, appeal, openid="o-owner-0")


def test_the_database_holds_one_of_a_donor_and_appeal(stage: Stage) -> None:
    appeal = stage.open_appeal()
    by_month(stage, appeal)
    other = by_month(stage, stage.open_appeal(), draft="m-2")
    with pytest.raises(IntegrityError), Database(stage.database) as db, db.begin():
        db.execute(update(RecurringGift).where(RecurringGift.id == other).values(appeal_id=appeal))


def test_of_many_taps_at_once_there_is_one_pledge(new_database: Callable[[], str]) -> None:
    stage = patient(Stage(new_database()))
    try:
        appeal = stage.open_appeal()
        donor_of(stage, "oDonor")
        with ThreadPoolExecutor(8) as pool:
            begun = set(pool.map(lambda turn: by_month(stage, appeal, draft=f"m-{turn}"), range(8)))
            paid = {pledge.id for pledge in pool.map(lambda _: pay_month(stage, appeal), range(8))}
        assert (len(begun), len(paid), count(stage, RecurringGift), count(stage, Pledge)) == (1, 1, 1, 1)
    finally:
        stage.close()


def test_of_many_schedulers_at_once_one_asks(new_database: Callable[[], str]) -> None:
    stage = patient(Stage(new_database()))
    try:
        appeal = stage.open_appeal()
        number = by_month(stage, appeal)
        later(stage, days=31)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: remind_donors(stage), range(8)))
        assert len(told(stage, "recurring_gift_due")) == 1
        assert recurring_gift_of(stage, number).next_at == datetime(2027, 1, 24, 2, tzinfo=UTC)
    finally:
        stage.close()


# --- Frozen, over, forgotten


def test_while_its_appeal_is_frozen_nobody_is_asked(stage: Stage) -> None:
    appeal = stage.open_appeal(days=150)
    number = by_month(stage, appeal)
    moved(stage, appeal, "frozen")
    later(stage, days=31)
    remind_donors(stage)
    assert (told(stage, "recurring_gift_due"), recurring_gift_of(stage, number).state) == ([], "active")
    with pytest.raises(NotFunding):
        pay_month(stage, appeal)
    with Database(stage.database) as db, db.begin():
        APPEALS.move(db, get_appeal(db, appeal, lock=True), "funding", COUNTY, stage.clock())
    remind_donors(stage)  # the day that it was frozen on is over
    assert told(stage, "recurring_gift_due") == []
    later(stage, days=31)
    remind_donors(stage)
    assert len(told(stage, "recurring_gift_due")) == 1


@pytest.mark.parametrize("end", [("funded",), ("failed",), ("frozen", "cancelled")])
def test_it_ends_with_its_appeal_and_the_donor_hears_of_it(stage: Stage, end: tuple[str, ...]) -> None:
    appeal, other = stage.open_appeal(), stage.open_appeal()
    number, lives = by_month(stage, appeal), by_month(stage, other, draft="m-2")
    moved(stage, appeal, *end[:-1])
    with Database(stage.database) as db, db.begin():
        actor = COUNTY if end[-1] == "cancelled" else SYSTEM
        APPEALS.move(db, get_appeal(db, appeal, lock=True), end[-1], actor, stage.clock())
    remind_donors(stage, pay=None)
    remind_donors(stage)
    assert (recurring_gift_of(stage, number).state, recurring_gift_of(stage, lives).state) == ("ended", "active")
    assert [(facts["number"], facts["state"]) for facts in told(stage, "recurring_gift_ended")] == [(appeal, end[-1])]
    assert wrong(stage) == []


def test_who_is_forgotten_is_asked_for_nothing(stage: Stage) -> None:
    number = by_month(stage, stage.open_appeal())
    with Database(stage.database) as db, db.begin():
        erase_person(db, stage.person("oDonor"), stage.clock())
    later(stage, days=31)
    remind_donors(stage)
    assert recurring_gift_of(stage, number).state == "stopped"
    assert told(stage, "recurring_gift_due") == []
    with Database(stage.database) as db:
        details = db.scalars(select(AuditEvent.detail).where(AuditEvent.subject == "recurring_gift")).all()
    assert details == ["owner_erased"]


def test_the_books_see_a_state_that_nothing_led_to(stage: Stage) -> None:
    number = by_month(stage, stage.open_appeal())
    assert wrong(stage) == []
    with Database(stage.database) as db, db.begin():
        db.execute(update(RecurringGift).where(RecurringGift.id == number).values(state="ended"))
    assert wrong(stage) == ["state_differs"]


def wrong(stage: Stage) -> list[str]:
    """What the books say of recurring gifts."""
    with stage.database.connect() as connection:
        return [found.code for found in violations(connection, stage.clock()) if found.subject == "recurring_gift"]


def test_ones_own_list_shows_the_newest_and_how_many_more(stage: Stage) -> None:
    for turn in range(MOST):
        by_month(stage, stage.open_appeal(), draft=f"m-{turn}")
    said = stage.say("oDonor", "我的")
    assert f"（{MOST} 号）" in said
    assert f"还有 {MOST - 3} 个" in said
    assert len(stage.say("oDonor", "月捐").encode()) <= 2000
