"""Officers are reminded of a ticket that nobody answers, so that the day that the person was told can be kept."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.staff.decision import Decision
from models.support.ticket import ANSWERED_WITHIN, Ticket, open_ticket
from models.support.waiting import AHEAD, KIND
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

COUNTY = "431124000000"
OTHER_COUNTY = "430524000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.appoint("o-county", "county", COUNTY)
    stage.register("o-wang", "resident", DAOXIAN_MEIHUA)
    yield stage
    stage.close()


def ask(stage: Stage, *texts: str) -> None:
    for words in texts or ("人工", "我家的事"):
        stage.say("o-wang", words)


def wait(stage: Stage, time: timedelta) -> None:
    stage.clock.move(time)
    for _ in range(2):
        apply_deadlines(stage.database, stage.clock())


def reminded(stage: Stage) -> list[str]:
    with Database(stage.database) as db:
        told = select(Conversation.openid).join(Notification, Notification.conversation_id == Conversation.id)
        return list(db.scalars(told.where(Notification.template == KIND).order_by(Notification.id)))


def region(stage: Stage) -> str | None:
    with Database(stage.database) as db:
        return db.scalars(select(Ticket.region_code)).one()


def test_the_nearest_are_reminded_a_day_before_and_when_it_is_late(stage: Stage) -> None:
    stage.appoint("o-zhou", "village")
    ask(stage)
    wait(stage, ANSWERED_WITHIN - AHEAD - timedelta(minutes=1))
    assert reminded(stage) == []
    wait(stage, timedelta(minutes=1))
    assert reminded(stage) == ["o-zhou"]
    assert "前答复，现在还没有人答复" in stage.say("o-zhou", "菜单")
    wait(stage, AHEAD)
    assert reminded(stage) == ["o-zhou", "o-zhou"]
    assert "过了答应的日子" in stage.say("o-zhou", "菜单")
    wait(stage, timedelta(days=2))
    assert len(reminded(stage)) == 2


def test_what_was_answered_reminds_nobody_until_the_person_writes_again(stage: Stage) -> None:
    ask(stage)
    stage.say("o-county", "答复 1 好的")
    wait(stage, ANSWERED_WITHIN)
    assert reminded(stage) == []
    ask(stage, "还没来人")
    wait(stage, ANSWERED_WITHIN - AHEAD)
    assert reminded(stage) == ["o-county"]


def test_the_queue_marks_the_reminder_as_read(stage: Stage) -> None:
    ask(stage)
    wait(stage, ANSWERED_WITHIN)
    stage.said = []
    stage.say("o-county", "待办")
    assert stage.said == ["replies/staff/todo"]


def test_where_no_officer_serves_all_counties_have_it(stage: Stage) -> None:
    stage.appoint("o-there", "county", OTHER_COUNTY)
    stage.register("o-far", "resident", "110101000000")
    stage.say("o-far", "人工")
    stage.say("o-far", "我们这里没有信息员")
    assert "答复工单" not in stage.say("o-there", "待办")
    wait(stage, ANSWERED_WITHIN - AHEAD)
    assert region(stage) is None
    assert reminded(stage) == ["o-county", "o-there"]
    assert "答复工单 1 号" in stage.say("o-there", "待办")


def test_who_decided_on_what_is_reported_is_not_reminded(stage: Stage) -> None:
    other = stage.appoint("o-other", "county", COUNTY)
    stage.open_appeal("one_to_one", 500_000)
    with Database(stage.database) as db, db.begin():
        passed = {"subject": "appeal", "subject_id": 1, "role": "county", "verdict": "pass", "at": stage.clock()}
        db.add(Decision(region_code=DAOXIAN_MEIHUA, staff_id=other, **passed))
    with Database(stage.database) as db, db.begin():  # a report of before there were inquiries
        open_ticket(db, stage.person("o-wang"), COUNTY, "report:appeal:1", stage.clock())
    wait(stage, ANSWERED_WITHIN - AHEAD)
    assert reminded(stage) == ["o-county"]
