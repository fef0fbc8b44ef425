"""Who switches between people of one phone gets around nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from models.giving.pledge import Pledge
from models.people.conversation import Conversation
from models.people.user import Registration, register
from models.staff.member import Staff
from models.staff.task import close_task
from models.verification.case import lock_case
from models.verification.objection import Objection, ObjectionAlreadyDecided, record_objection
from tests.harness.erasing import of
from tests.harness.stage import Stage
from tests.scenes import cases


def hand_over(stage: Stage, openid: str, code: str = "7305") -> str:
    for words in ("换人", "新的人", code):
        stage.say(openid, words)
    return stage.say(openid, "确认")


def donor(stage: Stage, openid: str, name: str) -> int:
    number = stage.person(openid)
    with Database(stage.database) as db, db.begin():
        wanted = Registration(draft_id=f"d-{name}", role="donor", consents=("account",), display_name=name)
        user = register(db, wanted, stage.clock())
        db.execute(update(Conversation).where(Conversation.id == number).values(user_id=user.id))
        return user.id


def test_the_phone_of_a_former_officer_is_not_shared(stage: Stage) -> None:
    """Their seat is found by the WeChat: the next person would read its name and ID number in their own copy."""
    seat = stage.appoint("o-zhou", "village")
    stage.say("o-zhou", "菜单")
    with Database(stage.database) as db, db.begin():
        db.get_one(Staff, seat).state = "revoked"
    assert "工作人员的工号" in stage.say("o-zhou", "换人")
    assert "工作人员的工号" in stage.say("o-zhou", "新的人")


def test_one_wechat_does_not_give_to_itself(stage: Stage) -> None:
    appeal = stage.open_appeal()
    stage.say("o-owner-0", "菜单")
    hand_over(stage, "o-owner-0")
    donor(stage, "o-owner-0", "某某")
    for words in (f"捐 {appeal} 100", "1", "确认"):
        stage.say("o-owner-0", words)
    assert of(stage, Pledge, "id") == []


def test_a_code_of_days_ago_lets_nobody_come(stage: Stage) -> None:
    hand_over(stage, "o-phone")  # the first is parked behind 7305
    first = min(of(stage, Conversation, "id"))
    for said in ("换人", "1", "4417", "7305"):
        stage.say("o-phone", said)
    stage.clock.move(timedelta(days=3))
    for said in ("继续", "好", "确认"):
        stage.say("o-phone", said)
    with Database(stage.database) as db:
        assert db.get_one(Conversation, first).parked_openid == "o-phone"


def test_one_phone_objects_once_to_a_case(stage: Stage) -> None:
    officer = stage.appoint("o-v", "village")
    number = cases.registered(stage, "o-wang")
    cases.visited(stage, number, officer)
    stage.say("o-bad", "菜单")
    cases.objected(stage, number, "o-bad")
    with Database(stage.database) as db, db.begin():
        one = db.scalars(select(Objection)).one()
        one.state, one.decided_by, one.decided_at = "dismissed", officer, stage.clock()
        db.flush()
        case = lock_case(db, number)
        case.state = "public_notice"
        close_task(db, "case", number, stage.clock())
    hand_over(stage, "o-bad")
    person = stage.person("o-bad")
    with Database(stage.database) as db, pytest.raises(ObjectionAlreadyDecided):
        record_objection(db, lock_case(db, number), person, "再说一遍，他家有门面。", "d-2", stage.clock())
