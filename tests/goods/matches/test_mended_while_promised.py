"""What is promised while it is mended: the request ends met by what it gets meanwhile, the offer stays as good."""

from datetime import date

from models.goods.exchange import GoodsRequest, Offer
from models.people.photo import attach_photos
from tests.harness.money.checking_books import codes
from tests.harness.stage import DAOXIAN_MEIHUA
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


def say(handover: Handover, name: str, *words: str) -> str:
    said = ""
    for one in words:
        said = handover.say(name, one)
    return said


def test_what_is_collected_while_it_is_reviewed_again_is_met_once_it_is_public(handover: Handover) -> None:
    handover.open_point()
    handover.stage.appoint("o-village", "village", DAOXIAN_MEIHUA)
    request = handover.ask(handover.resident("wang"), told=False)
    match = handover.match(handover.give(handover.donor("qin"), told=False), request)
    handover.advance(match, "at_point")
    say(handover, "wang", f"改 求物{request}", "确认")
    handover.advance(match, "collected")
    say(handover, "village", f"看 求物{request}")
    assert "通过了，要的已经齐了" in handover.say("village", f"通过 求物{request}")
    with handover.session() as db:
        found = db.get_one(GoodsRequest, request)
        assert (found.state, found.missing) == ("met", 0)
    assert "要的都齐了，不用再等" in handover.say("wang", "我的")
    assert not codes(handover.stage)


def test_the_day_of_what_is_promised_stays(handover: Handover) -> None:
    handover.open_point()
    offer = handover.give(handover.donor("qin"), "菜籽油", "oil", best_before=date(2027, 6, 1), told=False)
    request = handover.ask(handover.resident("wang"), "菜籽油", "oil", told=False)
    match = handover.match(offer, request)
    with handover.session() as db:
        picture = {"media_id": "m", "pic_url": ""}
        attach_photos(db, "offer", offer, handover.conversation("qin"), [picture], handover.stage.clock())
    words = (f"改 送物{offer}", "7", "2027年5月1日", "确认")
    assert "答应的，现在不能换" in say(handover, "qin", *words)
    handover.lapse(match)
    handover.clear("qin")
    assert "收到了，谢谢您" in say(handover, "qin", *words)
    with handover.session() as db:
        assert db.get_one(Offer, offer).best_before == date(2027, 5, 1)
