"""What is carried to another point waits no longer than it keeps, and nothing comes that was never sent."""

from datetime import datetime

from sqlalchemy import select

from models.core.calendar import CHINA, LAST_SECOND
from models.core.state_machine import SYSTEM
from models.goods.exchange import Offer
from models.goods.matches.holding import leave, redirect
from models.goods.matches.locks import lock_match
from models.goods.matches.match import Match
from models.goods.points.point import Point, Shelf
from tests.harness.money.checking_books import codes
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


def test_food_that_is_carried_to_another_point_waits_there_to_the_end_of_its_day(handover: Handover) -> None:
    other = handover.open_point("o-next", name="李家小店")
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    match = handover.match(offer, handover.ask(handover.resident("wang"), told=False))
    handover.advance(match, "at_point")
    now = handover.stage.clock()
    day = now.astimezone(CHINA).date()
    with handover.session() as db:
        db.get_one(Offer, offer).best_before = day
        redirect(db, lock_match(db, match), db.get_one(Point, other), SYSTEM, now)
        assert db.get_one(Match, match).due_at == datetime.combine(day, LAST_SECOND, CHINA)


def test_a_proposal_of_a_shelf_that_lapsed_does_not_come_as_a_parcel(handover: Handover) -> None:
    """It lies on the shelf already: taken in once more, there would be twice as much in the books as at the point."""
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    left = handover.match(offer, handover.ask(handover.resident("li"), told=False))
    handover.advance(left, "at_point")
    with handover.session() as db:
        leave(db, lock_match(db, left), handover.stage.clock())
        shelf = db.scalars(select(Shelf.id).where(Shelf.offer_id == offer)).one()
    match = handover.match(offer, handover.ask(handover.resident("wang"), told=False), shelf=shelf)
    handover.lapse(match)
    assert "1 都到了" not in handover.say("keeper", f"到点 {handover.parcel(match)}")
    handover.choose("keeper", "take_all", str(match))
    assert handover.state_of(match) == "lapsed"
    with handover.session() as db:
        assert (db.get_one(Shelf, shelf).quantity, db.get_one(Offer, offer).reserved) == (2, 2)
    assert not codes(handover.stage)
