"""The last bucket wanted by many at once, and an answer in the same moment as the clock: one of them is first."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from models.core.refusal import Refusal
from models.goods.exchange import Offer
from models.goods.matches import answers, clock
from models.goods.matches.locks import lock_match
from models.goods.matches.match import LASTS, Match
from models.goods.rules import STRICT
from models.stock.move import OutOfStock, restock
from tests.harness.money.checking_books import codes
from tests.harness.racing import DONORS, at_once
from tests.harness.racing import stage as stage
from tests.harness.stage import Stage
from tests.scenes.handover import Handover


@pytest.mark.slow  # 32 transactions on a database of their own; tests/stock has the same of moves
def test_the_last_one_is_proposed_to_one_of_many(stage: Stage) -> None:
    handover = Handover(stage)
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    with handover.session() as db:
        one = db.get_one(Offer, offer)
        restock(db, one, 1, "one", stage.clock())
    requests = [handover.ask(handover.resident(f"r{n}"), told=False) for n in range(DONORS)]
    results = at_once([_proposing(handover, offer, request) for request in requests])
    got = [result for result in results if isinstance(result, int)]
    assert len(got) == 1
    assert all(isinstance(result, int | OutOfStock) for result in results), results
    with handover.session() as db:
        left = db.get_one(Offer, offer)
        assert (left.available, left.reserved) == (0, 1)
    assert not codes(stage)


def _proposing(handover: Handover, offer: int, request: int) -> Callable[[], object]:
    return lambda: handover.match(offer, request, 1)


def test_a_lapse_and_an_acceptance_in_one_moment_are_one_or_the_other(stage: Stage) -> None:
    handover = Handover(stage)
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    for n in range(4):
        match = handover.match(offer, handover.ask(handover.resident(f"r{n}"), told=False))
        owner, now = handover.people[f"r{n}"], stage.clock() + LASTS["proposed"] + timedelta(seconds=1)
        accepted, lapsed = at_once([_accepting(handover, owner, match), _lapsing(handover, now)])
        with handover.session() as db:
            state = db.get_one(Match, match).state
        assert (state == "recipient_ok") == (not isinstance(accepted, Exception)), (accepted, lapsed)
        assert state in ("recipient_ok", "lapsed")
        assert isinstance(accepted, Refusal | int), accepted
        assert not isinstance(lapsed, Exception), lapsed
        assert not codes(stage)


def _accepting(handover: Handover, owner: int, match: int) -> Callable[[], object]:
    def accept() -> object:
        with handover.session() as db:
            return answers.want(db, owner, match, None, handover.stage.clock()).match.id

    return accept


def _lapsing(handover: Handover, now: datetime) -> Callable[[], object]:
    def lapse() -> object:
        with handover.session() as db:
            return clock.end_overdue(db, STRICT, now)

    return lapse


def test_it_comes_while_its_household_turns_it_away(stage: Stage) -> None:
    """Either way it is not lost: it waits for the household's answer, or lies on the shelf for others."""
    handover = Handover(stage)
    handover.open_point()
    match = handover.match(handover.give(handover.donor("qin"), told=False), handover.ask(handover.resident("wang")))
    handover.advance(match, "in_transit")
    results = at_once(
        [lambda: handover.advance(match, "at_point"), lambda: _leaving(handover, handover.people["wang"], match)]
    )
    assert not [result for result in results if isinstance(result, Exception) and not isinstance(result, Refusal)]
    with handover.session() as db:
        held = lock_match(db, match)
        assert held.match.state in ("at_point", "uncollected", "cancelled")
        assert held.offer.reserved == 2
    assert not codes(stage)


def _leaving(handover: Handover, owner: int, match: int) -> None:
    with handover.session() as db:
        answers.leave(db, owner, match, handover.stage.clock())
