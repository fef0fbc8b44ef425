"""A household says that it did not get what was handed out: another officer looks into it, and both sides hear."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models.core.state_machine import Actor, By
from models.goods.exchange import GoodsRequest
from models.goods.matches import holding, issues
from models.goods.matches.locks import lock_match
from models.goods.matches.match import Match
from models.goods.points.collection_card import CollectionCard
from models.goods.points.point import ReceivedLine
from models.proxy.act import record_proxy_act
from models.proxy.mandate import grant_mandate
from models.staff.member import Staff
from models.staff.recusal import recused_staff
from models.staff.task import find_task
from tests.harness.money.checking_books import codes
from tests.harness.stage import DAOXIAN_MEIHUA
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

TOWN = "o-town"


@pytest.fixture
def match(handover: Handover) -> int:
    handover.open_point()
    handover.stage.appoint(TOWN, "township", DAOXIAN_MEIHUA[:9].ljust(12, "0"))
    handover.stage.appoint("o-county", "county", DAOXIAN_MEIHUA[:6].ljust(12, "0"))
    request = handover.ask(handover.resident("wang"))
    match = handover.match(handover.give(handover.donor("qin"), told=False), request)
    handover.advance(match, "collected")
    return match


def state(handover: Handover, match: int) -> tuple[str, str, int]:
    with handover.session() as db:
        found = db.get_one(Match, match)
        request = db.get_one(GoodsRequest, found.request_id)
        return found.state, request.state, request.received


def say(handover: Handover, who: str, *words: str) -> str:
    said = ""
    for one in words:
        said = str(handover.stage.say(who, one))
    return said


def step(handover: Handover, match: int) -> str | None:
    with handover.session() as db:
        task = find_task(db, "match", match)
        return task.step if task else None


def test_what_was_not_handed_out_waits_again(handover: Handover, match: int) -> None:
    assert "怎么不对" in say(handover, "o-wang", "没领到")
    assert "乡镇" in say(handover, "o-wang", "1")
    assert (state(handover, match)[0], step(handover, match)) == ("issue", "match_issue")
    # Whoever has not read it is shown it first.
    assert "您这次查看已经记录" in say(handover, TOWN, f"驳回 配对{match}")
    reasons = say(handover, TOWN, f"驳回 配对{match}")
    assert "没有发到这户人家手里" in reasons
    assert "不算发出" in say(handover, TOWN, "1")
    assert state(handover, match) == ("lost", "open", 0)
    assert "不算您家领过" in say(handover, "o-wang", "我的")
    with handover.session() as db:
        assert issues.upheld_against(db, handover.keeper, handover.stage.clock() - timedelta(days=1)) == 1
    assert not codes(handover.stage)


def test_what_was_handed_out_rightly_counts(handover: Handover, match: int) -> None:
    say(handover, "o-wang", "东西不对", "2")
    say(handover, TOWN, f"看 配对{match}")
    assert "照片和记录" in say(handover, TOWN, f"通过 配对{match}")
    assert "算发出了" in say(handover, TOWN, "1")
    assert state(handover, match) == ("confirmed", "met", 2)
    # It is said once: it is decided.
    assert "您说过了" in say(handover, "o-wang", "没领到")
    assert not codes(handover.stage)


def test_who_handed_it_out_has_no_part_in_it(handover: Handover, match: int) -> None:
    say(handover, "o-wang", "没领到", "1")
    with handover.session() as db:
        task = find_task(db, "match", match)
        assert task is not None
        assert task.assignee != handover.keeper


def test_a_confirmed_match_may_be_complained_of_for_thirty_days(handover: Handover, match: int) -> None:
    handover.advance(match, "confirmed")
    handover.stage.clock.move(timedelta(days=29))
    assert "怎么不对" in say(handover, "o-wang", "没领到")
    handover.stage.clock.move(timedelta(days=2))
    assert "超过 30 天" in say(handover, "o-wang", "没领到")
    assert state(handover, match)[0] == "confirmed"


def test_what_was_not_handed_out_yet_is_shown_where_it_is(handover: Handover) -> None:
    handover.open_point()
    request = handover.ask(handover.resident("wang"))
    match = handover.match(handover.give(handover.donor("qin"), told=False), request)
    handover.advance(match, "in_transit")
    assert "在路上" in say(handover, "o-wang", "没领到")


def test_who_says_that_they_have_it_confirms_it(handover: Handover, match: int) -> None:
    assert "领到了取货点发的东西吗" in say(handover, "o-wang", "收到")
    assert "领到了" in say(handover, "o-wang", "1")
    assert state(handover, match)[0] == "confirmed"


def test_another_persons_match_is_not_there(handover: Handover, match: int) -> None:
    handover.resident("li")
    with handover.session() as db, pytest.raises(Exception, match="no_such_thing"):
        issues.complain(db, handover.people["li"], match, "not_got", handover.stage.clock())


@pytest.mark.parametrize("has_it", [True, False])
def test_a_household_is_called_and_its_no_is_a_complaint(handover: Handover, match: int, has_it: bool) -> None:
    with handover.session() as db:
        held = lock_match(db, match)
        issues.open_call(db, held.match, handover.stage.clock())
    assert "打电话问" in say(handover, TOWN, f"看 配对{match}")
    if has_it:
        assert "说领到了" in say(handover, TOWN, f"通过 配对{match}")
        assert (state(handover, match)[0], step(handover, match)) == ("collected", None)
    else:
        say(handover, TOWN, f"驳回 配对{match}")
        assert "换一位" in say(handover, TOWN, "1")
        assert (state(handover, match)[0], step(handover, match)) == ("issue", "match_issue")
        # Not the one who called.
        with handover.session() as db:
            task = find_task(db, "match", match)
            assert task is not None
            assert task.role == "county"
    assert not codes(handover.stage)


def test_the_county_records_why_goods_were_lost(handover: Handover) -> None:
    handover.open_point()
    handover.stage.appoint("o-county", "county", DAOXIAN_MEIHUA[:6].ljust(12, "0"))
    request = handover.ask(handover.resident("wang"))
    match = handover.match(handover.give(handover.donor("qin"), told=False), request)
    handover.advance(match, "in_transit")
    now = handover.stage.clock()
    with handover.session() as db:
        held = lock_match(db, match)
        holding.lay(db, held, 1, Actor(By.KEEPER, f"staff:{handover.keeper}"), now)
        for kind, reason in (("came", None), ("broken", "broken")):
            line = {"match_id": match, "kind": kind, "quantity": 1, "reason": reason, "staff_id": handover.keeper}
            db.add(ReceivedLine(**line, at=now))
        issues.open_loss(db, held.match, now)
    say(handover, "o-county", f"看 配对{match}")
    assert "怎么丢的" in say(handover, "o-county", f"通过 配对{match}")
    assert "记下了" in say(handover, "o-county", "1")
    assert step(handover, match) is None


@pytest.mark.parametrize("by", ["card", "mandate"])
def test_who_printed_the_card_or_said_yes_for_the_household_has_no_part_in_its_complaint(
    handover: Handover, match: int, by: str
) -> None:
    """Who read the digits could have given them to a friend."""
    now = handover.stage.clock()
    with handover.session() as db:
        town = db.scalars(select(Staff.id).where(Staff.openid == TOWN)).one()
        if by == "card":
            db.add(CollectionCard(match_id=match, printed_by=town, printed_at=now, void_at=now))
        else:
            member = db.get_one(Staff, town)
            mandate = grant_mandate(db, town, handover.people["wang"], "code", "goods", "m", now)
            record_proxy_act(db, mandate, member, "match", match, "棉被", now)
    say(handover, "o-wang", "没领到", "1")
    assert state(handover, match)[0] == "issue"
    with handover.session() as db:
        task = find_task(db, "match", match)
        assert task is not None
        assert task.assignee != town
        assert town in recused_staff(db, task.id)
