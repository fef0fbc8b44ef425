"""Whatever households, donors, keepers, officers and the clock do, in any order, and whichever step is cut off in the
middle: nothing is held twice, nothing for ever, and the books are right after each step.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.books.goods.matches import check_matches
from models.books.goods.stock import check_stock
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By
from models.goods import ending
from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches import answers, clock, holding, issues, locks
from models.goods.matches.match import HELD, LASTS, Match
from models.goods.points.point import Shelf
from models.goods.rules import STRICT
from models.staff.member import Staff
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.tiers import examples
from tests.scenes.handover import Handover

PLACE = st.integers(0, 5)


class KilledError(Exception):
    """The process ended before its transaction was committed."""


class Walk(RuleBasedStateMachine):
    """Two offers, three requests and one point; matches are made from the offers and from the shelf."""

    database_again: Callable[[], str]

    @initialize()
    def begin(self) -> None:
        self.stage = Stage(self.database_again())
        self.handover = Handover(self.stage)
        self.handover.open_point()
        self.stage.appoint("o-town", "township", DAOXIAN_MEIHUA[:9].ljust(12, "0"))
        self.givers = [self.handover.donor(name) for name in ("qin", "he")]
        self.takers = [self.handover.resident(name) for name in ("wang", "li", "zhao")]
        for giver in self.givers:
            self.handover.give(giver, told=False)
        for taker in self.takers:
            self.handover.ask(taker, told=False)

    @contextmanager
    def step(self, killed: bool) -> Iterator[Session]:
        """One transaction; what is refused, and what is killed before the commit, changes nothing."""
        try:
            with self.handover.session() as db:
                yield db
                db.flush()
                if killed:
                    raise KilledError
        except (Refusal, KilledError):
            pass

    def pick(self, db: Session, place: int, *states: str) -> Match | None:
        found = db.scalars(select(Match).where(Match.state.in_(states)).order_by(Match.id)).all()
        return found[place % len(found)] if found else None

    @rule(offer=PLACE, request=PLACE, quantity=st.integers(1, 2), killed=st.booleans())
    def propose(self, offer: int, request: int, quantity: int, killed: bool) -> None:
        with self.handover.session() as db:
            given, asked = db.get_one(Offer, 1 + offer % 2), db.get_one(GoodsRequest, 1 + request % 3)
            live = (Match.offer_id == given.id) & (Match.request_id == asked.id) & Match.state.in_((*HELD, "collected"))
            shelf = db.scalar(select(Shelf).where(Shelf.offer_id == given.id, Shelf.quantity >= quantity))
            if db.scalar(select(Match.id).where(live)) or asked.missing < quantity or asked.state != "open":
                return
            if shelf is None and (given.state != "available" or given.available < quantity):
                return
            lying = shelf.id if shelf else None
            numbers = given.id, asked.id
        if not killed:
            self.handover.match(*numbers, quantity, shelf=lying)

    @rule(place=PLACE, part=st.integers(1, 2), killed=st.booleans())
    def want(self, place: int, part: int, killed: bool) -> None:
        with self.step(killed) as db:
            if match := self.pick(db, place, "proposed"):
                held = locks.lock_match(db, match.id)
                holding.accept(db, held, min(part, match.quantity), self.stage.clock())

    @rule(place=PLACE, killed=st.booleans())
    def leave(self, place: int, killed: bool) -> None:
        with self.step(killed) as db:
            if match := self.pick(db, place, *HELD):
                owner = db.get_one(GoodsRequest, match.request_id).owner_id
                answers.leave(db, owner, match.id, self.stage.clock())

    @rule(place=PLACE, sends=st.booleans(), killed=st.booleans())
    def donor_answers(self, place: int, sends: bool, killed: bool) -> None:
        with self.step(killed) as db:
            match = self.pick(db, place, "recipient_ok", "donor_ok")
            if match is None:
                return
            held, now = locks.lock_match(db, match.id), self.stage.clock()
            if match.state == "donor_ok" and sends:
                holding.send(db, held, None, f"YT{match.id:013}", now)
            elif sends:
                holding.agree(db, held, now)
            else:
                to = "declined" if match.state == "recipient_ok" else "cancelled"
                holding.release(db, held, to, Actor.owner(match.donor_id), "donor", now)

    @rule(place=PLACE, came=st.integers(0, 2), killed=st.booleans())
    def arrives(self, place: int, came: int, killed: bool) -> None:
        with self.step(killed) as db:
            if match := self.pick(db, place, "donor_ok", "in_transit", "lapsed", "lost"):
                held = locks.lock_match(db, match.id)
                holding.lay(db, held, min(came, match.quantity), self.keeper(), self.stage.clock())

    @rule(place=PLACE, killed=st.booleans())
    def collects(self, place: int, killed: bool) -> None:
        with self.step(killed) as db:
            if match := self.pick(db, place, "at_point"):
                held = locks.lock_match(db, match.id)
                holding.collect(db, held, "code", self.keeper(), self.handover.keeper, self.stage.clock())

    @rule(place=PLACE, what=st.sampled_from(issues.WRONGS), killed=st.booleans())
    def complains(self, place: int, what: str, killed: bool) -> None:
        with self.step(killed) as db:
            if match := self.pick(db, place, "collected", "confirmed"):
                owner = db.get_one(GoodsRequest, match.request_id).owner_id
                issues.complain(db, owner, match.id, what, self.stage.clock())

    @rule(place=PLACE, upheld=st.booleans(), killed=st.booleans())
    def township_decides(self, place: int, upheld: bool, killed: bool) -> None:
        with self.step(killed) as db:
            if match := self.pick(db, place, "issue"):
                staff = db.scalars(select(Staff).where(Staff.openid == "o-town")).one()
                issues.decide_issue(db, staff, match.id, ("wrong_person",), self.stage.clock(), upheld=upheld)

    @rule(
        name=st.sampled_from((("offer", "withdrawn"), ("offer", "exhausted"), ("request", "withdrawn"))),
        place=PLACE,
        killed=st.booleans(),
    )
    def owner_ends(self, name: tuple[str, str], place: int, killed: bool) -> None:
        subject, to = name
        with self.step(killed) as db:
            table: Any = Offer if subject == "offer" else GoodsRequest
            thing = db.get_one(table, 1 + place % (2 if subject == "offer" else 3))
            ending.end(db, thing.owner_id, subject, thing.id, to, self.stage.clock())

    @rule(days=st.integers(1, 25))
    def time_passes(self, days: int) -> None:
        self.pass_on(timedelta(days=days))

    @invariant()
    def books_are_right(self) -> None:
        if not hasattr(self, "stage"):
            return
        with self.stage.database.connect() as connection:
            now = self.stage.clock()
            assert [str(one) for check in (check_matches, check_stock) for one in check(connection, now)] == []

    def pass_on(self, by: timedelta) -> None:
        self.stage.clock.move(by)
        now = self.stage.clock()
        with self.handover.session() as db:
            clock.end_overdue(db, STRICT, now)
        with self.handover.session() as db:
            clock.write_off_shelves(db, STRICT, now)

    def keeper(self) -> Actor:
        return Actor(By.KEEPER, f"staff:{self.handover.keeper}")

    def teardown(self) -> None:
        """Nobody does anything any more: the clock alone frees all that is held."""
        if not hasattr(self, "stage"):
            return
        for _ in LASTS:
            self.pass_on(max(LASTS.values()) + timedelta(days=1))
        self.pass_on(timedelta(days=STRICT.days_on_shelf + 1))
        self.books_are_right()
        with self.handover.session() as db:
            assert not db.scalars(select(Match.id).where(Match.state.in_((*HELD, "collected")))).all()
            assert sum(db.scalars(select(Offer.reserved))) == 0
            assert sum(db.scalars(select(GoodsRequest.promised))) == 0
        self.stage.close()


@pytest.mark.slow  # a long walk
def test_nothing_is_held_twice_or_for_ever_whatever_happens(database_again: Callable[[], str]) -> None:
    Walk.database_again = staticmethod(database_again)
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Walk,
        settings=settings(max_examples=examples(), stateful_step_count=30, deadline=None, suppress_health_check=checks),
    )
