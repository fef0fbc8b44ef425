"""A match holds a part of an offer: stock, promises and shelves follow it, whatever becomes of it."""

import pytest

from models.core.state_machine import SYSTEM, Actor, By, WrongState
from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches import holding
from models.goods.matches.holding import NotThatMany
from models.goods.matches.locks import lock_match
from models.goods.points.point import Shelf
from models.stock.move import COLUMNS
from tests.harness.money.checking_books import codes
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


@pytest.fixture
def match(handover: Handover) -> int:
    """A part of two of nine, proposed to a household that asks for two."""
    handover.open_point()
    request = handover.ask(handover.resident("wang"))
    return handover.match(handover.give(handover.donor("qin"), told=False), request)


def stand(handover: Handover, match: int) -> tuple[tuple[int, ...], tuple[int, int, str], int]:
    """The offer's figures, the request's promised, received and state, and what lies on shelves."""
    with handover.session() as db:
        held = lock_match(db, match)
        figures = tuple(getattr(held.offer, name) for name in COLUMNS[1:])
        request = held.request
        lying = sum(shelf.quantity for shelf in db.query(Shelf))
        return figures, (request.promised, request.received, request.state), lying


def test_what_is_collected_is_delivered_and_meets_the_request(handover: Handover, match: int) -> None:
    handover.advance(match, "at_point")
    assert stand(handover, match) == ((7, 2, 0, 0), (2, 0, "open"), 0)
    handover.advance(match, "confirmed")
    assert stand(handover, match) == ((7, 0, 2, 0), (0, 2, "met"), 0)
    assert not codes(handover.stage)


@pytest.mark.parametrize("state", ["proposed", "recipient_ok", "donor_ok"])
@pytest.mark.parametrize("to", ["lapsed", "cancelled"])
def test_what_is_not_sent_is_freed(handover: Handover, match: int, state: str, to: str) -> None:
    handover.advance(match, state)
    with handover.session() as db:
        holding.release(db, lock_match(db, match), to, SYSTEM, "donor", handover.stage.clock())
    assert stand(handover, match) == ((9, 0, 0, 0), (0, 0, "open"), 0)


def test_a_part_is_enough_and_the_rest_is_free(handover: Handover, match: int) -> None:
    with handover.session() as db:
        held = lock_match(db, match)
        with pytest.raises(NotThatMany):
            holding.accept(db, held, 3, handover.stage.clock())
        holding.accept(db, held, 1, handover.stage.clock())
    assert stand(handover, match) == ((8, 1, 0, 0), (1, 0, "open"), 0)


def test_of_what_comes_amiss_the_rest_is_lost(handover: Handover, match: int) -> None:
    handover.advance(match, "in_transit")
    with handover.session() as db:
        keeper = Actor(By.KEEPER, f"staff:{handover.keeper}")
        holding.lay(db, lock_match(db, match), 1, keeper, handover.stage.clock())
    assert stand(handover, match) == ((7, 1, 0, 1), (1, 0, "open"), 0)


def test_what_nobody_collects_goes_to_the_shelf_and_stays_reserved(handover: Handover, match: int) -> None:
    handover.advance(match, "at_point")
    with handover.session() as db:
        holding.leave(db, lock_match(db, match), handover.stage.clock())
    assert stand(handover, match) == ((7, 2, 0, 0), (0, 0, "open"), 2)


@pytest.mark.parametrize("given_up", ["lapsed", "lost"])
def test_what_comes_late_goes_to_the_shelf(handover: Handover, match: int, given_up: str) -> None:
    handover.advance(match, "donor_ok" if given_up == "lapsed" else "in_transit")
    now, keeper = handover.stage.clock(), Actor(By.KEEPER, f"staff:{handover.keeper}")
    with handover.session() as db:
        held = lock_match(db, match)
        if given_up == "lapsed":
            holding.release(db, held, "lapsed", SYSTEM, "donor", now)
        else:
            holding.lose(db, held, SYSTEM, "carrier", now)
    with handover.session() as db:
        holding.lay(db, lock_match(db, match), 2, keeper, now)
    assert stand(handover, match) == ((7, 2, 0, 0), (0, 0, "open"), 2)
    assert handover.state_of(match) == "uncollected"


def test_what_was_handed_to_nobody_is_taken_back(handover: Handover, match: int) -> None:
    """The township finds that the household never had it: it waits again, and nothing counts as help."""
    handover.advance(match, "collected")
    now = handover.stage.clock()
    with handover.session() as db:
        held = lock_match(db, match)
        holding.dispute(db, held, Actor.owner(held.request.owner_id), now)
        assert held.match.due_at is None
        holding.take_back(db, held, Actor(By.TOWNSHIP, "staff:9"), now)
    assert stand(handover, match) == ((7, 0, 0, 2), (0, 0, "open"), 0)


def test_an_end_is_an_end(handover: Handover, match: int) -> None:
    with handover.session() as db:
        holding.release(db, lock_match(db, match), "lapsed", SYSTEM, "household", handover.stage.clock())
        with pytest.raises(WrongState):
            holding.accept(db, lock_match(db, match), 2, handover.stage.clock())


def test_the_last_of_an_offer_ends_and_reopens_it(handover: Handover) -> None:
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    with handover.session() as db:
        db.get_one(GoodsRequest, request := handover.ask(handover.resident("wang"), told=False))
    with handover.session() as db:
        db.get_one(GoodsRequest, request).quantity = 9
    match = handover.match(offer, request, 9)
    with handover.session() as db:
        assert db.get_one(Offer, offer).state == "exhausted"
        holding.release(db, lock_match(db, match), "lapsed", SYSTEM, "household", handover.stage.clock())
        assert db.get_one(Offer, offer).state == "available"
