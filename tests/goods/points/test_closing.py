"""When a point closes, what is on its way goes elsewhere, and nothing that lies there is lost."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.work.sweeps import apply_deadlines
from models.core.state_machine import SYSTEM
from models.goods.matches import holding
from models.goods.matches.locks import lock_match
from models.goods.matches.match import Match
from models.goods.points.closing import close_point
from models.goods.points.finding import find_point
from models.goods.points.opening import lock_point
from models.goods.points.point import Point, Shelf
from models.notifications.notification import Notification
from models.staff.member import Staff
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

# State -> what it is once the point closed, with another point beside it and without.
AFTER = {
    "proposed": ("proposed", "cancelled"),
    "recipient_ok": ("recipient_ok", "cancelled"),
    "donor_ok": ("donor_ok", "cancelled"),
    "in_transit": ("in_transit", "in_transit"),
    "at_point": ("at_point", "at_point"),
    "collected": ("collected", "collected"),
}
MOVES = ("proposed", "recipient_ok", "donor_ok", "in_transit")


def begun(handover: Handover, state: str) -> int:
    request = handover.ask(handover.resident("wang"))
    match = handover.match(handover.give(handover.donor("qin"), told=False), request)
    handover.advance(match, state)
    return match


def close(handover: Handover, point: int) -> None:
    with handover.session() as db:
        close_point(db, lock_point(db, point), SYSTEM, handover.stage.clock())


@pytest.mark.parametrize("beside", [True, False], ids=["another point", "no other point"])
@pytest.mark.parametrize("state", AFTER)
def test_a_point_closes_in_every_state_of_a_match(handover: Handover, state: str, *, beside: bool) -> None:
    other = handover.open_point("o-next", name="李家小店") if beside else 0
    own = handover.open_point()
    match = begun(handover, state)
    close(handover, own)
    with handover.session() as db:
        found = db.get_one(Match, match)
        assert found.state == AFTER[state][not beside]
        assert found.point_id == (other if beside and state in MOVES else own)
        point = db.get_one(Point, own)
        assert (point.state, point.phone) == ("closed", None)
        assert (find_point(db, point.region_code, found.household_id, handover.stage.clock()) is not None) == beside
    assert not handover.wrong()


def test_what_lies_at_a_closed_point_is_carried_to_another_with_new_digits(handover: Handover) -> None:
    other = handover.open_point("o-next", name="李家小店")
    own = handover.open_point()
    match = begun(handover, "at_point")
    before = handover.digits(match)
    handover.stage.appoint("o-officer", "village")
    handover.say("keeper", "关取货点")
    assert "先请您看好" in handover.say("keeper", "1")
    reply = handover.say("officer", f"看 取货点{own}")
    assert "东西搬到“李家小店”了" in reply
    number = next(line[0] for line in reply.splitlines() if "搬到“李家小店”" in line)
    assert "1 样搬到“李家小店”" in handover.say("officer", number)
    with handover.session() as db:
        assert db.get_one(Match, match).point_id == other
    assert handover.digits(match) != before
    with handover.session() as db:
        told = db.scalars(select(Notification).where(Notification.template == "goods_point_moved")).one()
        assert handover.digits(match) in told.facts
    assert "没有这个领取码" in handover.say("next", f"领走 {before}")
    assert "请先拍" in handover.say("next", f"领走 {handover.digits(match)}")


def test_a_shelf_is_carried_and_its_stock_stays(handover: Handover) -> None:
    other = handover.open_point("o-next", name="李家小店")
    own = handover.open_point()
    match = begun(handover, "at_point")
    with handover.session() as db:
        holding.leave(db, lock_match(db, match), handover.stage.clock())
    close(handover, own)
    handover.stage.appoint("o-officer", "village")
    assert "1 样搬到" in handover.choose("officer", "carry_goods", str(own), str(other))
    with handover.session() as db:
        lying = {shelf.point_id: shelf.quantity for shelf in db.scalars(select(Shelf))}
    assert lying == {own: 0, other: 2}
    assert not handover.wrong()


def test_what_was_promised_to_a_point_that_was_closing_is_moved_on_by_the_clock(handover: Handover) -> None:
    own = handover.open_point()
    close(handover, own)
    other = handover.open_point("o-next", name="李家小店")
    handover.point = own
    match = begun(handover, "donor_ok")
    apply_deadlines(handover.stage.database, handover.stage.clock())
    with handover.session() as db:
        assert db.get_one(Match, match).point_id == other


@pytest.mark.parametrize("how", ["suspended", "revoked", "term over"])
def test_a_keepers_seat_ends_and_the_point_closes_with_it(handover: Handover, how: str) -> None:
    own = handover.open_point()
    handover.stage.appoint("o-county", "county", "431124000000", "DX0001")
    with handover.session() as db:
        db.get_one(Staff, handover.keeper).work_no = "DX0099"
        if how == "term over":
            db.execute(update(Staff).where(Staff.id == handover.keeper).values(active_until=handover.stage.clock()))
    if how == "term over":
        handover.stage.clock.move(timedelta(minutes=1))
        apply_deadlines(handover.stage.database, handover.stage.clock())
    else:
        handover.say("county", f"{'停用' if how == 'suspended' else '撤销'} DX0099 1")
    with handover.session() as db:
        point = db.get_one(Point, own)
        assert (point.state, point.phone) == ("closed", None)


def test_a_parcel_that_is_brought_to_another_point_is_collected_there(handover: Handover) -> None:
    """Also one that lies at a closed point already: 到点 with its code moves it."""
    other = handover.open_point("o-next", name="李家小店")
    handover.open_point()
    match = begun(handover, "in_transit")
    reply = handover.say("next", f"到点 {handover.parcel(match)}")
    assert "它写的是“梅花镇张家小店”" in reply
    assert "收下了" in handover.say("next", "1")
    with handover.session() as db:
        found = db.get_one(Match, match)
        assert (found.point_id, found.state) == (other, "at_point")
    before = handover.digits(match)
    assert "搬来了，收下" in handover.say("keeper", f"到点 {handover.parcel(match)}")
    handover.say("keeper", "1")
    assert handover.digits(match) != before
    assert "请先拍" in handover.say("keeper", f"领走 {handover.digits(match)}")
