"""No ID number is asked about unseen: each is counted, recorded, and told to whoever has it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.core.audit_trail import AuditEvent
from models.people.user import MOST_ID_NUMBERS, User
from models.staff import number_search
from models.staff.appointment import Invitation, invite
from models.staff.member import Staff
from tests.harness.stage import Stage, id_number, officers_number
from tests.scenes.proxy_village import WANG, Village
from tests.scenes.proxy_village import village as village

FAR = "431124104000"
COUNTY = "431124000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    yield stage
    stage.close()


def typed(village: Village) -> list[tuple[str, str | None, int | None]]:
    """Which officer typed a number, for what, and whose it was."""
    event = AuditEvent
    rows = select(event.actor, event.detail, event.about).where(event.subject == "typed_number").order_by(event.id)
    with Database(village.stage.database) as db:
        return [(actor, detail, about) for actor, detail, about in db.execute(rows)]


def begin_registering(village: Village) -> None:
    village.say("zhou", "代办", "1", "[photo]", "完成", "王小兰")


def test_abuse_an_officer_does_not_learn_unseen_who_is_registered(village: Village) -> None:
    village.stage.register("o-far", "resident", FAR)
    far = village.newest(User).id
    begin_registering(village)
    for number in (WANG, id_number(4)):
        assert "不能代办注册" in village.say("zhou", number)
    zhou = f"staff:{village.zhou}"
    assert typed(village) == [(zhou, "number", village.wang), (zhou, "number", far)]
    for name in ("wang", "far"):
        assert "写了您的身份证号" in village.say(name, "谁看过我")
    # At the other questions for a number, too, wherever its person lives.
    village.say("zhou", "取消", "1")
    village.say("zhou", "代办", "2", id_number(4))
    village.say("zhou", "取消", "1")
    village.say("zhou", "代办", "3", id_number(5))
    assert typed(village)[2:] == [(zhou, "number", far), (zhou, "number", None)]


def test_a_number_that_is_mended_at_the_end_is_recorded_as_well(village: Village) -> None:
    begin_registering(village)
    village.say("zhou", id_number(7), "1", "道县梅花镇")
    village.say("zhou", "3")
    assert "不能代办注册" in village.say("zhou", WANG)
    assert [about for _, _, about in typed(village)] == [None, village.wang]


def test_numbers_come_to_an_end_for_today(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_search, "MOST_NUMBERS", 3)
    begin_registering(village)
    for serial in (3, 3):
        village.say("zhou", id_number(serial))
    village.say("zhou", "取消", "1")
    village.say("zhou", "代办", "2", id_number(50))
    village.say("zhou", "取消", "1")
    for words in (("代办", "2", WANG), ("代办", "3", WANG), ("声明", "1", id_number(51), "确认")):
        assert "今天不能再写了" in village.say("zhou", *words), words
    assert len(typed(village)) == 3
    assert "是 王**" in village.say("tang", "代办", "2", WANG)


def test_whoever_is_declared_kin_is_told(village: Village) -> None:
    village.say("zhou", "声明", "1", WANG, "确认")
    assert typed(village) == [(f"staff:{village.zhou}", "conflict", village.wang)]
    assert "以后您家的事要回避" in village.say("wang", "谁看过我")


def test_an_invited_person_does_not_learn_who_is_on_the_staff(stage: Stage) -> None:
    county = stage.appoint("o-county", "county", COUNTY, "DX0001")
    with Database(stage.database) as db, db.begin():
        _, code = invite(db, db.get_one(Staff, county), Invitation("village", "431124101208", "周建国"), stage.clock())
    stage.say("o-zhou", f"授权 {code}")
    for _ in range(MOST_ID_NUMBERS):
        reply = stage.say("o-zhou", officers_number("o-county"))
        assert stage.said[0] == "replies/refusals:person_holds_a_role"
        assert "DX0001" not in reply
    stage.say("o-zhou", id_number(80))
    assert stage.said == ["replies/refusals:too_many_numbers"]
    with Database(stage.database) as db:
        tried = select(func.count()).where(AuditEvent.action == "number_tried")
        assert db.scalar(tried) == MOST_ID_NUMBERS


def test_whose_number_a_stranger_tries_to_register_is_told(village: Village) -> None:
    village.say("stranger", "注册", "1", "1", "1", "王秀兰", WANG)
    assert village.stage.said[0] == "replies/refusals:id_number_taken"
    assert "有人想用您的身份证号注册" in village.say("wang", "谁看过我")
