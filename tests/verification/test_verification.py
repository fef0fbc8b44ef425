"""A case from registration on: who may not get in, in whose name, and what time does to it by itself."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from bot.work import sweeps
from bot.work.sweeps import apply_deadlines
from models.core.audit_trail import AuditEvent
from models.core.state_machine import Actor, By
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import Staff
from models.staff.recusal import Recusal
from models.staff.task import Task, find_task
from models.staff.task_steps import STEPS
from models.staff.turn import HasConflict
from models.support.ticket import Ticket
from models.verification import decisions, lifecycle
from models.verification.case import NOTICE_PERIOD, VALIDITY, Verification, begin_case, lock_case, withdraw
from models.verification.objection import NotOnNotice, Objection, ObjectionAlreadyDecided, OwnNotice, record_objection
from models.verification.visit import Visit
from tests.harness.erasing import erase_person
from tests.harness.stage import Stage
from tests.scenes.cases import DAY, OBJECTION, case, objected, person_of, registered, visited

COUNTY = "431124000000"


def count(stage: Stage, table: Any) -> int:
    with Database(stage.database) as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


def say_all(stage: Stage, openid: str, *words: str) -> str:
    for each in words:
        reply = stage.say(openid, each)
    return reply


def say_register(stage: Stage, openid: str, id_number: str, name: str = "王秀兰") -> str:
    words = ("注册", "1", "1", "1", name, id_number, "13800000000", "道县梅花镇", "确认")
    return say_all(stage, openid, *words)


def notices(stage: Stage, openid: str) -> list[dict[str, Any]]:
    person = stage.person(openid)
    with Database(stage.database) as db:
        told = db.scalars(select(Notification).where(Notification.conversation_id == person).order_by(Notification.id))
        return [{"template": each.template, **json.loads(each.facts)} for each in told]


# Abuse


def test_somebody_elses_id_opens_no_case(stage: Stage) -> None:
    assert "注册好了" in say_register(stage, "o-wang", "431124190101010011")
    for words in ("注册", "1", "1", "1", "李大山"):
        stage.say("o-thief", words)
    refused = stage.say("o-thief", "431124190101010011")
    assert "已经注册过了" in refused
    assert "王" not in refused
    assert (count(stage, User), count(stage, Verification)) == (1, 1)


def test_one_family_has_one_case_however_often_it_asks(stage: Stage) -> None:
    say_register(stage, "o-wang", "431124190101010011")
    for _ in range(3):
        say_all(stage, "o-wang", "认证", "1", "认证")
    assert count(stage, Verification) == 1
    assert case(stage, 1).state == "submitted"


def test_an_officer_who_registers_in_a_residents_name_does_not_confirm_it(stage: Stage) -> None:
    """From the officer's own phone: the household is then the officer's own, and others go."""
    stage.appoint("o-zhou", "village")
    other = stage.appoint("o-other", "village")
    say_register(stage, "o-zhou", "431124190101010011")
    stage.registry_answers("match", "脱贫户")
    assert "您不能办" in stage.say("o-zhou", "走访 1")
    with Database(stage.database) as db:
        assert db.scalars(select(Recusal.reason)).all() == ["own_household"]
        assert find_task(db, "case", 1).assignee == other  # type: ignore[union-attr]
    assert count(stage, Visit) == 0
    assert case(stage, 1).state == "registry_checked"


def test_an_officer_does_not_object_and_decide_on_it(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    stage.appoint("o-town", "township")
    number = registered(stage, "o-wang")
    visited(stage, number, officer)
    objected(stage, number, "o-town")
    assert "您不能办" not in stage.say("o-town", f"看 认证{number}")
    assert OBJECTION not in say_all(stage, "o-town", "待办", "1", "1")
    colleague = stage.appoint("o-colleague", "township")
    with Database(stage.database) as db, db.begin():
        found = lock_case(db, number)
        with pytest.raises(HasConflict):
            decisions.adjudicate(db, found, db.get_one(Staff, 2), False, stage.clock())
        decisions.adjudicate(db, found, db.get_one(Staff, colleague), False, stage.clock())


def test_who_visited_does_not_review_nor_decide(stage: Stage) -> None:
    town = stage.appoint("o-town", "township")
    stage.appoint("o-county", "county", COUNTY)
    number = registered(stage, "o-wang", result="not_found")
    visited(stage, number, town)
    stage.clock.move(NOTICE_PERIOD)
    apply_deadlines(stage.database, stage.clock())
    assert case(stage, number).state == "township_review"
    assert "您不能办" in stage.say("o-town", f"通过 认证{number}")
    with Database(stage.database) as db:
        task = find_task(db, "case", number)
        assert task
        assert (task.role, task.assignee) == ("county", 2)


def test_nobody_objects_after_the_notice_nor_to_their_own_house(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    number = registered(stage, "o-wang")
    assert "没有公示" in stage.say("o-neighbour", f"异议 {number}")
    visited(stage, number, officer)
    assert "自己家" in stage.say("o-wang", f"异议 {number}")
    say_all(stage, "o-neighbour", f"异议 {number}", OBJECTION)
    stage.clock.move(NOTICE_PERIOD)
    assert "公示已经完了" in stage.say("o-neighbour", "继续") + stage.say("o-neighbour", "确认")
    assert count(stage, Objection) == 0
    with Database(stage.database) as db, db.begin():
        found = lock_case(db, number)
        for openid, refusal in (("o-neighbour", NotOnNotice), ("o-wang", OwnNotice)):
            person = db.scalar(select(Conversation.id).where(Conversation.openid == openid))
            with pytest.raises(refusal):
                record_objection(db, found, person or 0, OBJECTION, f"late-{openid}", stage.clock())


def test_one_voice_cannot_hold_a_case_up_for_ever(stage: Stage) -> None:
    officer, town = stage.appoint("o-zhou", "village"), stage.appoint("o-town", "township")
    number = registered(stage, "o-wang")
    visited(stage, number, officer)
    objected(stage, number, "o-neighbour")
    stage.clock.move(timedelta(hours=1))
    with Database(stage.database) as db, db.begin():
        decisions.adjudicate(db, lock_case(db, number), db.get_one(Staff, town), False, stage.clock())
    with pytest.raises(ObjectionAlreadyDecided):
        object_again(stage, number, "o-neighbour")
    assert case(stage, number).state == "public_notice"
    # Another's is heard; and in a notice after another visit, the first one's too.
    objected(stage, number, "o-second")
    with Database(stage.database) as db, db.begin():
        decisions.adjudicate(db, lock_case(db, number), db.get_one(Staff, town), True, stage.clock())
    stage.clock.move(timedelta(hours=1))
    visited(stage, number, stage.appoint("o-another", "village"))
    object_again(stage, number, "o-neighbour")
    assert case(stage, number).state == "adjudication"


def object_again(stage: Stage, number: int, openid: str) -> None:
    person = stage.person(openid)
    with Database(stage.database) as db, db.begin():
        record_objection(db, lock_case(db, number), person, OBJECTION, f"again-{openid}", stage.clock())


def test_who_objects_is_told_to_nobody_and_the_reading_is_recorded(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    stage.appoint("o-town", "township")
    number = registered(stage, "o-wang")
    visited(stage, number, officer)
    stage.register("o-neighbour", "donor")
    objected(stage, number, "o-neighbour")
    heard = say_all(stage, "o-town", "待办", "1", "1")
    assert OBJECTION in heard
    assert "李老师" not in heard
    assert OBJECTION not in stage.say("o-zhou", f"看 认证{number}")
    for told in notices(stage, "o-wang"):
        assert OBJECTION not in json.dumps(told, ensure_ascii=False)
    with Database(stage.database) as db:
        read = db.scalars(select(AuditEvent).where(AuditEvent.detail == "objection")).one()
        assert (read.action, read.actor, read.subject_id) == ("read_sensitive", "staff:2", number)


def test_an_objection_decided_after_the_notice_names_no_day_that_is_over(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    stage.appoint("o-town", "township")
    number = registered(stage, "o-wang")
    visited(stage, number, officer)
    stage.register("o-neighbour", "donor")
    objected(stage, number, "o-neighbour")
    stage.clock.move(NOTICE_PERIOD)
    decided = say_all(stage, "o-town", "待办", "1", "1", "2")
    assert "不成立。公示的日子也够了，接着往下办" in decided
    assert "公示的日子也够了，您家的认证接着往下办" in say_all(stage, "o-wang", "消息", "消息")


@pytest.mark.parametrize("word", ["走访 1", "看 认证1"])
def test_a_case_says_nothing_of_itself_to_outsiders(stage: Stage, word: str) -> None:
    registered(stage, "o-wang")
    there, not_there = stage.say("o-stranger", word), stage.say("o-stranger", word.replace("1", "99"))
    assert there.replace("1 号", "99 号") == not_there


def test_an_appeal_against_a_decision_is_for_whom_it_was_about(stage: Stage) -> None:
    officer, chief = stage.appoint("o-zhou", "village"), stage.appoint("o-chief", "county", COUNTY)
    number = registered(stage, "o-wang", result="not_found")
    visited(stage, number, officer)
    stage.clock.move(NOTICE_PERIOD)
    apply_deadlines(stage.database, stage.clock())
    with Database(stage.database) as db, db.begin():
        town = db.get_one(Staff, stage.appoint("o-town", "township"))
        decisions.pass_to_county(db, lock_case(db, number), town, stage.clock())
        decisions.reject(db, lock_case(db, number), db.get_one(Staff, chief), ["not_in_need"], stage.clock())
    stage.appoint("o-second", "county", COUNTY)
    stage.register("o-other", "resident")
    assert "不用申诉" in stage.say("o-other", "申诉")
    assert count(stage, Ticket) == 0
    assert "交给县里" in stage.say("o-wang", "申诉")
    with Database(stage.database) as db:
        ticket = db.scalars(select(Ticket)).one()
        assert (ticket.about, ticket.region_code) == (f"case:{number}", COUNTY)
    assert "工单" not in stage.say("o-town", "待办")
    assert "工单" not in stage.say("o-chief", "待办")  # who said no
    assert f"不服认证 {number} 号没通过" in stage.say("o-second", "待办")


# What time does


def test_a_notice_ends_by_itself_and_not_before_five_days(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    number = registered(stage, "o-wang")
    visited(stage, number, officer)
    stage.clock.move(NOTICE_PERIOD - timedelta(seconds=1))
    apply_deadlines(stage.database, stage.clock())
    assert case(stage, number).state == "public_notice"
    stage.clock.move(timedelta(seconds=1))
    for _ in range(2):
        apply_deadlines(stage.database, stage.clock())
    # Known to the registry and not drawn: on to the county.
    assert case(stage, number).state == "county_review"
    told = [each for each in notices(stage, "o-wang") if each["state"] == "county_review"]
    assert len(told) == 1


def test_what_the_township_has_looked_at_does_not_slip_past_it_in_a_later_round(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    officer, town = stage.appoint("o-zhou", "village"), stage.appoint("o-town", "township")
    number = registered(stage, "o-wang")
    for share in (100, 0):
        monkeypatch.setattr(lifecycle, "SAMPLED_OF_HUNDRED", share)
        visited(stage, number, officer)
        stage.clock.move(NOTICE_PERIOD)
        apply_deadlines(stage.database, stage.clock())
        assert (case(stage, number).state, case(stage, number).sampled) == ("township_review", True)
        with Database(stage.database) as db, db.begin():
            staff = db.get_one(Staff, town)
            decisions.send_back(db, lock_case(db, number), staff, ["visit_thin"], stage.clock())


def test_what_is_late_goes_up_and_both_are_told(stage: Stage) -> None:
    stage.appoint("o-zhou", "village")
    stage.appoint("o-town", "township")
    number = registered(stage, "o-wang")
    stage.clock.move(STEPS["visit"][1] * DAY)
    apply_deadlines(stage.database, stage.clock())
    with Database(stage.database) as db:
        task = db.scalars(select(Task)).one()
        assert (task.role, task.assignee, task.escalations) == ("township", 2, 1)
    assert "转给上一级" in stage.say("o-zhou", "菜单")
    assert f"认证 {number} 号" in stage.say("o-town", "菜单")
    assert "乡镇" in stage.say("o-wang", "认证")
    apply_deadlines(stage.database, stage.clock())
    assert len(notices(stage, "o-town")) == 1


def test_a_year_ends_once_with_one_reminder(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    for day in (VALIDITY - 31 * DAY, DAY, DAY, 29 * DAY, DAY):
        stage.clock.move(day)
        apply_deadlines(stage.database, stage.clock())
        apply_deadlines(stage.database, stage.clock())
    assert case(stage, 1).state == "expired"
    assert [told["template"] for told in notices(stage, "o-wang")] == ["case_ends_soon", "case_moved"]


def test_a_part_of_the_sweep_that_fails_keeps_none_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(db: Database, _: object) -> int:
        db.add(Ticket(conversation_id=0, opened_at=stage.clock(), due_at=stage.clock()))
        raise RuntimeError

    stage.register("o-wang", "resident")
    monkeypatch.setitem(sweeps.DEADLINES, "notices_ended", fail)
    stage.clock.move(VALIDITY)
    apply_deadlines(stage.database, stage.clock())
    assert case(stage, 1).state == "expired"
    assert count(stage, Ticket) == 0


def test_a_resident_who_came_to_be_here_twice_over_the_year_keeps_one_case_of_each_time(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    stage.clock.move(VALIDITY)
    apply_deadlines(stage.database, stage.clock())
    assert "第 1 步" in say_all(stage, "o-wang", "认证", "1")
    assert person_of(stage, "o-wang").id == case(stage, 2).user_id
    assert "第 1 步" in say_all(stage, "o-wang", "认证")
    assert count(stage, Verification) == 2


def test_a_suspended_household_does_not_leave_and_begin_anew(stage: Stage) -> None:
    county = stage.appoint("o-county", "county", COUNTY)
    stage.register("o-wang", "resident")
    user = person_of(stage, "o-wang")
    with Database(stage.database) as db, db.begin():
        decisions.suspend(db, lock_case(db, 1), db.get_one(Staff, county), "complaint", stage.clock())
        withdraw(db, user.id, Actor(By.OWNER, f"user:{user.id}"), stage.clock())
        assert begin_case(db, user, Actor(By.OWNER, f"user:{user.id}"), stage.clock()).id == 1
    with Database(stage.database) as db, db.begin():
        erase_person(db, stage.person("o-wang"), stage.clock())
    assert case(stage, 1).state == "suspended"
