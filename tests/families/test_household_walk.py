"""Households join and part in any order, with appeals and money open: clean books, and no answer moves a fen."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import OPEN, Appeal
from models.appeals.review import cancel_frozen, resume_by_county
from models.core.refusal import Refusal
from models.families.desk import POSSIBLE
from models.families.members import end_member
from models.families.question import HouseholdQuestion
from models.giving.pledge import Pledge
from models.goods.exchange import WAITING, GoodsRequest
from models.people.family_member import FamilyMember
from models.people.user import Household, User
from models.staff.member import Staff
from models.staff.task import Task
from tests.harness.erasing import erase_person
from tests.harness.stage import Stage, id_number
from tests.harness.tiers import examples
from tests.scenes.cases import person_of
from tests.scenes.families import answer, in_order, leave, ledger_head, name_member, number_of, open_questions
from tests.scenes.money.gifts import give, ordered, payment_of, promise, take

# Each goes through dozens of checks of all books.
pytestmark = pytest.mark.slow

PEOPLE = ("o-owner-0", "o-owner-1", "o-owner-2", "o-wang", "o-li")
GOES_ON = tuple(state for state in OPEN if state != "frozen")
WHO, WHICH = st.sampled_from(PEOPLE), st.integers(0, 5)
SAID = st.sampled_from((*POSSIBLE["same_number"], "one_family", "one_family", *POSSIBLE["split"]))


class Households(RuleBasedStateMachine):
    """Three owners of public appeals, one unverified resident and one who asks; a refusal must leave all as it was."""

    new_url: Callable[[], str]

    @initialize()
    def begin(self) -> None:
        self.stage = Stage(self.new_url())
        self.stage.collect()
        self.towns = [self.stage.appoint(f"o-town-{serial}", "township") for serial in (0, 1)]
        self.county = self.stage.appoint("o-county", "county", "431124000000")
        self.stage.appoint("o-zhou", "village")
        for _ in range(3):
            self.stage.open_appeal()
        self.stage.register("o-wang", "resident")
        self.stage.register("o-li", "resident", verified=False)
        self.serial, self.gone, self.waiting = 0, set[str](), list[int]()

    def teardown(self) -> None:
        if hasattr(self, "stage"):
            self.stage.close()

    @rule(who=WHO, other=WHO, named=WHICH)
    def name(self, who: str, other: str, named: int) -> None:
        """They name one another, or a child whom several name."""
        self.serial += 1
        number = id_number(700 + named) if other in (who, *self.gone) else number_of(self.stage, other)
        if who not in self.gone:
            with suppress(Refusal):
                name_member(self.stage, who, number, self.serial)

    @rule(who=WHO, other=WHO, town=st.integers(0, 1))
    def joins(self, who: str, other: str, town: int) -> None:
        """One names another who is registered, and the township finds them one family."""
        if who == other or {who, other} & self.gone:
            return
        before, head = set(open_questions(self.stage)), ledger_head(self.stage)
        self.serial += 1
        with suppress(Refusal):
            name_member(self.stage, who, number_of(self.stage, other), self.serial)
            for question in sorted(set(open_questions(self.stage)) - before):
                answer(self.stage, self.towns[town], question, "one_family")
        assert ledger_head(self.stage) == head

    @rule(which=WHICH, said=SAID, town=st.integers(0, 1))
    def answers(self, which: int, said: str, town: int) -> None:
        open_ones = open_questions(self.stage)
        if open_ones:
            before = ledger_head(self.stage)
            with suppress(Refusal):
                answer(self.stage, self.towns[town], open_ones[which % len(open_ones)], said)
            assert ledger_head(self.stage) == before

    @rule(who=WHO, which=WHICH)
    def asks_to_leave_and_may(self, who: str, which: int) -> None:
        if who in self.gone:
            return
        with suppress(Refusal):
            question = leave(self.stage, who)
            before = ledger_head(self.stage)
            answer(self.stage, self.towns[which % 2], question, "split" if which else "stays")
            assert ledger_head(self.stage) == before

    @rule(who=WHO, which=WHICH, why=st.sampled_from(("died", "left", "mistake")))
    def says_who_is_gone(self, who: str, which: int, why: str) -> None:
        if who in self.gone:
            return
        with Database(self.stage.database) as db, db.begin():
            user = db.get_one(User, person_of(self.stage, who).id)
            live = (FamilyMember.household_id == user.household_id) & FamilyMember.ended.is_(None)
            entries = db.scalars(select(FamilyMember.id).where(live).order_by(FamilyMember.id)).all()
            if entries:
                end_member(db, user, entries[which % len(entries)], why, self.stage.clock())

    @rule(who=WHO, category=st.sampled_from(("industry", "education")))
    def asks(self, who: str, category: str) -> None:
        if who not in self.gone:
            with suppress(Refusal):
                self.stage.ask(who, category=category)

    @rule(who=WHO)
    def wants_goods(self, who: str) -> None:
        if who not in self.gone:
            for words in ("求物", "5", "字典", "2", "1", "给孩子上学用", "1", "确认"):
                self.stage.say(who, words)
            self.stage.say(who, "取消")
            self.stage.say(who, "2")

    @rule(appeal=st.integers(1, 3), fen=st.integers(100, 9_999), late=st.booleans())
    def gives(self, appeal: int, fen: int, late: bool) -> None:
        """A gift comes at once, or is ordered now and comes in the middle of whatever happens."""
        with suppress(Refusal):
            if late:
                self.waiting.append(promise(self.stage, appeal, fen, "oLate"))
            else:
                give(self.stage, appeal, fen)

    @rule()
    def comes_late(self) -> None:
        if self.waiting:
            with suppress(Refusal):
                take(self.stage, payment_of(self.stage, ordered(self.stage, self.waiting.pop(0))))

    @rule(which=WHICH, resumed=st.booleans())
    def county_decides(self, which: int, resumed: bool) -> None:
        with Database(self.stage.database) as db:
            frozen = db.scalars(select(Appeal.id).where(Appeal.state == "frozen").order_by(Appeal.id)).all()
        if not frozen:
            return
        number, now = frozen[which % len(frozen)], self.stage.clock()
        with suppress(Refusal), Database(self.stage.database) as db, db.begin():
            staff = db.get_one(Staff, self.county)
            if resumed:
                resume_by_county(db, staff, number, now)
            else:
                cancel_frozen(db, staff, number, "false_information", now)

    @rule(who=st.sampled_from(("o-wang", "o-li")))
    def is_erased(self, who: str) -> None:
        if who not in self.gone:
            self.gone.add(who)
            with Database(self.stage.database) as db, db.begin():
                erase_person(db, self.stage.person(who), self.stage.clock())

    @rule(minutes=st.integers(1, 15))
    def waits(self, minutes: int) -> None:
        """All within one day: a bill of WeChat Pay's is asked for after it, and nobody does that here."""
        self.stage.clock.move(timedelta(minutes=minutes))

    @invariant()
    def all_is_in_order(self) -> None:
        if not hasattr(self, "stage"):
            return
        assert in_order(self.stage) == []
        with Database(self.stage.database) as db:
            several = select(Appeal.household_id).where(Appeal.state.in_(GOES_ON))
            several = several.group_by(Appeal.household_id, Appeal.category).having(func.count() > 1)
            assert db.scalars(several).all() == []
            assert db.scalars(select(Appeal.id).where(Appeal.beside != 0, Appeal.state.in_(GOES_ON))).all() == []
            # What somebody owns is of their household, and so is the open task about it.
            tasks = select(Task.id).join(Appeal, Appeal.id == Task.subject_id)
            tasks = tasks.where(Task.subject == "appeal", Task.closed_at.is_(None))
            assert db.scalars(tasks.where(Task.household_id != Appeal.household_id)).all() == []
            waiting = select(GoodsRequest.household_id).where(GoodsRequest.state.in_(WAITING), GoodsRequest.beside == 0)
            waiting = waiting.group_by(GoodsRequest.household_id, GoodsRequest.sort).having(func.count() > 1)
            assert db.scalars(waiting).all() == []
            empty = select(Household.id).where(Household.merged_into.is_not(None))
            assert not set(db.scalars(empty)) & set(db.scalars(select(User.household_id)))
            assert db.scalar(select(func.count()).select_from(Pledge)) is not None
            questions = select(HouseholdQuestion).where(HouseholdQuestion.state == "submitted")
            for question in db.scalars(questions):
                assert question.household_id != question.other_household_id


def test_households_join_and_part_with_appeals_and_money_open(database_again: Callable[[], str]) -> None:
    class Here(Households):
        new_url = staticmethod(database_again)

    walks = settings(phases=[Phase.generate], max_examples=examples(8), stateful_step_count=20, deadline=None)
    run_state_machine_as_test(Here, settings=settings(walks, suppress_health_check=list(HealthCheck)))
