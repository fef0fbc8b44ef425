"""What a donor says to a family: what may not stand in it, who reads it and when, and when nobody does any more."""

import json
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database
from structlog.testing import capture_logs

from bot.wechat.codec import REPLY_BYTES
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from flows.engine.flow import Say
from flows.readers.numbers.private_numbers import holds_private_number
from flows.readers.words.friendly_words import fault_of
from handlers.donors.messages import MOST
from models.appeals.appeal import Appeal
from models.core.audit_trail import AuditEvent
from models.core.money import LARGEST
from models.donors.message import LONGEST, GiftMessage, NoSuchMessage
from models.donors.message_inbox import PAGE, FamilyMessage, messages_to_family, report_message
from models.donors.message_review import (
    GiftTakesNoMessage,
    MessageExists,
    check_takes_message,
    open_message,
    own_gift,
    pass_message,
    send_back,
    submit_message,
    withdraw_message,
)
from models.giving.pledge import Pledge
from models.notifications.kinds import KINDS
from models.notifications.mute import mute
from models.notifications.notification import Notification
from models.payments.refund_entitlement import NoSuchGift
from models.people.user import User
from models.staff.decision import DecidedBefore
from models.staff.member import Staff
from models.staff.task import find_task
from models.staff.turn import HasConflict, NotYourTurn, OutsideRegion
from tests.harness.erasing import erase_person
from tests.harness.racing import at_once, patient
from tests.harness.stage import Clock, Stage
from tests.harness.words.notice_facts import CODE, TITLE, WIDE
from tests.harness.words.notice_facts import MOST as LARGE
from tests.scenes.money.disbursements import at, wrong
from tests.scenes.money.gifts import donor_of, give, promise
from tests.scenes.money.refunds import code_of, fail_and_plan, want_back

LEXICON = load_lexicon()
WORDS = "加油，我也是山里长大的，路修好了就好了。"


def gift(stage: Stage, appeal: int, openid: str = "oDonor", *, anonymous: bool = False) -> str:
    """One that has come; its code."""
    return code_of(stage, give(stage, appeal, 10_000, openid, anonymous=anonymous))


def said(stage: Stage, code: str, words: str = WORDS, draft: str = "") -> int:
    """The message's number."""
    with at(stage) as db:
        who = db.get_one(User, db.scalars(select(Pledge.donor_id).where(Pledge.code == code)).one())
        return submit_message(db, who, code, words, draft or f"m-{code}-{_count(db)}", stage.clock()).id


def _count(db: Database) -> int:
    return db.scalar(select(func.count(GiftMessage.id))) or 0


def seat(db: Database, openid: str = "o-officer-0") -> Staff:
    return db.scalars(select(Staff).where(Staff.openid == openid)).one()


def donor(db: Database) -> User:
    """The only one there is."""
    return db.scalars(select(User).where(User.role == "donor")).one()


def passed(stage: Stage, number: int, openid: str = "o-officer-0") -> None:
    with at(stage) as db:
        pass_message(db, seat(db, openid), number, stage.clock())


def state(stage: Stage, number: int) -> str:
    with at(stage) as db:
        return db.get_one(GiftMessage, number).state


def told(stage: Stage, kind: str = "gift_message") -> list[dict[str, object]]:
    with at(stage) as db:
        return [
            json.loads(each.facts) for each in db.scalars(select(Notification).where(Notification.template == kind))
        ]


def read(stage: Stage, appeal: int) -> list[str]:
    """What the family reads."""
    with at(stage) as db:
        owner = db.get_one(User, db.get_one(Appeal, appeal).owner_id)
        return [one.words for one in messages_to_family(db, owner, appeal, None)[1].items]


# --- What may not stand in it

KIND = st.text("加油好人一生平安愿你们越来越日子会，。！ 我也是山里长大的", min_size=2, max_size=60)
NOISE = st.sampled_from(["", " ", "-", "·", "，", "～", " ♥ "])


@given(KIND)
@example("微信上看到你们的事，很感动")
@example("我家也有3个孩子，1998年是这样过来的")
@example("捐了5000元，一点心意，2026年一切顺利！")
@example("手机上看到的，一起加油")
@example("2026-11-28 晚上 8:30 看到的，Happy 2027!")
def test_kind_words_are_let_in(words: str) -> None:
    assert fault_of(words, LEXICON) is None


@given(KIND, st.sampled_from(["加我", "私聊", "我的微信", "进群"]), NOISE, KIND)
def test_who_wants_to_meet_elsewhere_is_refused_however_it_is_parted(a: str, words: str, noise: str, b: str) -> None:
    assert fault_of(f"{a}{noise.join(words)}{b}", LEXICON) == "contact"


@given(
    KIND,
    st.sampled_from(["微信", "VX", "扣扣", "ｑｑ", "薇信"]),
    NOISE,
    st.from_regex("[a-z][a-z0-9_-]{5,12}", fullmatch=True),
)
def test_a_name_elsewhere_is_refused(a: str, way: str, noise: str, name: str) -> None:
    assert fault_of(f"{a}{way}{noise}{name}", LEXICON) in ("contact", "link")


@given(KIND, st.integers(3, 9), st.integers(0, 10**9 - 1), st.sampled_from(["", " ", "-", "·"]))
def test_a_phone_is_refused_by_the_reader_or_here(a: str, second: int, rest: int, noise: str) -> None:
    words = a + noise.join(f"1{second}{rest:09d}")
    assert holds_private_number(words) or fault_of(words, LEXICON) == "contact"


@given(
    KIND,
    st.sampled_from(["https://a.cn/x", "www.abc.com", "t.cn/Rx", "ｂａｉｄｕ．ｃｏｍ", "abc点com", "http：//x"]),
    KIND,
)
def test_a_link_is_refused(a: str, link: str, b: str) -> None:
    assert fault_of(f"{a}{link}{b}", LEXICON) is not None


@given(KIND, st.sampled_from(["还钱", "转账", "收款码", "红包", "贷款", "返现"]), NOISE, KIND)
def test_a_hand_held_out_for_money_is_refused(a: str, words: str, noise: str, b: str) -> None:
    assert fault_of(f"{a}{noise.join(words)}{b}", LEXICON) == "money"


@pytest.mark.parametrize(
    ("words", "situation"),
    [
        ("我电话13812345678", "private_number"),
        ("身份证 43112419010101002X", "private_number"),
        ("加我微信 abc_123", "contact"),
        ("看 www.example.com", "link"),
        ("以后还钱给我", "money"),
        ("好" * (LONGEST + 1), "too_long"),
        ("好", "too_short"),
    ],
)
def test_the_donor_hears_at_once_what_is_wrong(stage: Stage, words: str, situation: str) -> None:
    code = gift(stage, stage.open_appeal())
    stage.say("oDonor", f"留言 {code}")
    stage.say("oDonor", words)
    assert stage.said[0] == f"message/words:{situation}"
    with at(stage) as db:
        assert _count(db) == 0


# --- Whose it is to say


def test_nothing_is_said_with_what_has_not_come(stage: Stage) -> None:
    appeal = stage.open_appeal()
    code = code_of(stage, promise(stage, appeal, 10_000))
    with at(stage) as db:
        pledge = own_gift(db, donor(db), code)
        with pytest.raises(GiftTakesNoMessage):
            check_takes_message(db, pledge)


def test_nobody_speaks_with_anothers_gift(stage: Stage) -> None:
    code = gift(stage, stage.open_appeal())
    donor_of(stage, "oOther")
    assert "您没有编号" in stage.say("oOther", f"留言 {code}")
    with at(stage) as db:
        other = db.scalars(select(User).order_by(User.id.desc()).limit(1)).one()
        with pytest.raises(NoSuchGift):
            submit_message(db, other, code, WORDS, "x", stage.clock())


def test_one_stands_with_a_gift_and_the_same_draft_is_one(stage: Stage) -> None:
    code = gift(stage, stage.open_appeal())
    first = said(stage, code, draft="d")
    assert said(stage, code, draft="d") == first
    with pytest.raises(MessageExists):
        said(stage, code)
    with Database(stage.database) as db:
        one = db.get_one(GiftMessage, first)
        same = {"pledge_id": one.pledge_id, "appeal_id": one.appeal_id, "words": "x", "created_at": stage.clock()}
        db.add(GiftMessage(draft_id="y", **same))
        with pytest.raises(IntegrityError):
            db.flush()


def test_of_two_at_once_one_stands(new_database: Callable[[], str]) -> None:
    stage = patient(Stage(new_database()))
    code = gift(stage, stage.open_appeal())
    results = at_once([partial(said, stage, code, draft=f"d{n}") for n in range(4)])
    assert sorted(type(one).__name__ for one in results) == ["MessageExists"] * 3 + ["int"]
    # And one that an officer lets through while its gift goes back is read, or was never.
    number = next(one for one in results if isinstance(one, int))
    with Database(stage.database) as db:
        pledge = db.get_one(GiftMessage, number).pledge_id
    came = at_once([partial(passed, stage, number), partial(want_back, stage, pledge)])
    assert state(stage, number) == ("passed" if came[0] is None else "withdrawn")
    assert len(told(stage)) == (1 if came[0] is None else 0)
    assert wrong(stage) == set()
    stage.close()


def test_it_is_taken_back_while_nobody_has_read_it_and_not_after(stage: Stage) -> None:
    code = gift(stage, stage.open_appeal())
    first = said(stage, code)
    with at(stage) as db:
        withdraw_message(db, donor(db), code, stage.clock())
        assert find_task(db, "message", first) is None
    second = said(stage, code)
    passed(stage, second)
    with at(stage) as db, pytest.raises(MessageExists):
        withdraw_message(db, donor(db), code, stage.clock())
    assert (state(stage, first), state(stage, second)) == ("withdrawn", "passed")
    assert not wrong(stage)


# --- Who reads it first


def test_who_gave_does_not_let_their_own_words_through(stage: Stage) -> None:
    appeal = stage.open_appeal()
    code = gift(stage, appeal, "o-officer-0")
    number = said(stage, code)
    with at(stage) as db:
        task = find_task(db, "message", number)
        assert task
        assert task.assignee != seat(db).id
    for decide in (pass_message, partial(send_back, reasons=("unkind",))):
        with pytest.raises((HasConflict, NotYourTurn)), at(stage) as db:
            decide(db, seat(db), number, now=stage.clock())
    with pytest.raises(NoSuchMessage), at(stage) as db:
        open_message(db, seat(db), number, stage.clock())


@pytest.mark.parametrize(("role", "region"), [("village", "431124104000"), ("fund_holder", "431124000000")])
def test_nobody_else_of_the_staff_reads_it(stage: Stage, role: str, region: str) -> None:
    number = said(stage, gift(stage, stage.open_appeal()))
    stage.appoint("o-far", role, region)
    with at(stage) as db, pytest.raises(NoSuchMessage):
        open_message(db, seat(db, "o-far"), number, stage.clock())
    with at(stage) as db, pytest.raises((OutsideRegion, NotYourTurn)):
        pass_message(db, seat(db, "o-far"), number, stage.clock())
    assert WORDS not in stage.say("o-far", f"看 留言 {number}")


def test_the_look_is_recorded_and_its_donor_can_ask_who_looked(stage: Stage) -> None:
    number = said(stage, gift(stage, stage.open_appeal()))
    assert WORDS in stage.say("o-officer-0", f"看 留言 {number}")
    with at(stage) as db:
        look = db.scalars(select(AuditEvent).where(AuditEvent.action == "read_sensitive")).one()
        assert (look.subject, look.subject_id, look.detail) == ("message", number, "review")
    assert f"您的留言 {number} 号" in stage.say("oDonor", "谁看过我")


def test_what_was_reported_comes_before_another_and_only_once(stage: Stage) -> None:
    appeal = stage.open_appeal()
    number = said(stage, gift(stage, appeal))
    stage.appoint("o-town", "township")
    passed(stage, number)
    with at(stage) as db:
        owner = db.get_one(User, db.get_one(Appeal, appeal).owner_id)
        report_message(db, owner, number, stage.clock())
    assert read(stage, appeal) == []
    with pytest.raises((HasConflict, NotYourTurn, DecidedBefore)):
        passed(stage, number)
    passed(stage, number, "o-town")
    assert read(stage, appeal) == [WORDS]
    assert len(told(stage)) == 1  # they have had it
    with pytest.raises(NoSuchMessage), at(stage) as db:
        report_message(db, db.get_one(User, db.get_one(Appeal, appeal).owner_id), number, stage.clock())
    assert not wrong(stage)


def test_nobody_reports_what_was_not_said_to_them(stage: Stage) -> None:
    appeal, other = stage.open_appeal(), stage.open_appeal()
    number = said(stage, gift(stage, appeal))
    passed(stage, number)
    with pytest.raises(NoSuchMessage), at(stage) as db:
        report_message(db, db.get_one(User, db.get_one(Appeal, other).owner_id), number, stage.clock())
    assert "不是您的" in stage.say("o-owner-1", f"大家的留言 {appeal}")


# --- What the family has of it


@pytest.mark.parametrize("anonymous", [False, True])
def test_it_has_the_name_that_the_gift_has_on_every_surface(stage: Stage, anonymous: bool) -> None:
    appeal = stage.open_appeal()
    number = said(stage, gift(stage, appeal, anonymous=anonymous))
    shown = "一位好心人" if anonymous else "李老师"
    seen = [stage.say("o-officer-0", f"看 留言 {number}")]
    passed(stage, number)
    assert told(stage)[0]["name"] == (None if anonymous else "李老师")
    seen += [stage.say("o-owner-0", "消息"), stage.say("o-owner-0", f"大家的留言 {appeal}")]
    for words in seen:
        assert shown in words
        assert not anonymous or "李老师" not in words


def test_who_turned_it_off_is_not_told_and_reads_it_all_the_same(stage: Stage) -> None:
    appeal = stage.open_appeal()
    number = said(stage, gift(stage, appeal))
    with at(stage) as db:
        mute(db, stage.person("o-owner-0"), "messages", stage.clock())
    passed(stage, number)
    assert told(stage) == []
    assert read(stage, appeal) == [WORDS]


def test_at_night_it_waits() -> None:
    assert not KINDS["gift_message"].urgent
    assert KINDS["gift_message"].topic == "messages"


def test_a_family_without_wechat_has_it_read_out(stage: Stage) -> None:
    appeal = stage.open_appeal()
    number = said(stage, gift(stage, appeal))
    with at(stage) as db:
        db.execute(text("UPDATE conversations SET user_id = NULL WHERE openid = 'o-owner-0'"))
    stage.say("o-officer-0", f"看 留言 {number}")
    assert "当面念给他们听" in stage.say("o-officer-0", "1")


def test_nobody_else_reads_it_and_no_log_has_it(stage: Stage) -> None:
    appeal = stage.open_appeal()
    code = gift(stage, appeal)
    with capture_logs() as logs:
        stage.say("oDonor", f"留言 {code}")
        stage.say("oDonor", WORDS)
        stage.say("oDonor", "确认")
        stage.say("o-officer-0", "看 留言 1")
        stage.say("o-officer-0", "1")
    assert state(stage, 1) == "passed"
    assert WORDS[:6] not in str(logs)
    pages = [stage.client.get(path).get_data(as_text=True) for path in (f"/trace/{code}", "/ledger")]
    stage.register("o-stranger", "donor")
    asked = (f"看 {appeal}", f"进展 {appeal}", f"查 {code}", f"大家的留言 {appeal}", "看求助")
    for words in [*pages, *(stage.say("o-stranger", one) for one in asked)]:
        assert WORDS[:6] not in words
    with at(stage) as db:
        details = list(db.scalars(select(AuditEvent.detail).where(AuditEvent.detail.is_not(None))))
        stored = db.execute(text("SELECT words FROM gift_messages")).scalars().all()
    assert not any("加油" in (detail or "") for detail in details)
    assert all(WORDS.encode() not in bytes(one) for one in stored)


# --- When nobody reads it any more


def test_a_gift_that_goes_back_takes_along_what_nobody_has_read(stage: Stage) -> None:
    appeal = stage.open_appeal()
    first = give(stage, appeal, 10_000)
    waits = said(stage, code_of(stage, first))
    want_back(stage, first)
    assert state(stage, waits) == "withdrawn"
    second = give(stage, appeal, 10_000)
    heard_of = said(stage, code_of(stage, second))
    passed(stage, heard_of)
    want_back(stage, second)
    assert state(stage, heard_of) == "passed"
    with pytest.raises(GiftTakesNoMessage):
        said(stage, code_of(stage, first))
    with at(stage) as db:
        assert find_task(db, "message", waits) is None
    assert not wrong(stage)


def test_an_appeal_that_fails_takes_along_what_nobody_has_read(stage: Stage) -> None:
    appeal = stage.open_appeal()
    number = said(stage, gift(stage, appeal))
    fail_and_plan(stage, appeal)
    assert state(stage, number) == "withdrawn"


@pytest.mark.parametrize("is_read", [False, True])
def test_of_an_erased_donor_no_word_stays(stage: Stage, is_read: bool) -> None:
    appeal = stage.open_appeal()
    number = said(stage, gift(stage, appeal))
    if is_read:
        passed(stage, number)
    with at(stage) as db:
        erase_person(db, stage.person("oDonor"), stage.clock())
    with at(stage) as db:
        message = db.get_one(GiftMessage, number)
        assert (message.state, message.words) == ("withdrawn", "")
        assert find_task(db, "message", number) is None
    assert read(stage, appeal) == []
    assert told(stage) == []
    assert not wrong(stage)


def test_what_had_gone_out_keeps_neither_words_nor_name(stage: Stage) -> None:
    number = said(stage, gift(stage, stage.open_appeal()))
    passed(stage, number)
    stage.say("o-owner-0", "消息")
    with at(stage) as db:
        erase_person(db, stage.person("oDonor"), stage.clock())
    assert [(facts["words"], facts["name"]) for facts in told(stage)] == [("", None)]


def test_of_an_erased_family_none_is_read(stage: Stage) -> None:
    appeal = stage.open_appeal()
    number, other = said(stage, gift(stage, appeal)), said(stage, gift(stage, appeal, "oTwo"))
    passed(stage, other)
    with at(stage) as db:
        erase_person(db, stage.person("o-owner-0"), stage.clock())
    with at(stage) as db:
        assert [db.get_one(GiftMessage, each).words for each in (number, other)] == ["", ""]
    assert state(stage, number) == "withdrawn"
    assert not wrong(stage)


# --- The books, the tables before, and room on the screen


def test_the_books_name_what_waits_for_nobody(stage: Stage) -> None:
    number = said(stage, gift(stage, stage.open_appeal()))
    assert not wrong(stage)
    with at(stage) as db:
        db.execute(text("DELETE FROM recusals"))
        db.execute(text("DELETE FROM tasks WHERE subject = 'message'"))
    assert wrong(stage) == {"task_missing"}
    with at(stage) as db:
        db.execute(text("UPDATE gift_messages SET state = 'passed'"))
    assert wrong(stage) == {"state_differs"}
    assert state(stage, number) == "passed"


def test_the_longest_fits_into_one_reply() -> None:
    renderer = Renderer(LEXICON.words, LEXICON.choices)
    long = FamilyMessage(LARGE, WIDE * LONGEST, WIDE * 12, Clock().now, reportable=True)
    lines = list(enumerate([long] * PAGE, 1))
    page = {"number": LARGE, "title": TITLE, "lines": lines, "more": PAGE + 1, "back": PAGE + 2, "later": False}
    own = {"number": LARGE, "gift": CODE, "words": WIDE * LONGEST, "state": "submitted"}
    own["ways"] = [(1, "withdraw"), (2, "appeal")]
    gifts = [(n, {"amount_fen": LARGEST, "appeal": LARGE, "title": TITLE, "code": CODE}) for n in range(1, MOST + 1)]
    for name, values in (("messages", page), ("own_message", own), ("which_gift_to_message", {"lines": gifts})):
        words = renderer.render([Say(f"replies/donors/{name}", None, values)])
        assert len(words.encode()) <= REPLY_BYTES, (name, len(words.encode()))
