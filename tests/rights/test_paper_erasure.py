"""Who has no phone is erased through an officer: on a signed sheet, by two people without a tie, after seven days."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.appeals.appeal import Appeal
from models.books import violations
from models.core.database import snapshot
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.people.user import User
from models.proxy.mandate import Mandate, ProxyAct
from models.rights.erasure.erasure import Erasure, forget_page
from models.rights.erasure.paper import PaperErasure
from models.staff.member import Staff
from models.staff.task import Task
from tests.harness.command_line import run
from tests.harness.erasing import of
from tests.scenes.money.disbursements import pictures_arrive
from tests.scenes.proxy_village import WANG, Village
from tests.scenes.proxy_village import village as village

HAND_IN = ("代办注销", WANG, "[photo]", "完成", "确认注销")


@pytest.fixture
def handed_in(village: Village) -> Village:
    """王秀兰 has no WeChat; 周 of the village handed in her sheet, which arrived. 雷 of the township serves."""
    village.stage.appoint("o-lei", "township", work_no="DX-L")
    with_wechat(village, None)
    assert "记下了，是注销 1 号" in village.say("zhou", *HAND_IN)
    pictures_arrive(village.stage)
    return village


def lei_of(village: Village) -> int:
    with Database(village.stage.database) as db:
        return db.scalars(select(Staff.id).where(Staff.work_no == "DX-L")).one()


def with_wechat(village: Village, user: int | None) -> None:
    with Database(village.stage.database) as db, db.begin():
        db.execute(update(Conversation).where(Conversation.openid == "o-wang").values(user_id=user))


def open_sheet(village: Village, name: str) -> str:
    """Open the file and the sheet's page; returns the file."""
    said = village.say(name, "看 注销1")
    village.actor._open_pictures()
    return said


def confirmed(village: Village) -> None:
    open_sheet(village, "lei")
    assert "确认了" in village.say("lei", "通过 注销1")


def after_days(village: Village, days: int) -> None:
    village.stage.clock.move(timedelta(days=days))
    apply_deadlines(village.stage.database, village.stage.clock())


def state_of(village: Village) -> str:
    return str(village.newest(PaperErasure).state)


def test_it_is_the_same_erasure_and_the_sheet_goes_with_it(handed_in: Village) -> None:
    confirmed(handed_in)
    after_days(handed_in, 6)
    assert handed_in.newest(User).name == "王秀兰"
    after_days(handed_in, 1)
    assert state_of(handed_in) == "erased"
    with Database(handed_in.stage.database) as db, db.begin():
        erasure = db.scalars(select(Erasure)).one()
        assert (erasure.reason, {erasure.first_staff, erasure.second_staff}) == (
            "on_paper",
            {handed_in.zhou, lei_of(handed_in)},
        )
        while forget_page(db, erasure.id, handed_in.stage.clock()):
            pass
    assert of(handed_in.stage, Photo, "state") == ["gone"]
    with snapshot(handed_in.stage.settings.database_url) as connection:
        assert list(violations(connection, handed_in.stage.clock())) == []


def test_nobody_confirms_what_they_handed_in_from_another_seat(handed_in: Village) -> None:
    other = handed_in.stage.appoint("o-zhou-2", "township")
    with Database(handed_in.stage.database) as db, db.begin():
        zhou = db.get_one(Staff, handed_in.zhou)
        db.get_one(Staff, other).id_hash, db.get_one(Staff, other).id_number = zhou.id_hash, zhou.id_number
    said = handed_in.say("zhou-2", "看 注销1", "通过 注销1")
    assert "确认了" not in said
    assert state_of(handed_in) == "submitted"


def test_who_is_tied_or_registered_them_does_not_confirm(handed_in: Village) -> None:
    lei = lei_of(handed_in)
    now = handed_in.stage.clock()
    with Database(handed_in.stage.database) as db, db.begin():
        dates = {"granted_at": now, "expires_at": now}
        mandate = Mandate(draft_id="m", user_id=handed_in.wang, staff_id=lei, kind="sheet", scope="register", **dates)
        db.add(mandate)
        db.flush()
        subject = {"subject": "user", "subject_id": handed_in.wang}
        db.add(ProxyAct(mandate_id=mandate.id, user_id=handed_in.wang, at=now, **subject))
    open_sheet(handed_in, "lei")
    assert "您替这家办的，注销 1 号您不能办" in handed_in.say("lei", "通过 注销1")
    handed_in.set(Staff, lei, household_id=handed_in.newest(User).household_id)
    assert "不归您看" in handed_in.say("lei", "看 注销1")
    assert state_of(handed_in) == "submitted"


def test_nothing_is_confirmed_unseen_or_without_a_picture(handed_in: Village) -> None:
    handed_in.say("lei", "看 注销1")
    assert "还没打开看" in handed_in.say("lei", "通过 注销1")
    handed_in.set(Photo, handed_in.newest(Photo).id, state="lost")
    assert "一张也没收到" in handed_in.say("lei", "通过 注销1")
    assert state_of(handed_in) == "submitted"


def test_others_learn_nothing_of_it_and_stop_nothing(handed_in: Village) -> None:
    handed_in.stage.appoint("o-far", "township", "431124102000")
    for words in ("看 注销1", "停止注销 1", "看 注销99"):
        assert "或者不归您看" in handed_in.say("far", words)
    assert "或者不归您看" in handed_in.say("wang", "看 注销1")
    for words in ("代办注销", "停止注销 1"):
        assert "注销 1 号" not in handed_in.say("wang", words)
    assert state_of(handed_in) == "submitted"


def test_the_county_stops_it_where_the_two_below_are_those_who_did_it(handed_in: Village) -> None:
    confirmed(handed_in)
    handed_in.stage.appoint("o-he", "county", "431124000000", work_no="DX-H")
    assert "停下" in handed_in.say("he", "看 注销1")
    assert "停" in handed_in.say("he", "停止注销 1")
    assert state_of(handed_in) == "stopped"


def test_what_collects_holds_it_up_first_and_last(handed_in: Village) -> None:
    appeal = handed_in.stage.open_appeal()
    with Database(handed_in.stage.database) as db, db.begin():
        db.get_one(Appeal, appeal).owner_id = handed_in.wang
    open_sheet(handed_in, "lei")
    assert "正在收捐款，请县里停下" in handed_in.say("lei", "通过 注销1")
    handed_in.set(Appeal, appeal, state="cancelled")
    assert "确认了" in handed_in.say("lei", "通过 注销1")
    handed_in.set(Appeal, appeal, state="funding")
    after_days(handed_in, 7)
    assert state_of(handed_in) == "cooling"
    assert "他还有事没了结" in handed_in.say("zhou", "菜单")
    handed_in.set(Appeal, appeal, state="cancelled")
    after_days(handed_in, 1)
    assert state_of(handed_in) == "erased"


def test_it_is_stopped_where_they_can_ask_for_themselves(handed_in: Village) -> None:
    confirmed(handed_in)
    with_wechat(handed_in, handed_in.wang)
    after_days(handed_in, 7)
    assert state_of(handed_in) == "stopped"
    assert "他现在有了自己的微信" in handed_in.say("zhou", "菜单")
    assert handed_in.newest(User).state == "active"


def test_it_is_not_confirmed_for_an_officer_who_is_gone(handed_in: Village) -> None:
    handed_in.set(Staff, handed_in.zhou, state="revoked")
    open_sheet(handed_in, "lei")
    assert "现在不能为这件事负责" in handed_in.say("lei", "通过 注销1")
    assert "记下了" not in handed_in.say("zhou", *HAND_IN)
    # A colleague stops it, on her word.
    assert "停下了" in handed_in.say("tang", "停止注销 1")
    assert handed_in.newest(Task).closed_at is not None


def test_an_erasure_from_elsewhere_ends_it(handed_in: Village) -> None:
    signed = ("--by", "DX-L", "--by", "DX-T")
    handed_in.set(Staff, handed_in.tang, work_no="DX-T")
    assert "has begun" in run(handed_in.stage.app, "erase", "--reason", "died", *signed, typed=f"{WANG}\n").output
    assert state_of(handed_in) == "stopped"
    assert "记下了" not in handed_in.say("zhou", *HAND_IN)
