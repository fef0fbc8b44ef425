"""A person in danger is answered whatever they are doing, and the county has one urgent ticket of theirs."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.support.desk import QUIET_LASTS
from models.support.ticket import URGENT_WITHIN, Ticket
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

COUNTY = "431124000000"
OTHER_COUNTY = "430524000000"
WORDS = "我不想活了"
SAID = "replies/support/danger:self"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    yield stage
    stage.close()


def say(stage: Stage, openid: str, *texts: str) -> list[str]:
    for words in texts:
        stage.said = []
        stage.say(openid, words)
    return stage.said


def tickets(stage: Stage) -> list[Ticket]:
    with Database(stage.database) as db:
        return list(db.scalars(select(Ticket).where(Ticket.urgent).order_by(Ticket.id)))


def notified(stage: Stage) -> list[str]:
    """The openids of the officers who were notified."""
    with Database(stage.database) as db:
        told = select(Conversation.openid).join(Notification, Notification.conversation_id == Conversation.id)
        return list(db.scalars(told.where(Notification.template == "person_in_danger").order_by(Notification.id)))


@pytest.mark.parametrize(
    "before",
    [
        [],
        ["菜单"],
        ["求助"],
        ["求助", "修羊圈的屋顶"],
        ["求助", "修羊圈的屋顶", "1"],
        ["求助", "修羊圈的屋顶", "1", "5000"],
        ["人工", "我家的事"],
        ["人工", "我家的事", "没事了"],
        ["求助", "取消"],
        ["退订"],
        ["举报"],
    ],
    ids=lambda texts: "-".join(texts) or "first",
)
def test_it_is_answered_wherever_the_person_is(stage: Stage, before: list[str]) -> None:
    stage.appoint("o-county", "county", COUNTY)
    stage.register("o-wang", "resident")
    say(stage, "o-wang", *before)
    assert SAID in say(stage, "o-wang", WORDS)
    (ticket,) = tickets(stage)
    assert (ticket.region_code, ticket.due_at) == (COUNTY, stage.clock() + URGENT_WITHIN)


def test_on_a_review_nothing_is_confirmed_and_nothing_is_lost(stage: Stage) -> None:
    stage.open_appeal("one_to_one", 500_000)
    stage.register("o-li", "donor")
    say(stage, "o-li", "捐 1 5", "1")
    assert say(stage, "o-li", WORDS) == [SAID]
    assert say(stage, "o-li", "确认")[0] == "pledge/done"


def test_without_any_officer_it_is_answered_and_waits_for_the_first_one(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    assert "一上岗就先看它" in stage.say("o-wang", WORDS)
    assert stage.said == [SAID]
    assert tickets(stage)[0].region_code is None
    stage.appoint("o-county", "county", COUNTY)
    stage.person("o-county")
    assert "已经请县里的工作人员" in stage.say("o-wang", WORDS)
    assert "【急】" in stage.say("o-county", "待办")


def test_of_a_county_without_officers_all_counties_are_notified(stage: Stage) -> None:
    stage.appoint("o-there", "county", OTHER_COUNTY)
    stage.person("o-there")
    stage.register("o-wang", "resident", DAOXIAN_MEIHUA)
    say(stage, "o-wang", WORDS)
    assert notified(stage) == ["o-there"]


def test_only_the_own_county_is_notified_and_once_until_it_has_answered(stage: Stage) -> None:
    for openid, region in (("o-county", COUNTY), ("o-there", OTHER_COUNTY)):
        stage.appoint(openid, "county", region)
        stage.person(openid)
    stage.register("o-wang", "resident", DAOXIAN_MEIHUA)
    say(stage, "o-wang", WORDS, WORDS, "孩子也走了")
    assert notified(stage) == ["o-county"]
    number = tickets(stage)[0].id
    stage.clock.move(timedelta(minutes=5))
    say(stage, "o-county", f"答复 {number} 我在，您慢慢说")
    stage.clock.move(timedelta(minutes=5))
    say(stage, "o-wang", "谁也帮不了")
    assert notified(stage) == ["o-county", "o-county"]
    assert len(tickets(stage)) == 1


def test_the_county_is_reminded_of_a_ticket_that_it_does_not_answer(stage: Stage) -> None:
    stage.appoint("o-county", "county", COUNTY)
    stage.person("o-county")
    stage.register("o-wang", "resident")
    say(stage, "o-wang", WORDS)
    for _ in range(3):
        apply_deadlines(stage.database, stage.clock())
    assert len(notified(stage)) == 1
    stage.clock.move(URGENT_WITHIN)
    for _ in range(3):
        apply_deadlines(stage.database, stage.clock())
    assert len(notified(stage)) == 2
    say(stage, "o-county", f"答复 {tickets(stage)[0].id} 我在")
    stage.clock.move(2 * URGENT_WITHIN)
    apply_deadlines(stage.database, stage.clock())
    assert len(notified(stage)) == 2


def test_silence_does_not_close_it_and_an_officer_does(stage: Stage) -> None:
    stage.appoint("o-county", "county", COUNTY)
    stage.register("o-wang", "resident")
    say(stage, "o-wang", WORDS)
    number = tickets(stage)[0].id
    say(stage, "o-county", f"答复 {number} 我在")
    stage.clock.move(2 * QUIET_LASTS)
    apply_deadlines(stage.database, stage.clock())
    say(stage, "o-wang", "没事了")
    assert [ticket.state for ticket in tickets(stage)] == ["open"]
    stage.say("o-county", "待办")
    assert "没事了" in stage.say("o-county", "1")  # as the person was told, the county reads it
    say(stage, "o-county", f"答复 {number} 那就好", f"关工单 {number}")
    assert "12356" in stage.say("o-wang", "消息")
    say(stage, "o-wang", WORDS)
    assert [ticket.state for ticket in tickets(stage)] == ["closed", "open"]


def test_an_officer_in_danger_is_answered_but_an_officer_who_writes_of_anothers_is_not(stage: Stage) -> None:
    stage.appoint("o-zhou", "village")
    stage.register("o-wang", "resident")
    say(stage, "o-wang", "人工", "我家的事")
    assert say(stage, "o-zhou", "答复 1 您说不想活了，我马上来") == ["replies/support/ticket_answered"]
    assert tickets(stage) == []
    assert say(stage, "o-zhou", WORDS) == [SAID]
    assert len(tickets(stage)) == 1


def test_it_stands_before_what_is_overdue_on_every_page(stage: Stage) -> None:
    stage.appoint("o-county", "county", COUNTY)
    for person in range(7):
        stage.register(f"o-{person}", "resident")
        say(stage, f"o-{person}", "人工", "问个事")
    stage.clock.move(timedelta(days=4))
    say(stage, "o-3", WORDS)
    first = stage.say("o-county", "待办")
    second = stage.say("o-county", "更多")
    assert "【急】" in first.splitlines()[1]
    assert "【急】" not in second
    assert sum(text.count("答复工单") for text in (first, second)) == 8


def test_who_has_waited_longest_stands_first_also_after_a_reminder(stage: Stage) -> None:
    stage.appoint("o-county", "county", COUNTY)
    for openid in ("o-wang", "o-li"):
        stage.register(openid, "resident")
        say(stage, openid, WORDS)
        stage.clock.move(URGENT_WITHIN / 2)
    apply_deadlines(stage.database, stage.clock())
    first, second = tickets(stage)
    assert first.due_at > second.due_at
    lines = stage.say("o-county", "待办").splitlines()
    assert [line.split()[0] for line in lines if "【急】" in line] == ["1", "2"]
    assert f"{first.id} 号" in next(line for line in lines if line.startswith("1 "))


def test_what_is_only_mentioned_gives_the_numbers_and_calls_nobody(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    assert say(stage, "o-wang", "我儿子想自杀怎么办") == ["replies/support/danger:mention"]
    assert say(stage, "o-wang", "人工", "我儿子想自杀") == [
        "replies/support/human_kept",
        "replies/support/danger:mention",
    ]
    assert tickets(stage) == []
