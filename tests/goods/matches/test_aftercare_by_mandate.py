"""An officer says for a resident without a phone that goods are wrong, or thanks for them: recorded, and undone."""

import pytest
from sqlalchemy import select

from models.goods.matches.issues import MatchIssue
from models.goods.matches.thanks import GoodsThanks
from models.proxy.mandate import ProxyAct, grant_mandate
from models.staff.member import Staff
from models.staff.task import find_task
from tests.harness.money.checking_books import codes
from tests.harness.stage import DAOXIAN_MEIHUA
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

WORDS = "棉被收到了，很暖和，谢谢您"


@pytest.fixture
def match(handover: Handover) -> int:
    """Two quilts, handed out to Wang, for whom an officer of the village and one of the township may speak."""
    handover.open_point()
    handover.stage.appoint("o-other", "township", DAOXIAN_MEIHUA[:9].ljust(12, "0"))
    match = handover.match(handover.give(handover.donor("qin"), told=False), handover.ask(handover.resident("wang")))
    handover.advance(match, "collected")
    for name, role in (("village", "village"), ("town", "township")):
        staff = handover.stage.appoint(f"o-{name}", role)
        with handover.session() as db:
            grant_mandate(db, staff, handover.people["wang"], "code", "goods", name, handover.stage.clock())
    return match


def say(handover: Handover, name: str, *words: str) -> str:
    said = ""
    for one in words:
        said = handover.say(name, one)
    return said


def acts(handover: Handover) -> list[tuple[str, bool]]:
    with handover.session() as db:
        return [(act.subject, act.denied_at is not None) for act in db.scalars(select(ProxyAct).order_by(ProxyAct.id))]


def holder_of(handover: Handover, subject: str, number: int) -> str | None:
    with handover.session() as db:
        task = find_task(db, subject, number)
        assert task is not None
        return db.get_one(Staff, task.assignee).openid


def complain(handover: Handover, name: str) -> str:
    assert "领走了 2 件" in say(handover, name, "代办", "5", "1", "1")
    assert "怎么不对" in handover.say(name, "1")
    return handover.say(name, "1")


def thank(handover: Handover, name: str) -> str:
    assert "想对送" in say(handover, name, "代办", "5", "1", "1", "2")
    return say(handover, name, WORDS, "跳过", "确认")


def test_a_complaint_by_mandate_is_not_decided_by_who_made_it(handover: Handover, match: int) -> None:
    assert "不由您办" in complain(handover, "town")
    assert (handover.state_of(match), acts(handover)) == ("issue", [("match_issue", False)])
    assert holder_of(handover, "match", match) == "o-other"
    assert "查看已经记录" not in say(handover, "town", f"看 配对{match}", f"通过 配对{match}")
    assert handover.state_of(match) == "issue"
    assert "没领到，或者东西不对" in handover.say("wang", "代办记录")
    assert "是您的意思" in handover.say("wang", "1")
    assert not codes(handover.stage)


def test_a_complaint_that_is_denied_is_dropped_and_may_be_made_by_the_household(handover: Handover, match: int) -> None:
    complain(handover, "village")
    handover.say("wang", "代办记录")
    assert "就不查了" in handover.say("wang", "2")
    with handover.session() as db:
        assert find_task(db, "match", match) is None
        assert db.scalars(select(MatchIssue)).all() == []
    assert handover.state_of(match) == "confirmed"
    assert "怎么不对" in handover.say("wang", "没领到")
    assert not codes(handover.stage)


def test_thanks_by_mandate_are_read_by_another_officer(handover: Handover, match: int) -> None:
    assert "会念给本人听" in thank(handover, "village")
    assert holder_of(handover, "goods_thanks", 1) not in ("o-village", None)
    assert "发给送的人了" not in say(handover, "village", "看 谢意1", "通过 谢意1")
    assert WORDS in handover.say("wang", "代办记录")
    handover.say("wang", "1")
    assert acts(handover) == [("goods_thanks", False)]
    assert not codes(handover.stage)


def test_thanks_that_are_denied_are_taken_back_from_the_donor(handover: Handover, match: int) -> None:
    thank(handover, "village")
    assert "发给送的人了" in say(handover, "other", "看 谢意1", "通过 谢意1")
    assert WORDS in handover.say("qin", "看 谢意1")
    handover.say("wang", "代办记录")
    assert "已经收回" in handover.say("wang", "2")
    with handover.session() as db:
        assert db.scalars(select(GoodsThanks.state)).all() == ["withdrawn"]
    assert WORDS not in handover.say("qin", "看 谢意1")
    assert not codes(handover.stage)


def test_nothing_is_said_without_a_live_mandate(handover: Handover, match: int) -> None:
    handover.resident("li")
    handover.stage.appoint("o-third", "village")
    for command in (("proxy_wrong",), ("proxy_got",), ("proxy_thank",)):
        handover.choose("third", *command, "1", str(match))
    handover.choose("third", "proxy_say_wrong", "1", str(match), "not_got")
    assert (handover.state_of(match), acts(handover)) == ("collected", [])
