"""Goods are handed out by their digits, a card or an officer's word, to who may have them now, and to nobody else."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from models.goods.exchange import Offer
from models.goods.matches.match import Match
from models.goods.points.board import open_parcel
from models.people.user import User
from models.staff.conflict_of_interest import record_conflict
from models.staff.member import Staff
from models.staff.task import Task
from models.verification.case import Verification
from tests.scenes.handing_out import collect, photo
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


@pytest.fixture
def match(handover: Handover) -> int:
    """Two of nine, that lie at the point for a household."""
    handover.open_point()
    request = handover.ask(handover.resident("wang"))
    number = handover.match(handover.give(handover.donor("qin"), told=False), request)
    handover.advance(number, "at_point")
    return number


def test_five_wrong_digits_and_the_keeper_waits_until_tomorrow(handover: Handover, match: int) -> None:
    digits = handover.digits(match)
    wrong = [f"{(int(digits) + more) % 10**6:06}" for more in range(1, 6)]
    for left, each in zip((4, 3, 2, 1), wrong, strict=False):
        assert f"今天还能试 {left} 次" in handover.say("keeper", f"领走 {each}")
    assert "明天再试" in handover.say("keeper", f"领走 {wrong[4]}")
    assert "对的也不能用了" in handover.say("keeper", f"领走 {digits}")
    handover.stage.clock.move(timedelta(days=1))
    assert "领走了" in collect(handover, digits)


def test_one_code_is_good_once_and_at_its_own_point(handover: Handover, match: int) -> None:
    """Ten keepers try it: nine have nothing of that code, and who kept the digits gets nothing a second time."""
    digits = handover.digits(match)
    for number in range(9):
        handover.open_point(f"o-other{number}", name=f"别处{number}")
        assert "没有这个领取码" in handover.say(f"other{number}", f"领走 {digits}")
    assert "领走了" in collect(handover, digits)
    assert "没有这个领取码" in handover.say("keeper", f"领走 {digits}")
    with handover.session() as db:
        assert db.get_one(Match, match).proof == "code"


def test_two_who_bring_one_code_at_once_get_it_once(handover: Handover, match: int) -> None:
    """The keeper began to hand out, and an officer's word was quicker."""
    handover.stage.appoint("o-officer", "village")
    assert "请先拍" in handover.say("keeper", f"领走 {handover.digits(match)}")
    photo(handover, "keeper")
    handover.say("keeper", "完成")
    handover.choose("officer", "give_word", str(match))
    photo(handover, "officer")
    handover.say("officer", "完成")
    assert "领走了" in handover.say("officer", "确认")
    assert "现在不能这样办" in handover.say("keeper", "确认")
    with handover.session() as db:
        assert db.get_one(Match, match).proof == "officer"


def test_a_keeper_who_became_kin_hands_nothing_out_and_another_officer_does(handover: Handover, match: int) -> None:
    handover.stage.appoint("o-officer", "village")
    with handover.session() as db:
        keeper, owner = db.get_one(Staff, handover.keeper), db.get_one(User, handover.people["wang"])
        record_conflict(db, keeper, "kin", owner.id_number or "", handover.stage.clock())
    assert "不能由您发" in collect(handover, handover.digits(match))
    assert handover.state_of(match) == "at_point"
    handover.choose("officer", "give_word", str(match))
    photo(handover, "officer")
    handover.say("officer", "完成")
    assert "领走了" in handover.say("officer", "确认")


def test_whose_household_is_not_verified_any_more_collects_nothing(handover: Handover, match: int) -> None:
    with handover.session() as db:
        db.execute(update(Verification).values(expires_at=handover.stage.clock()))
    reply = collect(handover, handover.digits(match))
    assert "现在还不能发给这户人家" in reply
    assert "认证" not in reply
    assert handover.state_of(match) == "at_point"


def test_food_that_passed_its_day_is_not_handed_out(handover: Handover, match: int) -> None:
    with handover.session() as db:
        db.execute(update(Offer).values(best_before=date(2026, 11, 24)))
    handover.stage.clock.move(timedelta(hours=13))
    assert "请先拍" in handover.say("keeper", f"领走 {handover.digits(match)}")
    photo(handover, "keeper")
    handover.say("keeper", "完成")
    handover.stage.clock.move(timedelta(hours=2))
    assert "不能发" in handover.say("keeper", "确认")
    assert handover.state_of(match) == "at_point"


def test_an_officers_word_is_not_for_kin_nor_of_another_place(handover: Handover, match: int) -> None:
    handover.stage.appoint("o-kin", "village")
    handover.stage.appoint("o-far", "village", "430524101000")
    with handover.session() as db:
        kin = db.scalars(select(Staff).where(Staff.openid == "o-kin")).one()
        owner = db.get_one(User, handover.people["wang"])
        record_conflict(db, kin, "kin", owner.id_number or "", handover.stage.clock())
    assert "不能由您发" in handover.choose("kin", "give_word", str(match))
    assert "没有这个包裹" in handover.choose("far", "give_word", str(match))
    assert "没有这个包裹" in handover.choose("far", "view_parcel", str(match))
    assert "不归您管" in handover.say("far", "看 取货点1")


def test_who_gave_their_word_does_not_ask_the_household(handover: Handover, match: int) -> None:
    """The township calls; who handed out is barred from the task."""
    handover.stage.appoint("o-town", "township")
    handover.choose("town", "give_word", str(match))
    photo(handover, "town")
    handover.say("town", "完成")
    handover.say("town", "确认")
    with handover.session() as db:
        task = db.scalars(select(Task).where(Task.subject == "match")).one()
        town = db.scalars(select(Staff).where(Staff.openid == "o-town")).one()
        assert task.step == "match_call"
        assert task.assignee != town.id


def test_nothing_is_handed_out_without_a_photo(handover: Handover, match: int) -> None:
    handover.say("keeper", f"领走 {handover.digits(match)}")
    assert "还没收到照片" in handover.say("keeper", "完成")
    assert "照片" in handover.say("keeper", "确认")
    assert handover.state_of(match) == "at_point"


def test_a_keeper_reads_no_file_of_the_place(handover: Handover, match: int) -> None:
    """By 看 they see what everybody does; names and digits of households are nowhere."""
    for words in ("看 求物1", "看 送物1", "看 认证1", "待办", "取货点", "统计", "开取货点"):
        reply = handover.say("keeper", words)
        assert "王" not in reply, words
        assert "为什么要" not in reply, words
        assert handover.digits(match) not in reply, words
    listed = handover.choose("keeper", "point_list", str(handover.point), "lying")
    assert handover.parcel(match) in listed
    assert handover.digits(match) not in listed
    assert "王" not in listed


def test_the_list_of_a_point_opens_for_its_officer_alone(handover: Handover, match: int) -> None:
    handover.stage.appoint("o-officer", "village")
    handover.stage.appoint("o-other", "village")
    link = re.search(r"http\S+/points/\S+", handover.say("officer", "取货点"))
    assert link
    page = handover.stage.browse("o-officer", link[0])
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert handover.parcel(match) in text
    assert handover.digits(match) not in text
    assert "王**" in text
    assert "王秀兰" not in text
    assert handover.stage.browse("o-other", link[0]).status_code in (302, 403)
    handover.stage.clock.move(timedelta(minutes=16))
    assert handover.stage.browse("o-officer", link[0]).status_code == 403


def test_who_collects_often_is_flagged_to_the_officer(handover: Handover, match: int) -> None:
    handover.stage.appoint("o-officer", "village")
    assert "领过 0 次" in handover.choose("officer", "view_parcel", str(match))
    handover.advance(match, "collected")
    reply = handover.choose("officer", "view_parcel", str(match))
    assert "领过 1 次" in reply
    assert "次数很多" not in reply
    with handover.session() as db:
        officer = db.scalars(select(Staff).where(Staff.openid == "o-officer")).one()
        assert open_parcel(db, officer, match, 1, handover.stage.clock()).often
