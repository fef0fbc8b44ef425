"""Whoever moves goods locks in one order, so that the clock and people do not stop each other."""

import threading
import time

from sqlalchemy import select, text

from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches import leaving
from models.goods.matches.holding import leave
from models.goods.matches.locks import lock_match
from models.goods.matches.match import Match
from models.goods.points.opening import lock_point
from models.goods.points.point import Shelf
from models.goods.rounds.opening import open_shelf_if_wanted
from models.goods.rules import STRICT
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

# Who has to wait in these tests would wait for ever.
AT_ONCE = text("SET LOCAL lock_timeout = '2s'")


def shelf_of(handover: Handover, offer: int) -> int:
    """Two lie at the point for nobody, and a household would take them."""
    left = handover.match(offer, handover.ask(handover.resident("li"), told=False))
    handover.advance(left, "at_point")
    with handover.session() as db:
        leave(db, lock_match(db, left), handover.stage.clock())
    handover.ask(handover.resident("wang"), told=False)
    with handover.session() as db:
        return db.scalars(select(Shelf.id).where(Shelf.offer_id == offer)).one()


def test_a_shelf_whose_offer_is_held_is_left_for_the_next_run(handover: Handover) -> None:
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    shelf = shelf_of(handover, offer)
    with handover.session() as other, handover.session() as db:
        other.get_one(Offer, offer, with_for_update=True)
        db.execute(AT_ONCE)
        assert not open_shelf_if_wanted(db, STRICT, shelf, handover.stage.clock())
    with handover.session() as db:
        assert open_shelf_if_wanted(db, STRICT, shelf, handover.stage.clock())


def test_a_part_is_proposed_while_the_hours_of_its_point_change(handover: Handover) -> None:
    """Who closes a point locks it before the offers: a round that holds the offer does not wait for the point."""
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    request = handover.ask(handover.resident("wang"), told=False)
    with handover.session() as other:
        other.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        lock_point(other, handover.point)
        proposed: list[int] = []
        round_ = threading.Thread(target=lambda: proposed.append(handover.match(offer, request)), daemon=True)
        round_.start()
        round_.join(60)  # whoever waits for a lock is sent away sooner
        assert proposed
    round_.join()


def test_what_is_taken_down_lets_go_of_its_requests_from_the_lowest_number_up(handover: Handover) -> None:
    """A round locks its candidates in that order too."""
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    first, second = (handover.ask(handover.resident(name), told=False) for name in ("wang", "li"))
    for request in (second, first):
        handover.match(offer, request)

    def take_down() -> None:
        with handover.session() as db:
            db.get_one(Offer, offer, with_for_update=True)
            leaving.follow(db, "offer", offer, "withdrawn", handover.stage.clock(), by_owner=False)

    with handover.session() as other:
        other.get_one(GoodsRequest, first, with_for_update=True)
        taking = threading.Thread(target=take_down, daemon=True)
        taking.start()
        _until_it_waits(handover)
        with handover.session() as db:
            db.execute(AT_ONCE)
            db.get_one(GoodsRequest, second, with_for_update=True)
    taking.join()
    with handover.session() as db:
        assert set(db.scalars(select(Match.state).where(Match.offer_id == offer))) == {"cancelled"}


def _until_it_waits(handover: Handover) -> None:
    """Wait until a transaction of this database waits for another."""
    there = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    waiting = text(f"{there} AND wait_event_type = 'Lock'")
    for _ in range(200):
        with handover.session() as db:
            if db.scalar(waiting):
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")
