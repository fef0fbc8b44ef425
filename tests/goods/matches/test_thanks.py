"""A household thanks for goods; an officer reads it first, and the donor alone gets the words and the photos."""

import pytest
from sqlalchemy import select

from models.goods.exchange import NoSuchThing
from models.goods.matches import thanking
from models.goods.matches.issues import NotHandedOut
from models.goods.matches.thanks import GoodsThanks
from models.notifications.notification import Notification
from tests.harness.money.checking_books import codes
from tests.harness.stage import DAOXIAN_MEIHUA
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

VILLAGE = "o-village"
WORDS = "棉被收到了，很暖和，谢谢您"


@pytest.fixture
def match(handover: Handover) -> int:
    handover.open_point()
    handover.stage.appoint(VILLAGE, "village", DAOXIAN_MEIHUA)
    request = handover.ask(handover.resident("wang"))
    match = handover.match(handover.give(handover.donor("qin"), told=False), request)
    handover.advance(match, "collected")
    return match


def say(handover: Handover, who: str, *words: str) -> str:
    said = ""
    for one in words:
        said = str(handover.stage.say(who, one))
    return said


def thank(handover: Handover, words: str = WORDS) -> str:
    return say(handover, "o-wang", "感谢", "1", words, "跳过", "确认")


def states(handover: Handover) -> list[str]:
    with handover.session() as db:
        return list(db.scalars(select(GoodsThanks.state).order_by(GoodsThanks.id)))


def heard(handover: Handover, who: str, kind: str) -> int:
    with handover.session() as db:
        theirs = Notification.conversation_id == handover.conversation(who)
        return len(db.scalars(select(Notification.id).where(theirs, Notification.template == kind)).all())


def test_the_donor_reads_them_once_an_officer_has(handover: Handover, match: int) -> None:
    assert "谢意记下了" in thank(handover)
    assert heard(handover, "qin", "goods_thanked") == 0
    assert WORDS not in say(handover, "o-qin", "看 谢意1")
    # Whoever has not read them is shown them first.
    assert WORDS in say(handover, VILLAGE, "通过 谢意1")
    assert "发给送的人了" in say(handover, VILLAGE, "通过 谢意1")
    assert heard(handover, "qin", "goods_thanked") == 1
    assert WORDS in say(handover, "o-qin", "看 谢意1")
    assert "发给送的人了" in say(handover, "o-wang", "我的")
    # Once.
    assert "您谢过了" in say(handover, "o-wang", "感谢", "1")
    assert not codes(handover.stage)


def test_what_is_sent_back_may_be_written_again(handover: Handover, match: int) -> None:
    thank(handover)
    say(handover, VILLAGE, "看 谢意1", "退回 谢意1")
    assert "退回了" in say(handover, VILLAGE, "1")
    assert heard(handover, "qin", "goods_thanked") == 0
    thank(handover, "谢谢您的棉被，全家都好")
    assert states(handover) == ["returned", "submitted"]


def test_what_is_written_again_takes_the_place_of_what_waits(handover: Handover, match: int) -> None:
    thank(handover)
    thank(handover, "谢谢您的棉被，全家都好")
    assert states(handover) == ["withdrawn", "submitted"]
    assert not codes(handover.stage)


def test_nobody_else_reads_them(handover: Handover, match: int) -> None:
    thank(handover)
    say(handover, VILLAGE, "看 谢意1", "通过 谢意1")
    handover.donor("other")
    assert WORDS not in say(handover, "o-other", "看 谢意1")
    with handover.session() as db, pytest.raises(NoSuchThing):
        thanking.check_thanks(db, handover.people["other"], match)


def test_who_has_nothing_yet_thanks_for_nothing(handover: Handover) -> None:
    handover.open_point()
    request = handover.ask(handover.resident("wang"))
    match = handover.match(handover.give(handover.donor("qin"), told=False), request)
    with handover.session() as db, pytest.raises(NotHandedOut):
        thanking.check_thanks(db, handover.people["wang"], match)


def test_the_page_of_photos_opens_for_nobody_without_wechat_nor_by_a_forged_link(
    handover: Handover, match: int
) -> None:
    thank(handover)
    say(handover, VILLAGE, "看 谢意1", "通过 谢意1")
    client = handover.stage.app.test_client()
    assert client.get("/thanks/forged").status_code == 403
    assert client.get("/thanks-photo/forged").status_code == 403
