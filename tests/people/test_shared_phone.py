"""Several people share a phone: what is pushed, who opens a page, who may guess, and that nobody sees the others."""

from collections import defaultdict
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.notifications.service_window import ServiceWindow
from models.people import shared_phone
from models.people.conversation import Conversation
from models.people.shared_phone import CodeLocked, WrongSwitchCode, prove_code
from models.people.user import Registration, User, register
from models.staff.appointment import check_holds_no_seat
from models.staff.member import ever_held_seat
from models.support.reporters import _reporter
from tests.harness.platform import wechat
from tests.harness.platform.push_office import Office
from tests.harness.platform.push_office import office as office
from tests.harness.platform.push_office import open_office as open_office
from tests.harness.stage import Stage
from tests.harness.tiers import examples
from tests.scenes.own_data import ask, path_of

PHONE = "o-phone"
CODES = {"甲": "7305", "乙": "4417", "丙": "2086"}


def name(who: str) -> str:
    return f"{who}某某"


class Home:
    """A phone and the people who share it, each registered as a donor under a name of their own."""

    def __init__(self, stage: Stage, *people: str) -> None:
        self.stage, self.people = stage, people
        self.current = people[0]
        self.numbers = {people[0]: stage.person(PHONE)}
        self._register(people[0])
        for other in people[1:]:
            self.say("换人")
            self.say("新的人")
            if self._code(self.current) is None:
                self.say(CODES[self.current])
            assert "新的人在用" in self.say("确认")
            self.current = other
            self.numbers[other] = stage.person(PHONE)
            self._register(other)

    def say(self, words: str) -> str:
        return self.stage.say(PHONE, words)

    def row(self, who: str) -> Conversation:
        with Database(self.stage.database, expire_on_commit=False) as db:
            return db.get_one(Conversation, self.numbers[who])

    def switch(self, to: str, code: str) -> str:
        """As a person would: by the number before the name, the own code first where there is none yet."""
        reply = self.say("换人")
        line = next(line for line in reply.splitlines() if line[2:].startswith(f"{to}*"))
        reply = self.say(line[0])
        if "先给自己定一个密码" in reply:
            reply = self.say(CODES[self.current])
        if "请本人写自己的" in reply:
            reply = self.say(code)
        return self.say("确认") if "是这样吗" in reply else reply

    def _code(self, who: str) -> str | None:
        return self.row(who).code

    def _register(self, who: str) -> None:
        with Database(self.stage.database) as db, db.begin():
            wanted = Registration(draft_id=f"d-{who}", role="donor", consents=("account",), display_name=name(who))
            user = register(db, wanted, self.stage.clock())
            mine = Conversation.id == self.numbers[who]
            db.execute(update(Conversation).where(mine).values(user_id=user.id))


def test_only_who_has_the_phone_has_its_openid(stage: Stage) -> None:
    home = Home(stage, "甲", "乙")
    assert (home.row("甲").openid, home.row("甲").parked_openid) == (f"parked-{home.numbers['甲']}", PHONE)
    assert "某" not in home.say("换人").replace("乙**", "")
    assert "换好了，现在是甲**在用" in home.switch("甲", CODES["甲"])
    assert (home.row("甲").openid, home.row("甲").parked_openid) == (PHONE, None)
    assert name("甲") in home.say("我的资料")
    kept = str(home.row("乙").code)
    assert CODES["乙"] not in kept
    with pytest.raises(IntegrityError), Database(stage.database) as db, db.begin():
        db.execute(update(Conversation).where(Conversation.id == home.numbers["乙"]).values(code=None))


def test_a_page_of_who_gave_the_phone_away_opens_no_more(stage: Stage) -> None:
    """Also by a browser that WeChat identified within the hour."""
    home, path = Home(stage, "甲"), path_of(stage, ask(stage, PHONE))
    assert stage.browse(PHONE, path).status_code == 200
    for words in ("换人", "新的人", CODES["甲"], "确认"):
        home.say(words)
    assert stage.client.get(path).status_code == 302
    assert stage.browse(PHONE, path).status_code == 302


def test_tries_of_a_code_are_few_and_their_pauses_grow(stage: Stage) -> None:
    home, now, pauses = Home(stage, "甲", "乙"), stage.clock(), []
    with Database(stage.database) as db, db.begin():
        parked = db.get_one(Conversation, home.numbers["甲"])
        for _ in range(6):
            for left in range(4, 0, -1):
                with pytest.raises(WrongSwitchCode) as wrong:
                    prove_code(db, parked, "0000", now)
                assert wrong.value.values["left"] == left
            for said in ("0000", CODES["甲"]):
                with pytest.raises(CodeLocked):
                    prove_code(db, parked, said, now)
            assert parked.code_free_at
            pauses.append((parked.code_free_at - now) // timedelta(hours=1))
            now = parked.code_free_at
        prove_code(db, parked, CODES["甲"], now)
    assert pauses == [1, 2, 4, 8, 16, 24]


def test_who_has_the_code_stops_who_says_that_it_was_forgotten(stage: Stage) -> None:
    home = Home(stage, "甲", "乙")
    assert "没有换" in home.switch("甲", "忘了")
    stage.clock.move(timedelta(hours=23))
    assert "已经停下" in home.switch("甲", CODES["甲"])
    home.current = "甲"
    home.switch("乙", CODES["乙"])
    stage.clock.move(timedelta(hours=2))
    assert "请本人写自己的" in [home.say("换人"), home.say("1")][1]


def test_a_phone_has_few_people_and_no_seat_beside_them(stage: Stage) -> None:
    home = Home(stage, *"甲乙丙")
    with Database(stage.database) as db, pytest.raises(shared_phone.PhoneIsShared):
        check_holds_no_seat(db, home.numbers["丙"])
    with Database(stage.database) as db, pytest.raises(shared_phone.CannotSwitch):
        shared_phone.find_parked(db, "gh_other", PHONE, home.numbers["甲"])
    for number in range(shared_phone.MOST_PEOPLE - 3):
        for words in ("换人", "新的人", f"100{number}", "确认"):
            home.say(words)
    assert "新的人" not in home.say("换人")
    assert "已经满了" in home.say("新的人")
    stage.appoint("o-zhou", "village")
    assert "工作人员的工号" in stage.say("o-zhou", "换人")
    with Database(stage.database) as db:
        assert ever_held_seat(db, home.row("丙").account, "o-zhou")


def test_whose_consent_wechat_takes_back_takes_all_people_of_the_phone(stage: Stage) -> None:
    home = Home(stage, "甲", "乙")
    fields = {"OpenID": PHONE, "AppID": "wx", "RevokeInfo": "", "PluginID": "", "OpenPID": ""}
    stage.deliver(wechat.event("user_authorization_cancellation", "gh_platform", **fields))
    assert [home.row(who).openid for who in home.people] == [f"erased-{home.numbers[who]}" for who in home.people]
    assert {home.row(who).parked_openid for who in home.people} == {None}
    with Database(stage.database) as db:
        assert set(db.scalars(select(User.display_name))) == {None}


def test_reports_of_one_phone_count_as_one(stage: Stage) -> None:
    home = Home(stage, "甲", "乙")
    home.say("换人")
    for words in ("新的人", CODES["乙"], "确认"):
        home.say(words)
    with Database(stage.database) as db:
        rows = [db.get_one(Conversation, number) for number in (*home.numbers.values(), stage.person(PHONE))]
        marks = [_reporter(row, db.get(User, row.user_id or 0), defaultdict(set)).marks for row in rows]
    assert frozenset.intersection(*marks)


# What is pushed


def test_a_push_to_who_is_parked_says_for_whom_it_is_and_nothing_else(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "你好")
    with office.session() as db:
        wanted = Registration(draft_id="d", role="donor", consents=("account",), display_name="王秀兰")
        user = register(db, wanted, office.now())
        db.execute(update(Conversation).where(Conversation.id == aunt).values(user_id=user.id))
    for words in ("换人", "新的人", "7305", "确认"):
        office.wechat.send_text("oAunt", words)
    before = len(office.shown("oAunt", "text", "msgmenu", "template", "subscription"))
    notice = office.notify(aunt)
    office.deliver()
    assert office.went(notice)[:2] == ("waiting", "service")
    pushed = office.shown("oAunt", "text", "msgmenu", "template", "subscription")[before:]
    assert len(pushed) == 1
    words = str(pushed[0]["content"])
    assert "有给王**的消息" in words
    assert not any(word in words for word in ("苗寨", "修路", "秀兰", "50"))
    # The window of who is parked closes: a card would tell what it is about.
    with office.session() as db:
        db.execute(update(ServiceWindow).values(ends_at=office.now()))
    late = office.notify(aunt)
    office.deliver()
    assert office.went(late) == ("waiting", None, "window_closed+parked")
    # It is kept for them.
    office.wechat.send_text("oAunt", "菜单")
    assert "苗寨" not in str(office.shown("oAunt", "text")[-1])
    for words in ("换人", "1", "4417", "7305", "确认", "菜单"):
        office.wechat.send_text("oAunt", words)
    assert office.row(notice).state == office.row(late).state == "read"


# Whatever is switched between any two steps

STEPS = st.one_of(
    st.tuples(st.just("switch"), st.sampled_from("甲乙丙")),
    st.tuples(st.just("guess"), st.sampled_from("甲乙丙")),
    st.tuples(st.just("say"), st.sampled_from(["求助", "1", "我的", "继续", "导出", "取消", "菜单", "留言", "2"])),
    st.tuples(st.just("write"), st.just("")),
)


@pytest.fixture
def home(stage: Stage) -> Home:
    return Home(stage, *"甲乙丙")


@settings(max_examples=examples(5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=3, max_size=8))
def test_whoever_switches_when_sees_only_what_is_theirs(home: Home, steps: list[tuple[str, str]]) -> None:
    for act, what in steps:
        home.stage.clock.move(timedelta(hours=25))
        others = [name(each) for each in home.people if each != home.current]
        if act == "switch" and what != home.current:
            if "换好了" in (reply := home.switch(what, CODES[what])):
                home.current = what
        elif act == "guess" and what != home.current:
            reply = home.switch(what, "0000")
            assert "换好了" not in reply
            others = [name(each) for each in home.people if each != home.current]
        elif act == "write":
            home.say("求助")
            reply = home.say(f"{name(home.current)}家的井")
        else:
            reply = home.say(what if act == "say" else "我的资料")
        if act != "switch":
            assert not any(each in reply for each in others)
        mine = home.say("我的资料")
        assert name(home.current) in mine
        assert not any(name(each) in mine for each in home.people if each != home.current)
        for who in home.people:
            assert home.row(who).session.count("某某") == home.row(who).session.count(name(who))
            assert (home.row(who).parked_openid is None) == (who == home.current)
