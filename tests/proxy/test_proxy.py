"""Proxy work that must not go wrong: without consent, in somebody's name, with their code, with their card."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.books import violations
from models.core.audit_trail import AuditEvent
from models.core.database import snapshot
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.people.user import User
from models.proxy.act import NoSuchAct, confirm_act, deny_act
from models.proxy.card import Card
from models.proxy.consent_code import ConsentCode
from models.proxy.mandate import Mandate, ProxyAct, get_mandate, live_mandate
from models.staff.member import Staff
from models.staff.task import Task
from models.verification.case import Verification
from tests.harness.erasing import EVENTS, everything, of, tell_gone
from tests.harness.stage import id_number
from tests.scenes.proxy_village import APPEAL, BY_SHEET, WANG, Village
from tests.scenes.proxy_village import village as village

# Without consent


def test_proxy_work_without_a_live_consent_fails(village: Village) -> None:
    village.say("zhou", *BY_SHEET)
    sheet = village.newest(Photo)
    assert (sheet.subject, sheet.state) == ("mandate", "owed")
    # The picture of the sheet could never be had: what was granted by it is worth nothing.
    village.set(Photo, sheet.id, state="lost")
    assert "没有他的同意" in village.say("zhou", "1")
    village.set(Photo, sheet.id, state="kept")
    village.say("zhou", *BY_SHEET[:2])
    assert "替 王**" in village.say("zhou", "1")
    assert "没有他的同意" not in village.say("zhou", *APPEAL[1:-1])
    village.say("wang", "授权代办", "1")
    assert "没有他的同意" in village.say("zhou", "确认")
    assert village.count(Appeal) == 0
    assert village.count(ProxyAct) == 0
    assert village.actions("mandate") == ["granted", "revoked"]


def test_a_consent_is_one_officers_and_for_one_thing(village: Village) -> None:
    village.say("zhou", *BY_SHEET)
    now = village.stage.clock()
    with Database(village.stage.database) as db:
        mandate = live_mandate(db, village.wang, village.zhou, "appeal", now)
        assert mandate
        assert live_mandate(db, village.wang, village.tang, "appeal", now) is None
        assert live_mandate(db, village.wang, village.zhou, "register", now) is None
        assert live_mandate(db, village.wang, village.zhou, "appeal", now + timedelta(days=30)) is None
        with pytest.raises(Exception, match="no_mandate"):
            get_mandate(db, mandate.id, village.tang, "appeal", now)
    assert "替谁写求助" in village.say("tang", "代办", "2")


def test_a_revoked_officer_finishes_nothing_they_began(village: Village) -> None:
    village.say("zhou", *BY_SHEET, *APPEAL[:-1])
    village.set(Staff, village.zhou, state="revoked")
    assert "不归您办" in village.say("zhou", "确认")
    assert village.count(Appeal) == 0


def test_nothing_is_kept_of_somebody_who_did_not_consent(village: Village) -> None:
    before = everything(village.stage)
    assert "没有本人同意" in village.say("zhou", "代办", "1")
    assert "至少要 1 张" in village.say("zhou", "完成")
    assert village.count(User) == 1
    assert before.count("李四光") == everything(village.stage).count("李四光") == 0


# In somebody's name


def test_an_officer_confirms_nothing_in_a_residents_name(village: Village) -> None:
    village.say("zhou", *BY_SHEET, *APPEAL)
    act = village.newest(ProxyAct)
    assert act.confirmed_at is None
    assert "现在注册" in village.say("zhou", "代办记录")
    village.stage.register("o-zhou", "donor")
    zhou = village.newest(User).id
    assert "没有人替您办过事" in village.say("zhou", "代办记录")
    with Database(village.stage.database) as db:
        for answer in (confirm_act, deny_act):
            with pytest.raises(NoSuchAct):
                answer(db, zhou, act.id, village.stage.clock())
    assert village.newest(ProxyAct).confirmed_at is None


def test_an_answer_is_given_once(village: Village) -> None:
    village.say("zhou", *BY_SHEET, *APPEAL)
    act = village.newest(ProxyAct)
    with Database(village.stage.database) as db, db.begin():
        confirm_act(db, village.wang, act.id, village.stage.clock())
        with pytest.raises(NoSuchAct):
            deny_act(db, village.wang, act.id, village.stage.clock())


def test_what_its_owner_denies_is_taken_back_before_it_is_public(village: Village) -> None:
    village.stage.appoint("o-county", "county", "431124000000")
    village.say("zhou", *BY_SHEET, *APPEAL)
    village.say("wang", "代办记录")
    assert "不是您的意思" in village.say("wang", "2")
    assert village.newest(Appeal).state == "cancelled"
    assert village.newest(Task).closed_at is not None
    assert village.newest(Mandate).revoked_at is not None
    assert "本人说不是自己的意思" in village.say("county", "菜单")
    assert village.actions("mandate") == ["granted", "used", "denied", "revoked"]
    assert "替谁写求助" in village.say("zhou", "代办", "2")


def test_what_its_owner_denies_when_it_takes_money_is_frozen_for_the_county(village: Village) -> None:
    village.say("zhou", *BY_SHEET, *APPEAL)
    village.say("tang", "通过 1")
    assert village.newest(Appeal).state == "funding"
    village.say("wang", "代办记录", "2")
    appeal = village.newest(Appeal)
    assert (appeal.state, appeal.was) == ("frozen", "funding")
    assert "不收捐款" in village.say("stranger", "捐 1 5")
    with Database(village.stage.database) as db:
        last = select(AuditEvent).where(AuditEvent.subject == "appeal").order_by(AuditEvent.id.desc()).limit(1)
        assert db.scalars(last).one().detail == "denied_by_owner"


def test_an_officer_acts_for_none_of_their_own_household(village: Village) -> None:
    village.set(Staff, village.zhou, household_id=village.newest(User).household_id)
    for way in ("2", "3"):
        village.say("zhou", "代办", way)
        assert "自己家的人" in village.say("zhou", WANG)
        village.say("zhou", "取消", "1")
    assert village.count(Mandate) == 0
    assert "是 王**" in village.say("tang", "代办", "2", WANG)


def test_looking_somebody_up_is_on_record_for_them(village: Village) -> None:
    village.say("zhou", "代办", "2", id_number(9))
    village.say("zhou", WANG)
    with Database(village.stage.database) as db:
        read = db.scalars(select(AuditEvent).where(AuditEvent.about == village.wang)).all()
    assert [(event.actor, event.detail) for event in read] == [(f"staff:{village.zhou}", "proxy")]
    assert "替您代办" in village.say("wang", "谁看过我")


# With their code


def test_a_code_cannot_be_found_by_trying_whoever_tries(village: Village) -> None:
    code = village.code()
    wrong = [f"{(int(code) + step) % 10**6:06}" for step in range(1, 6)]
    village.say("zhou", "代办", "2", WANG, "2")
    village.say("tang", "代办", "2", WANG, "2")
    assert "还能试 4 次" in village.say("zhou", wrong[0])
    assert "还能试 3 次" in village.say("tang", wrong[1])
    # Saying the same wrong one again is a try as well, and so is coming back to it.
    assert "还能试 2 次" in village.say("zhou", wrong[0])
    assert "还能试 1 次" in village.say("zhou", "返回", "2", wrong[2])
    assert "没有能用的代办码" in village.say("tang", wrong[3])
    assert "没有能用的代办码" in village.say("tang", code)
    assert "没有能用的代办码" in village.say("zhou", code)
    assert village.newest(ConsentCode).tries == 5
    assert village.count(Mandate) == 0
    assert "试了 5 次都不对" in village.say("wang", "菜单")
    # A new one works.
    assert "请看一遍" in village.say("zhou", village.code())


def test_a_code_works_once_for_whoever_is_first(village: Village) -> None:
    code = village.code()
    for name in ("zhou", "tang"):
        assert "请看一遍" in village.say(name, "代办", "2", WANG, "2", code)
    assert "您可以替 王** 写求助" in village.say("tang", "确认")
    assert "没有能用的代办码" in village.say("zhou", "确认")
    assert [mandate.staff_id for mandate in [village.newest(Mandate)]] == [village.tang]
    assert village.count(Mandate) == 1


def test_a_code_ends_after_a_day_and_with_the_next_one(village: Village) -> None:
    first = village.code()
    second = village.code()
    village.say("zhou", "代办", "2", WANG, "2")
    if first != second:
        assert "还能试" in village.say("zhou", first)
    assert "请看一遍" in village.say("zhou", second)
    village.stage.clock.move(timedelta(hours=24))
    village.say("zhou", "继续")
    assert "没有能用的代办码" in village.say("zhou", "确认")
    assert village.count(Mandate) == 0


def test_the_code_of_one_is_no_good_for_another(village: Village) -> None:
    village.stage.register("o-li", "resident")
    code = village.code()
    village.say("zhou", "代办", "2", id_number(4), "2")
    assert "没有能用的代办码" in village.say("zhou", code)
    # The right code, and then another person in its place.
    village.say("tang", "代办", "2", WANG, "2", code)
    village.say("tang", "1", id_number(4))
    assert "您可以替" not in village.say("tang", "确认")
    assert village.count(Mandate) == 0


def test_no_code_is_kept_or_logged(village: Village, capsys: pytest.CaptureFixture[str]) -> None:
    code = village.code()
    village.say("zhou", "代办", "2", WANG, "2", f"{(int(code) + 1) % 10**6:06}")
    kept = everything(village.stage, "session", "reply")
    assert code not in kept
    assert WANG not in capsys.readouterr().err


# With their card


def card_of(village: Village) -> str:
    """The code of a new card for 王秀兰, whose WeChat is nobody's any more."""
    village.say("zhou", "代办", "3", WANG, "确认")
    with Database(village.stage.database) as db, db.begin():
        db.execute(update(Conversation).where(Conversation.openid == "o-wang").values(user_id=None))
        return db.scalars(select(Card.code).order_by(Card.id.desc()).limit(1)).one() or ""


def test_a_stolen_card_gives_three_tries_to_all_phones_together(village: Village) -> None:
    code = card_of(village)
    for thief in ("one", "two"):
        village.say(thief, f"[event SCAN card_{code}]")
    nearly = WANG[-6:-1] + ("1" if WANG[-1] == "2" else "2")
    assert "还能试 2 次" in village.say("one", nearly)
    assert "还能试 1 次" in village.say("two", "222222")
    assert "不能用了" in village.say("two", "333333")
    assert "不能用了" in village.say("one", WANG[-6:])
    assert "不能用了" in village.say("wang", f"[event SCAN card_{code}]")
    assert "写错了 3 次" in village.say("zhou", "菜单")
    card = village.newest(Card)
    assert (card.bound_at, card.code) == (None, None)
    assert village.actions("card") == ["card_issued", "card_refused", "card_refused", "card_refused", "card_void"]


def test_two_phones_that_know_the_number_get_one_binding(village: Village) -> None:
    code = card_of(village)
    for name in ("wang", "other"):
        village.say(name, f"[event SCAN card_{code}]", WANG[-6:], "1")
    assert "这个微信是您的了" in village.say("wang", "确认")
    assert "不能用了" in village.say("other", "确认")
    with Database(village.stage.database) as db:
        bound = db.scalars(select(Conversation.openid).where(Conversation.user_id == village.wang)).all()
    assert bound == ["o-wang"]


def test_a_card_takes_no_wechat_away_before_its_owner_could_object(village: Village) -> None:
    village.say("zhou", "代办", "3", WANG, "确认")
    code = village.newest(Card).code
    assert "还没用" in village.say("wang", "代办记录")
    village.say("thief", f"[event SCAN card_{code}]", WANG[-6:], "1")
    assert "才能用" in village.say("thief", "确认")
    village.stage.clock.move(timedelta(days=3))
    village.say("new", f"[event SCAN card_{code}]", WANG[-6:], "1")
    assert "这个微信是您的了" in village.say("new", "确认")
    with Database(village.stage.database) as db:
        bound = db.scalars(select(Conversation.openid).where(Conversation.user_id == village.wang)).all()
    assert bound == ["o-new"]
    told = village.say("wang", "我的")
    assert "现在注册" in told
    assert "换到了另一个微信" in told or "换到了另一个微信" in village.say("wang", "消息")


def test_no_wechat_bound_by_an_officers_own_card_confirms_their_act_unheard(village: Village) -> None:
    county = village.stage.appoint("o-eve", "county", "431124000000")
    assert county
    village.say("zhou", *BY_SHEET, *APPEAL)
    code = card_of(village)
    assert "1 " in village.say("new", f"[event SCAN card_{code}]", WANG[-6:], "1", "确认")
    village.say("new", "1")
    assert village.newest(ProxyAct).confirmed_at
    told = [each for each in of(village.stage, Notification, "template") if each == "proxy_own_card"]
    assert told == ["proxy_own_card"]


def test_an_officer_of_whatever_standing_binds_nobody(village: Village) -> None:
    code = card_of(village)
    for state in ("suspended", "bound"):
        village.set(Staff, village.tang, state=state)
        assert "工作人员的微信" in village.say("tang", f"[event SCAN card_{code}]")


# The books


def books(village: Village) -> list[str]:
    with snapshot(village.stage.settings.database_url) as connection:
        found = violations(connection, village.stage.clock())
        return [f"{each.code} {each.subject} {each.subject_id}" for each in found]


def test_the_books_name_what_was_done_without_consent(village: Village) -> None:
    village.say("zhou", *BY_SHEET, *APPEAL)
    village.say("tang", "通过 1")
    assert books(village) == []
    act, mandate = village.newest(ProxyAct), village.newest(Mandate)
    village.set(Mandate, mandate.id, revoked_at=act.at - timedelta(seconds=1))
    assert books(village) == ["no_consent appeal 1"]
    village.set(Mandate, mandate.id, revoked_at=None, scope="register")
    assert books(village) == ["no_consent appeal 1"]
    village.set(Mandate, mandate.id, scope="appeal", staff_id=village.tang)
    assert books(village) == ["passed_own_act appeal 1"]
    village.set(Mandate, mandate.id, staff_id=village.zhou)
    with Database(village.stage.database) as db, db.begin():
        db.execute(update(Photo).where(Photo.subject == "mandate").values(subject_id=99))
    assert books(village) == ["no_consent appeal 1"]


# Erasure


def test_erasure_ends_consents_codes_and_cards(village: Village) -> None:
    village.say("zhou", *BY_SHEET, *APPEAL)
    village.say("zhou", "代办", "3", WANG, "确认")
    village.code()
    with Database(village.stage.database) as db, db.begin():
        db.execute(update(Photo).values(path="1.jpg", state="kept"))
    tell_gone(village.stage, EVENTS[0], "o-wang")
    assert set(of(village.stage, Photo, "state")) == {"gone"}
    card, code = village.newest(Card), village.newest(ConsentCode)
    assert (card.code, card.qr_url, card.void_at) == (None, None, village.stage.clock())
    assert code.expires_at == village.stage.clock()
    assert village.newest(Mandate).revoked_at == village.stage.clock()
    assert village.newest(Appeal).story == ""
    assert "替谁写求助" in village.say("zhou", "代办", "2")
    assert "没有这个号码的居民" in village.say("zhou", WANG)
    assert village.newest(Verification).state == "withdrawn"
