"""A donor says which parcels they send, of one household or of forty, sends them, and uses no waybill twice."""

from datetime import timedelta

import pytest

from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches.match import Match
from tests.scenes.goods import XIANGZIQIAO
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

WAYBILL = "SF1234567890123"


@pytest.fixture
def match(handover: Handover) -> int:
    """Two of Qin's nine quilts, which Wang has said yes to."""
    handover.open_point()
    match = handover.match(handover.give(handover.donor("qin"), told=False), handover.ask(handover.resident("wang")))
    handover.advance(match, "recipient_ok")
    handover.say("qin", "消息")
    return match


def parcel_of(handover: Handover, match: int) -> str:
    with handover.session() as db:
        return db.get_one(Match, match).parcel


def households(handover: Handover, count: int, quantity: int = 1) -> tuple[int, list[int]]:
    """So many households have said yes to a part of one offer of Qin's."""
    if not handover.point:
        handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    with handover.session() as db:
        held = db.get_one(Offer, offer)
        held.initial = held.available = count * quantity
    matches = []
    for number in range(count):
        request = handover.ask(handover.resident(f"wang{number}"), told=False)
        matches.append(handover.match(offer, request, quantity))
        handover.advance(matches[-1], "recipient_ok")
    return offer, matches


def test_one_digit_promises_it_and_shows_where_it_goes(handover: Handover, match: int) -> None:
    assert "等您说寄不寄" in handover.say("qin", "我的")
    reply = handover.say("qin", "1")
    assert handover.state_of(match) == "donor_ok"
    assert "梅花镇张家小店" in reply
    assert parcel_of(handover, match) in reply
    assert "王" not in reply
    assert "/parcels/" in reply


def test_a_no_goes_to_the_next_household_and_is_the_donor_s(handover: Handover, match: int) -> None:
    assert "给下一家" in handover.choose("qin", "will_not_send", f"match:{match}")
    with handover.session() as db:
        ended = db.get_one(Match, match)
        assert (ended.state, ended.ended_by) == ("declined", "donor")
        request = db.get_one(GoodsRequest, ended.request_id)
        assert (request.state, request.promised) == ("open", 0)
    assert "送的人这次送不了" in handover.say("wang", "消息")


def test_a_yes_is_taken_back_once_the_donor_is_sure(handover: Handover, match: int) -> None:
    handover.choose("qin", "will_send", f"match:{match}")
    assert "寄不了了？" in handover.choose("qin", "will_not_send", f"match:{match}")
    assert handover.state_of(match) == "donor_ok"
    handover.say("qin", "1")
    assert handover.state_of(match) == "cancelled"
    assert "您说过不寄" in handover.choose("qin", "will_send", f"match:{match}")


def test_answers_twice_and_too_late_are_said_so(handover: Handover, match: int) -> None:
    handover.choose("qin", "will_send", f"match:{match}")
    assert "已经说过寄了" in handover.choose("qin", "will_send", f"match:{match}")
    handover.lapse(match, "donor")
    assert "过了说的时间" in handover.choose("qin", "will_send", f"match:{match}")
    assert "过了说的时间" in handover.say("qin", f"寄出 {parcel_of(handover, match)} {WAYBILL}")


def test_a_household_that_left_is_not_sent_to(handover: Handover, match: int) -> None:
    handover.choose("wang", "leave_goods", str(match), "sure")
    assert "请先别寄" in handover.choose("qin", "will_send", f"match:{match}")


@pytest.mark.slow  # forty households answer, each with a turn of their own
def test_forty_households_are_one_message_one_list_and_one_yes(handover: Handover) -> None:
    _, matches = households(handover, 40)
    news = handover.say("qin", "消息")
    assert "有 40 户人家要，一共 40 件" in news
    handover.say("qin", "我的")
    reply = handover.say("qin", "1")
    assert "1 全部我来寄（40 户）" in reply
    pages = 1
    while "更多" in reply:
        reply, pages = handover.say("qin", "更多"), pages + 1
    assert pages == 8
    reply = handover.say("qin", "1")
    assert "40 户人家" in reply
    assert {handover.state_of(match) for match in matches} == {"donor_ok"}
    assert "40 个等您寄" in handover.say("qin", "我的")


def test_all_is_nobody_elses_to_say(handover: Handover, match: int) -> None:
    with handover.session() as db:
        offer = db.get_one(Match, match).offer_id
    handover.donor("zhao")
    assert "没有" in handover.choose("zhao", "will_send_all", str(offer))
    assert handover.state_of(match) == "recipient_ok"


def test_a_waybill_with_the_code_sends_it(handover: Handover, match: int) -> None:
    handover.choose("qin", "will_send", f"match:{match}")
    reply = handover.say("qin", f"寄出 {parcel_of(handover, match).lower()} ｓｆ 1234-5678 90123")
    assert WAYBILL in reply
    assert "顺丰" in reply
    with handover.session() as db:
        sent = db.get_one(Match, match)
        assert (sent.state, sent.carrier, sent.waybill) == ("in_transit", "sf", WAYBILL)


def test_who_sends_without_a_yes_says_yes_by_it(handover: Handover, match: int) -> None:
    handover.say("qin", f"寄出 {parcel_of(handover, match)} 没有单号")
    with handover.session() as db:
        sent = db.get_one(Match, match)
        assert (sent.state, sent.waybill) == ("in_transit", None)
        assert sent.agreed_at is not None


def test_the_waybill_is_asked_for_after_a_digit(handover: Handover, match: int) -> None:
    handover.choose("qin", "will_send", f"match:{match}")
    handover.choose("qin", "view_match", str(match))
    assert "单号是多少" in handover.say("qin", "1")
    assert "不像快递单号" in handover.say("qin", "12345")
    assert "单号：YT1234567890123" in handover.say("qin", "yt1234567890123")
    assert "圆通" in handover.say("qin", "确认")
    assert handover.state_of(match) == "in_transit"


def test_without_a_code_it_is_asked_which(handover: Handover) -> None:
    _, matches = households(handover, 2)
    for match in matches:
        handover.advance(match, "donor_ok")
    code = parcel_of(handover, matches[0])
    assert code in handover.say("qin", "寄出")
    assert code in handover.say("qin", f"寄出 {WAYBILL}")
    assert WAYBILL in handover.say("qin", "2")
    assert [handover.state_of(match) for match in matches] == ["in_transit", "donor_ok"]


def test_a_wrong_code_is_said_with_the_way_to_the_right_one(handover: Handover, match: int) -> None:
    reply = handover.say("qin", f"寄出 ABCD2345 {WAYBILL}")
    assert "您没有“ABCD2345”这个包裹" in reply
    assert "包裹" in reply


def test_another_donor_s_code_is_as_wrong_as_none(handover: Handover, match: int) -> None:
    handover.donor("zhao")
    assert "您没有" in handover.say("zhao", f"寄出 {parcel_of(handover, match)} {WAYBILL}")
    assert handover.state_of(match) == "recipient_ok"


def test_one_box_for_one_point_has_one_waybill(handover: Handover) -> None:
    _, matches = households(handover, 3)
    codes = [parcel_of(handover, match) for match in matches]
    handover.say("qin", f"寄出 {codes[0]} {codes[1]} {WAYBILL}")
    assert [handover.state_of(match) for match in matches] == ["in_transit", "in_transit", "recipient_ok"]
    # Told of an hour later, it may lie in the same box; two days later it does not.
    handover.stage.clock.move(timedelta(days=2))
    assert "一张单号只能用一回" in handover.say("qin", f"寄出 {codes[2]} {WAYBILL}")
    assert handover.state_of(matches[2]) == "recipient_ok"


def test_no_box_goes_to_two_points(handover: Handover) -> None:
    _, [here] = households(handover, 1)
    handover.open_point("o-keeper2", XIANGZIQIAO, "祥霖铺取货点")
    offer = handover.give("qin", told=False)
    there = handover.match(offer, handover.ask(handover.resident("zhou", XIANGZIQIAO), told=False))
    handover.advance(there, "recipient_ok")
    codes = f"{parcel_of(handover, here)} {parcel_of(handover, there)}"
    assert "不能放一箱" in handover.say("qin", f"寄出 {codes} {WAYBILL}")
    handover.say("qin", f"寄出 {parcel_of(handover, here)} {WAYBILL}")
    assert "已经用在包裹" in handover.say("qin", f"寄出 {parcel_of(handover, there)} {WAYBILL}")


def test_nobody_uses_anothers_waybill(handover: Handover, match: int) -> None:
    handover.say("qin", f"寄出 {parcel_of(handover, match)} {WAYBILL}")
    other = handover.match(handover.give(handover.donor("zhao"), told=False), handover.ask(handover.resident("li")))
    handover.advance(other, "donor_ok")
    reply = handover.say("zhao", f"寄出 {parcel_of(handover, other)} {WAYBILL}")
    assert "已经用在别的包裹上了" in reply
    assert parcel_of(handover, match) not in reply
    assert handover.state_of(other) == "donor_ok"


def test_a_waybill_that_was_written_wrong_is_put_right(handover: Handover, match: int) -> None:
    code = parcel_of(handover, match)
    handover.say("qin", f"寄出 {code} {WAYBILL}")
    assert "改好了" in handover.say("qin", f"寄出 {code} SF1234567890124")
    with handover.session() as db:
        assert db.get_one(Match, match).waybill == "SF1234567890124"


def test_the_offer_s_own_page_shows_where_each_is(handover: Handover, match: int) -> None:
    with handover.session() as db:
        offer, request = db.get_one(Match, match).offer_id, db.get_one(Match, match).request_id
    assert "等您说寄不寄" not in handover.say("wang", f"看 求物{request}")
    assert "您要了，等送的人答应" in handover.say("wang", f"看 求物{request}")
    assert "说寄不寄" in handover.say("qin", f"看 送物{offer}")
    handover.say("qin", "1")
    assert handover.state_of(match) == "recipient_ok"
    handover.say("qin", "1")
    assert handover.state_of(match) == "donor_ok"
