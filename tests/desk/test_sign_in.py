"""Staff come in at the desk by their own WeChat, in the browser that showed the code, once, and within five minutes."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from bot.web.desk.sign_in import MOST_CODES
from models.desk import sign_in as desk
from models.desk.sign_in import LASTS, MOST_TRIES, DeskSignIn
from models.staff.member import Staff
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import Stage
from tests.scenes.desk import OFFICER, OTHER, Browser, events, scan, sessions, signed_in
from tests.scenes.seat import SEAT

SCENE = "desk_"


@pytest.fixture
def officer(stage: Stage) -> int:
    return stage.appoint(OFFICER, "county", SEAT["county"], work_no="DX0001")


def test_by_a_scanned_code(stage: Stage, officer: int, run_simulator: Callable[..., RunningSimulator]) -> None:
    wechat = run_simulator()
    stage.reopen(wechat_api_url=wechat.url)
    browser = Browser(stage)
    browser.ask_for_code()
    [code] = wechat.simulator.codes.shown()
    assert code.ends is not None
    assert code.ends - wechat.simulator.timeline() <= LASTS.total_seconds()
    assert "<svg" in browser.page
    assert browser.state() == "shown"
    asked = scan(stage, OFFICER, code.scene)
    assert "DX0001" in asked
    assert "Windows 电脑，Edge 浏览器，网络 8.8.*.*" in asked
    assert "回 2" in asked
    assert browser.state() == "asked"
    assert not browser.is_in()
    assert "进来了" in stage.say(OFFICER, "是我")
    assert browser.state() == "confirmed"
    assert browser.enter().status_code == 303
    assert browser.is_in()
    assert sessions(stage) == [("scan", None)]
    assert events(stage, "desk_entered") == [(f"staff:{officer}", "desk_entered", "staff", "scan")]


def test_by_digits_where_no_code_can_be_had(stage: Stage, officer: int) -> None:
    browser = Browser(stage)
    digits = browser.ask_for_code()
    assert "画不出二维码" in browser.page
    assert "是您自己吗" in stage.say(OFFICER, f"登录{digits}")
    stage.say(OFFICER, "1")
    browser.enter()
    assert browser.is_in()
    assert "DX0001" in browser.page


def test_on_the_phone_by_wechats_word(stage: Stage, officer: int) -> None:
    assert "/desk/phone" in stage.say(OFFICER, "登录")
    phone = Browser(stage, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) MicroMessenger/8.0")
    assert phone.get().headers["Location"] == "/desk/phone"
    assert "/connect/oauth2/authorize" in phone.get("/desk/phone").headers["Location"]
    phone.client.set_cookie("bangfu_visitor", stage.visitor_cookie(OFFICER))
    assert phone.get("/desk/phone").status_code == 200
    assert phone.is_in()
    first = phone.cookie()
    assert phone.get("/desk/phone").status_code == 200
    assert (phone.cookie(), sessions(stage)) == (first, [("phone", None)])


@pytest.mark.parametrize("role", ["keeper", "resident", "stranger"])
def test_who_has_no_desk_does_not_come_in(stage: Stage, officer: int, role: str) -> None:
    stage.person(OTHER)
    if role == "keeper":
        stage.appoint(OTHER, role)
    if role == "resident":
        stage.register(OTHER, role)
    browser = Browser(stage)
    digits = browser.ask_for_code()
    stage.say(OTHER, f"登录 {digits}")
    assert ["密码" in stage.say(OTHER, words) for words in ("登录", "退出登录")] == [True, True]
    assert "您用不着" in scan(stage, OTHER, f"{SCENE}x")
    assert browser.state() == "shown"
    browser.client.set_cookie("bangfu_visitor", stage.visitor_cookie(OTHER))
    assert browser.get("/desk/phone").status_code == 302  # to WeChat, which says again who it is
    assert sessions(stage) == []


def test_a_code_is_taken_once(stage: Stage, officer: int) -> None:
    browser = Browser(stage)
    digits = browser.ask_for_code()
    stage.say(OFFICER, f"登录 {digits}")
    stage.say(OFFICER, "1")
    token = browser.cookie("bangfu_desk_code")
    form = browser.csrf()
    assert browser.enter().status_code == 303
    browser.client.set_cookie("bangfu_desk_code", token)
    assert browser.client.post("/desk/enter", data={"csrf": form}).status_code == 403
    assert "没有哪台电脑" in stage.say(OFFICER, f"登录 {digits}")
    assert sessions(stage) == [("digits", None)]


def test_of_two_officers_the_first_is_asked_and_nobody_else_answers(stage: Stage, officer: int) -> None:
    stage.appoint(OTHER, "township")
    browser = Browser(stage)
    digits = browser.ask_for_code()
    stage.say(OFFICER, f"登录 {digits}")
    assert "没有哪台电脑" in stage.say(OTHER, f"登录 {digits}")
    assert "没有登录" in scan(stage, OTHER, f"{SCENE}whatever")
    stage.say(OTHER, "1")
    assert browser.state() == "asked"
    stage.say(OFFICER, "1")
    assert browser.enter().status_code == 303


def test_a_code_is_the_seats_that_was_asked_whoever_has_its_number_or_its_picture(stage: Stage, officer: int) -> None:
    other, now = stage.appoint(OTHER, "township"), stage.clock()
    with Database(stage.database) as db, db.begin():
        first, second = db.get_one(Staff, officer), db.get_one(Staff, other)
        shown = desk.begin_sign_in(db, desk.Device("edge", "windows"), "", now)
        asked = desk.scan(db, first, shown.scene, now)
        with pytest.raises(desk.DeskCodeDead):
            desk.scan(db, second, shown.scene, now)
        with pytest.raises(desk.DeskCodeDead):
            desk.answer(db, second, asked.id, now, is_own=True)
        assert desk.scan(db, first, shown.scene, now) is asked
        desk.answer(db, first, asked.id, now, is_own=True)
        with pytest.raises(desk.DeskCodeDead):
            desk.answer(db, first, asked.id, now, is_own=False)
        assert desk.enter(db, shown.token, now)
        assert desk.enter(db, shown.token, now) is None


def test_after_five_minutes_it_is_over(stage: Stage, officer: int) -> None:
    browser = Browser(stage)
    digits = browser.ask_for_code()
    stage.clock.move(LASTS)
    assert browser.state() == "over"
    assert "没有哪台电脑" in stage.say(OFFICER, f"登录 {digits}")
    digits = browser.ask_for_code()
    stage.say(OFFICER, f"登录 {digits}")
    stage.clock.move(LASTS)
    assert "过了五分钟" in stage.say(OFFICER, "1")
    assert browser.enter().status_code == 403
    assert sessions(stage) == []


def test_from_another_browser_it_opens_nothing(stage: Stage, officer: int) -> None:
    browser, other = Browser(stage), Browser(stage)
    other.ask_for_code()
    stage.say(OFFICER, f"登录 {browser.ask_for_code()}")
    stage.say(OFFICER, "1")
    other.enter()
    assert not other.is_in()
    assert browser.enter().status_code == 303


def test_not_me(stage: Stage, officer: int) -> None:
    browser = Browser(stage)
    stage.say(OFFICER, f"登录 {browser.ask_for_code()}")
    assert "没有让它进来" in stage.say(OFFICER, "不是我")
    assert browser.state() == "denied"
    assert "不是本人" in browser.enter().get_data(as_text=True)
    assert not browser.is_in()
    assert [event[:2] for event in events(stage, "desk_denied")] == [(f"staff:{officer}", "desk_denied")]


def test_who_presses_too_early_waits_with_the_same_code(stage: Stage, officer: int) -> None:
    browser = Browser(stage)
    digits = browser.ask_for_code()
    assert browser.enter().status_code == 200
    stage.say(OFFICER, f"登录 {digits}")
    assert "手机上在问" in browser.enter().get_data(as_text=True)
    stage.say(OFFICER, "1")
    assert browser.enter().status_code == 303


def test_a_seat_that_ends_between_the_answer_and_the_entrance_has_no_session(stage: Stage, officer: int) -> None:
    browser = Browser(stage)
    stage.say(OFFICER, f"登录 {browser.ask_for_code()}")
    stage.say(OFFICER, "1")
    with Database(stage.database) as db, db.begin():
        db.execute(update(Staff).values(state="suspended"))
    assert browser.enter().status_code == 403
    assert sessions(stage) == []


def test_digits_are_guessed_a_few_times_a_day_and_no_more(stage: Stage, officer: int) -> None:
    browser = Browser(stage)
    digits = browser.ask_for_code()
    wrong = f"{(int(digits) + 1) % 10**6:06}"
    for _ in range(MOST_TRIES):
        assert "没有哪台电脑" in stage.say(OFFICER, f"登录 {wrong}")
    assert "写对了也不行" in stage.say(OFFICER, f"登录 {digits}")
    assert browser.state() == "shown"
    assert len(events(stage, "code_refused")) == MOST_TRIES
    stage.clock.move(timedelta(days=1))
    digits = browser.ask_for_code()
    assert "是您自己吗" in stage.say(OFFICER, f"登录 {digits}")


def test_what_is_no_six_digits_is_told_so_and_not_counted(stage: Stage, officer: int) -> None:
    for words in ("登录 12345", "登录 abcdef", "登录 1234567"):
        assert "不是 6 个数字" in stage.say(OFFICER, words)
    assert events(stage, "code_refused") == []


@pytest.mark.slow  # sixty codes
def test_an_address_gets_so_many_codes_an_hour(stage: Stage, redis_flushed: str) -> None:
    stage.reopen(redis_url=redis_flushed)
    browser, elsewhere = Browser(stage), Browser(stage, address="9.9.9.9")
    browser.get()
    assert {browser.post("/desk/code").status_code for _ in range(MOST_CODES)} == {200}
    assert browser.post("/desk/code").status_code == 429
    assert "一个钟头" in browser.page
    elsewhere.ask_for_code()


def test_a_new_code_ends_the_one_before(stage: Stage, officer: int) -> None:
    browser = Browser(stage)
    first = browser.ask_for_code()
    stage.say(OFFICER, f"登录 {first}")
    browser.ask_for_code()
    assert "过了五分钟" in stage.say(OFFICER, "1")
    assert browser.state() == "shown"
    with Database(stage.database) as db:
        assert db.scalar(select(func.count()).select_from(DeskSignIn)) == 2


def test_another_sign_in_on_a_computer_ends_the_first(stage: Stage, officer: int) -> None:
    first = signed_in(stage)
    second = signed_in(stage)
    assert not first.is_in()
    assert second.is_in()
    assert sessions(stage) == [("digits", "newer"), ("digits", None)]
