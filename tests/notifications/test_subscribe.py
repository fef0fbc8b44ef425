"""Consent to subscription notices: when somebody is asked, the page that asks, and what is kept of the answer."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.simulator.errors import ApiError
from bot.simulator.fields import Template
from bot.simulator.simulator import Simulator
from bot.turn import Turns
from bot.wechat.codec import REPLY_BYTES
from bot.wechat.markup import read_xml
from bot.wechat.parse import to_message
from models.appeals.appeal import Appeal
from models.notifications.notification import Notification
from models.notifications.notify import notify
from models.notifications.outbox import Outcome, claim_due, keep_outcomes
from models.notifications.subscription import (
    AFTER_A_NO,
    ASK_AGAIN,
    SubscriptionTemplates,
    lock_consents,
    return_consents,
    templates_to_ask_for,
)
from models.people.user import User
from tests.harness.platform import wechat
from tests.harness.simulator.in_process import OPTIONS, posting_to
from tests.harness.stage import id_number
from tests.harness.tiers import examples
from tests.notifications.asking_stage import CARDS, LINK, MONEY, PROGRESS, Asking

PEOPLE = ("oAunt", "oUncle")


@pytest.fixture
def stage(database_url: str) -> Iterator[Asking]:
    stage = Asking(database_url)
    yield stage
    stage.close()


@pytest.fixture
def asked(stage: Asking) -> Callable[[], bool]:
    """Whether a pledge made now leads to the page."""
    return lambda: bool(LINK.search(stage.gift("oAunt")))


# What is kept of an answer


@pytest.mark.parametrize("wrapped", [True, False])
def test_each_yes_counts_one_and_a_no_takes_nothing(stage: Asking, wrapped: bool) -> None:
    stage.answer("oAunt", {PROGRESS: "accept", MONEY: "reject"}, wrapped=wrapped)
    stage.answer("oAunt", {PROGRESS: "accept"}, wrapped=wrapped)
    stage.answer("oAunt", {PROGRESS: "reject"}, wrapped=wrapped)
    assert stage.left("oAunt") == {PROGRESS: 2}
    assert {row.refused_at for row in stage.kept("oAunt").values()} == {stage.clock()}
    assert stage.kept("oUncle") == {}


def test_a_popup_that_is_delivered_three_times_counts_once(stage: Asking) -> None:
    xml = stage.popup("oAunt", {PROGRESS: "accept", MONEY: "accept"})
    assert [stage.deliver(xml) for _ in range(3)] == [(200, "")] * 3
    assert stage.left("oAunt") == {PROGRESS: 1, MONEY: 1}


def test_a_long_term_template_is_good_for_any_number(stage: Asking) -> None:
    stage.answer("oAunt", {CARDS["task"]: "accept", PROGRESS: "accept"})
    assert {theirs: row.for_good for theirs, row in stage.kept("oAunt").items()} == {
        CARDS["task"]: True,
        PROGRESS: False,
    }


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_no_among_the_settings_takes_all_back_and_a_yes_there_gives_nothing(stage: Asking, wrapped: bool) -> None:
    for _ in range(3):
        stage.answer("oAunt", {PROGRESS: "accept", CARDS["task"]: "accept"})
    everything = {PROGRESS: "reject", CARDS["task"]: "reject"}
    stage.answer("oAunt", everything, event="change", wrapped=wrapped)
    assert [(row.left, row.for_good, row.refused_at) for row in stage.kept("oAunt").values()] == [
        (0, False, stage.clock())
    ] * 2
    stage.answer("oAunt", {PROGRESS: "accept"}, event="change", wrapped=wrapped)
    row = stage.kept("oAunt")[PROGRESS]
    assert (row.left, row.refused_at) == (0, None)


def test_what_is_not_ours_or_no_answer_is_left_alone(stage: Asking) -> None:
    stage.answer("oAunt", {"sStranger": "accept", PROGRESS: "ban", MONEY: "filter"})
    assert stage.kept("oAunt") == {}
    assert stage.deliver(wechat.event("subscribe_msg_popup_event", "oAunt")) == (200, "")


def test_a_yes_sends_what_waited_for_it(stage: Asking) -> None:
    person, other = stage.person("oAunt"), stage.person("oUncle")
    reasons = {1: "window_closed+no_template+no_consent", 2: "muted", 3: "no_channel"}
    with Database(stage.database) as db, db.begin():
        for number in reasons:
            notify(db, person, "case_ends_soon", {}, f"wait:{number}", stage.clock())
        notify(db, other, "case_ends_soon", {}, "wait:4", stage.clock())
        db.flush()
        for number, reason in (reasons | {4: "no_consent"}).items():
            key = Notification.dedupe_key == f"wait:{number}"
            db.execute(update(Notification).where(key).values(state="waiting", reason=reason))
        ids = {row.dedupe_key: row.id for row in db.scalars(select(Notification))}
    told: list[int] = []
    turns: Turns = stage.app.extensions["bangfu"]["turns"]
    watched = replace(turns, enqueue=lambda jobs, notices: told.extend(notices))
    watched.take(to_message(read_xml(stage.popup("oAunt", {PROGRESS: "reject"}).encode())))
    assert told == []
    watched.take(to_message(read_xml(stage.popup("oAunt", {MONEY: "accept"}).encode())))
    assert sorted(told) == sorted([ids["wait:1"], ids["wait:3"]])
    with Database(stage.database) as db, db.begin():
        assert {one.id for one in claim_due(db, list(ids.values()), stage.clock())} == set(told)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.sampled_from(("popup", "change", "use")),
        st.dictionaries(st.sampled_from(sorted(CARDS.values())), st.booleans(), min_size=1),
        st.booleans(),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def both_sides(module_database: str) -> Iterator[tuple[Asking, Callable[[], Simulator]]]:
    stage = Asking(module_database)
    forms = tuple(Template(theirs, theirs, "", long_term=card == "task") for card, theirs in CARDS.items())
    made: list[Simulator] = []

    def platform() -> Simulator:
        made.append(Simulator(replace(OPTIONS, subscriptions=forms), posting_to(stage.app)))
        return made[-1]

    yield stage, platform
    for simulator in made:
        simulator.close()
    stage.close()


@settings(max_examples=examples())
@given(acts=ACTS)
def test_we_never_think_that_we_may_send_what_wechat_refuses(
    both_sides: tuple[Asking, Callable[[], Simulator]], acts: list[tuple[str, str, dict[str, bool], bool]]
) -> None:
    """Whatever people accept, refuse, change and are sent, in any order: our count is the simulator's."""
    stage, platform = both_sides
    simulator = platform()
    people = {name: simulator.new_person(following=True).openid for name in PEOPLE}
    for name, act, choices, wrapped in acts:
        openid = people[name]
        if act == "popup":
            simulator.answer_popup(openid, choices, wrapped)
        elif act == "change":
            simulator.change_consent(openid, choices, wrapped)
        else:
            use(stage, simulator, openid, sorted(choices))
    for openid in people.values():
        ours = stage.kept(openid)
        for theirs in CARDS.values():
            row, left = ours.get(theirs), simulator.subscriptions.left(openid, theirs)
            assert left is None if row and row.for_good else (row.left if row else 0) == left


def use(stage: Asking, simulator: Simulator, openid: str, templates: list[str]) -> None:
    """Send by each of these templates that a consent is left of, as a worker takes it from the ledger."""
    person = stage.person(openid)
    with Database(stage.database) as db, db.begin():
        found = lock_consents(db, [person])
        for theirs in templates:
            row = found.get((person, theirs))
            if row is None:
                with pytest.raises(ApiError, match="43101"):
                    simulator.subscriptions.take(openid, theirs)
            else:
                simulator.subscriptions.take(openid, theirs)
                row.left -= 0 if row.for_good else 1


# When somebody is asked


def test_a_donor_is_asked_after_a_pledge_and_not_again_within_a_week(stage: Asking, asked: Callable[[], bool]) -> None:
    assert asked()
    assert {row.asked_at for row in stage.kept("oAunt").values()} == {stage.clock()}
    stage.clock.move(ASK_AGAIN - timedelta(seconds=1))
    assert not asked()
    stage.clock.move(timedelta(seconds=1))
    assert asked()


def test_after_a_no_nobody_is_asked_for_ninety_days(stage: Asking, asked: Callable[[], bool]) -> None:
    stage.answer("oAunt", {PROGRESS: "accept", MONEY: "reject"})
    find_used_up(stage)
    stage.clock.move(AFTER_A_NO - timedelta(seconds=1))
    assert not asked()
    stage.clock.move(timedelta(seconds=1))
    assert asked()


def find_used_up(stage: Asking) -> None:
    """Whatever oAunt agreed to has been sent."""
    with Database(stage.database) as db, db.begin():
        for row in lock_consents(db, [stage.person("oAunt")]).values():
            row.left = 0


def test_what_a_consent_is_left_of_is_not_asked_for(stage: Asking, asked: Callable[[], bool]) -> None:
    stage.answer("oAunt", {PROGRESS: "accept", MONEY: "accept"})
    assert not asked()
    with Database(stage.database) as db, db.begin():
        person = stage.person("oAunt")
        lock_consents(db, [person])[person, MONEY].left -= 1
        assert templates_to_ask_for(db, person, SubscriptionTemplates(CARDS)) == [MONEY]
        assert templates_to_ask_for(db, person, SubscriptionTemplates(CARDS), staff=True) == [MONEY, CARDS["task"]]
    assert asked()
    assert {theirs for theirs, row in stage.kept("oAunt").items() if row.asked_at} == {MONEY}


def test_where_nothing_is_set_up_nobody_is_asked(database_url: str) -> None:
    stage = Asking(database_url, wechat_subscriptions={})
    assert not LINK.search(stage.gift("oAunt"))
    stage.close()


def test_a_resident_is_asked_when_they_have_registered(new_database: Callable[[], str]) -> None:
    stage = Asking(new_database())
    reply = ""
    for words in ("注册", "1", "1", "1", "王秀兰", id_number(3), "13800000000", "道县梅花镇", "确认"):
        reply = stage.say("oWang", words)
    assert stage.said[-1] == "register/done"
    assert LINK.search(reply)
    stage.close()


def test_the_longest_reply_with_the_link_fits_into_one_message(new_database: Callable[[], str]) -> None:
    stage = Asking(new_database(), public_url=f"https://{'a' * 60}.bangfu.example.cn")
    stage.gift("oAunt")
    stage.clock.move(ASK_AGAIN)
    with Database(stage.database) as db, db.begin():
        db.get_one(User, stage.registered).display_name = "𠮷" * 12
        db.execute(update(Appeal).values(title="𠮷" * 30))
    reply = stage.pledge("oAunt", 1)
    assert LINK.search(reply)
    assert "𠮷" * 30 in reply
    assert len(reply.encode()) <= REPLY_BYTES
    stage.close()


def test_a_yes_while_a_worker_finds_no_way_is_not_lost(stage: Asking) -> None:
    """The worker has chosen to let the notice wait, but nobody can see that yet: the yes comes after it."""
    person = stage.person("oAunt")
    with Database(stage.database) as db, db.begin():
        notify(db, person, "case_ends_soon", {}, "wait:1", stage.clock())
    xml = stage.popup("oAunt", {PROGRESS: "accept"})
    with ThreadPoolExecutor(1) as pool, Database(stage.database) as db:
        [mine] = claim_due(db, list(db.scalars(select(Notification.id))), stage.clock())
        assert lock_consents(db, [person]) == {}
        keep_outcomes(db, [Outcome(mine.id, "waiting", reason="window_closed+no_template+no_consent")], stage.clock())
        yes = pool.submit(stage.deliver, xml)
        wait([yes], timeout=0.5)
        db.commit()
        assert yes.result() == (200, "")
    with Database(stage.database) as db:
        assert db.scalars(select(Notification.state)).all() == ["owed"]


def test_a_consent_taken_back_while_it_was_being_used_is_not_given_back(stage: Asking) -> None:
    person = stage.person("oAunt")
    stage.answer("oAunt", {PROGRESS: "accept", MONEY: "accept"})
    with Database(stage.database) as db, db.begin():
        taken = list(lock_consents(db, [person]))
        for row in lock_consents(db, [person]).values():
            row.left -= 1
    stage.answer("oAunt", {PROGRESS: "reject"}, event="change")
    with Database(stage.database) as db, db.begin():
        return_consents(db, taken)
    assert stage.left("oAunt") == {MONEY: 1}


def test_whoever_wants_to_be_asked_says_so_and_gets_the_page_at_once(stage: Asking) -> None:
    stage.answer("oAunt", {PROGRESS: "reject"})
    assert LINK.search(stage.say("oAunt", "订阅"))
    assert {row.asked_at for row in stage.kept("oAunt").values()} == {stage.clock()}
    assert LINK.search(stage.say("oAunt", "提醒我"))
    stage.answer("oAunt", {PROGRESS: "accept", MONEY: "accept"})
    reply = stage.say("oAunt", "订阅")
    assert stage.said == ["replies/notifications/subscribe"]
    assert ("已经开好了" in reply, LINK.search(reply)) == (True, None)


def test_where_nothing_is_set_up_the_word_says_what_works_without(database_url: str) -> None:
    stage = Asking(database_url, wechat_subscriptions={})
    reply = stage.say("oAunt", "订阅")
    assert ("没有开" in reply, LINK.search(reply)) == (True, None)
    stage.close()
