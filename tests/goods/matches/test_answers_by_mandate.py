"""An officer answers a proposal for a resident by mandate: it is recorded, read back, and undone when denied."""

from datetime import timedelta

import pytest

from models.goods.matches.match import Match
from models.goods.matches.record import missed
from models.proxy.mandate import ProxyAct, grant_mandate
from tests.harness.money.checking_books import codes
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


@pytest.fixture
def match(handover: Handover) -> int:
    """Two of nine quilts, proposed to Wang, for whom the village's officer may answer."""
    handover.open_point()
    match = handover.match(handover.give(handover.donor("qin"), told=False), handover.ask(handover.resident("wang")))
    mandate(handover, "goods")
    return match


def mandate(handover: Handover, scope: str) -> int:
    staff = handover.stage.appoint(f"o-{scope}", "village")
    with handover.session() as db:
        return grant_mandate(db, staff, handover.people["wang"], "code", scope, scope, handover.stage.clock()).id


def open_proposal(handover: Handover) -> str:
    for words in ("代办", "5", "1"):
        handover.say("goods", words)
    return handover.say("goods", "1")


def test_a_yes_by_mandate_is_recorded_and_read_back(handover: Handover, match: int) -> None:
    page = open_proposal(handover)
    assert "1 要" in page
    assert "王秀兰" not in page
    assert "会念给本人听" in handover.say("goods", "1")
    assert handover.state_of(match) == "recipient_ok"
    assert "新棉被" in handover.say("wang", "代办记录")
    handover.say("wang", "1")
    with handover.session() as db:
        act = db.query(ProxyAct).one()
        assert (act.subject, act.subject_id, act.confirmed_at is not None) == ("match", match, True)
    assert not codes(handover.stage)


def test_a_part_by_mandate(handover: Handover, match: int) -> None:
    open_proposal(handover)
    handover.say("goods", "3")
    handover.say("goods", "1")
    assert "会念给本人听" in handover.say("goods", "确认")
    with handover.session() as db:
        found = db.get_one(Match, match)
        assert (found.state, found.quantity) == ("recipient_ok", 1)
        assert db.query(ProxyAct).one().subject == "match"


@pytest.mark.parametrize(("state", "to"), [("donor_ok", "cancelled"), ("in_transit", "in_transit")])
def test_a_yes_that_is_denied_is_left_to_others(handover: Handover, match: int, state: str, to: str) -> None:
    open_proposal(handover)
    handover.say("goods", "1")
    handover.advance(match, state)
    handover.say("wang", "代办记录")
    assert "不是您的意思" in handover.say("wang", "2")
    with handover.session() as db:
        found = db.get_one(Match, match)
        assert (found.state, found.unwanted_at is not None) == (to, to == "in_transit")
        # What the officer said counts against nobody of the household, in no round to come.
        assert found.ended_by == "system"
        assert not missed(db, [found.household_id], handover.stage.clock())
    assert not codes(handover.stage)


def test_a_no_by_mandate_goes_to_the_next(handover: Handover, match: int) -> None:
    open_proposal(handover)
    assert "不要" in handover.say("goods", "2")
    assert handover.state_of(match) == "declined"
    assert "不要 2 件“新棉被”" in handover.say("wang", "代办记录")
    handover.say("wang", "2")
    assert handover.state_of(match) == "declined"


def test_without_a_live_mandate_for_goods_nothing_is_answered(handover: Handover, match: int) -> None:
    other = mandate(handover, "appeal")
    handover.say("appeal", "代办")
    assert "身份证号" in handover.say("appeal", "5")
    for command in ("proxy_want", "proxy_leave", "proxy_part", "proxy_proposal"):
        handover.choose("appeal", command, str(other), str(match))
        handover.choose("appeal", command, "1", str(match))
    assert handover.state_of(match) == "proposed"
    handover.stage.clock.move(timedelta(days=31))
    handover.choose("goods", "proxy_want", "1", str(match))
    assert handover.state_of(match) == "proposed"


def test_a_mandate_is_for_its_resident_alone(handover: Handover, match: int) -> None:
    offer = handover.give("qin", "旧书", "books", told=False)
    other = handover.match(offer, handover.ask(handover.resident("li"), "旧书", "books"))
    assert "不是您的" in handover.choose("goods", "proxy_want", "1", str(other))
    assert handover.state_of(other) == "proposed"


def test_the_officer_never_sees_the_digits(handover: Handover, match: int) -> None:
    handover.advance(match, "at_point")
    with handover.session() as db:
        digits = db.get_one(Match, match).code or ""
    for words in ("代办", "5", "1", "1", "消息", "我的"):
        assert digits not in handover.say("goods", words)
    assert digits not in handover.choose("goods", "proxy_proposal", "1", str(match))
