"""Reports, freezes, erasures and money in one world, in any order: the books are right after each step, a payout is
held exactly while it should be, and nothing but payouts ever is.

What should be held is reckoned here from the circles that the people are of, without reading a row. Slow: a walk reads
all books after each of its steps.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
from sqlalchemy import select

from models.appeals.appeal import Appeal
from models.appeals.review import freeze_by_county, resume_by_county
from models.core.refusal import Refusal
from models.disbursements.disbursement import Disbursement
from models.disbursements.hold import PayoutsHeld
from models.people.conversation import Conversation
from models.people.user import User
from models.rights.erasure.erasure import begin_erasure, forget_page, running_erasures
from models.rights.erasure.request import ask_for_erasure, begin_due
from models.support.inquiry import live_inquiry
from models.support.inquiry_desk import dismiss, open_inquiry, uphold
from models.support.reported_thing import get_thing
from models.support.reporters import MOST_NOT_UPHELD
from models.support.reporting import NewReport, file_report
from models.treasury.bank_entry import BankTransfer, enter
from tests.harness.tiers import examples
from tests.scenes.money.disbursements import COUNTY, asked, passed
from tests.scenes.money.gifts import ordered, promise
from tests.scenes.money.money_world import PASSERS, World, where

pytestmark = pytest.mark.slow

# Who reports -> the circle that they are of where a hold is counted; None: nobody has verified them.
CIRCLES = {"ann": "north", "bob": "north", "cen": "household", "dai": "household", "eve": "south", "fan": None}
HOMES = {"ann": "431124101204", "bob": "431124101204", "cen": "431124101205", "dai": "431124101208"}
WHICH = st.integers(0, 5)
# Whoever may want to be erased: who reports, gives, or asks for money.
LEAVERS = (*sorted(CIRCLES), "donor", "owner-0", "owner-1")


def openid_of(who: str) -> str:
    return "oDonor" if who == "donor" else f"o-{who}"


@dataclass
class Asked:
    """What should be known of the undecided inquiry into an appeal."""

    by: set[str] = field(default_factory=set)
    held_until: datetime | None = None


class Reported(World):
    """Appeal 1 of the world is full, so its money can be spent; appeal 0 collects."""

    @initialize()
    def open(self) -> None:
        self.begin()
        self.inquiries: dict[int, Asked] = {}
        # Who was erased is somebody new when they write again, whom nobody has verified.
        self.called = {name: name for name in CIRCLES}
        self.circles: dict[str, str | None] = dict(CIRCLES)
        self.not_upheld = dict.fromkeys(CIRCLES, 0)
        self.staff["judge"] = self.stage.appoint("o-judge", "county", COUNTY)
        for name in CIRCLES:
            self.stage.clock.move(timedelta(hours=1))
            role = "resident" if CIRCLES[name] else "donor"
            number = self.stage.register(f"o-{name}", role, HOMES.get(name, "431124101209"))
            with self.db() as db:
                user = db.get_one(User, number)
                user.phone_hash = f"phone of {name}"
                if name == "dai":
                    cen = db.get_one(Conversation, self.stage.person("o-cen")).user_id
                    user.household_id = db.get_one(User, cen).household_id
        for fen in (1_500, 0):
            self.gives(1, fen)
        with self.db() as db:
            fen = self.balances(db)["channel"]
            enter(db, self.who(db, "holder"), "S0", BankTransfer("settlement", fen, "S0"), self.stage.clock())
        self.platform.out += fen

    @rule(which=st.integers(0, 1), fen=st.integers(100, 900))
    def gives(self, which: int, fen: int) -> None:
        """Also to an appeal that is reported: no report stops a gift."""
        with self.db() as db:
            appeal = db.get_one(Appeal, self.appeals[which])
            takes, fen = appeal.collects(self.stage.clock()), self.amount(db, appeal, fen)
        try:
            order = ordered(self.stage, promise(self.stage, self.appeals[which], fen, "oDonor"))
        except Refusal:
            assert not takes
            return
        self.platform.take(order, self.stage.clock())
        self.hear(self.platform.paid[-1])

    @rule(
        who=st.sampled_from(sorted(CIRCLES)), which=st.sampled_from((0, 1, 1)), kind=st.sampled_from(("fake", "child"))
    )
    def reports(self, who: str, which: int, kind: str) -> None:
        number, now, person = self.appeals[which], self.stage.clock(), self.stage.person(f"o-{who}")
        with suppress(Refusal):
            with self.db() as db:
                new = NewReport(self.serial(), person, kind, "", ())
                file_report(db, get_thing(db, "appeal", number, None), new, now)
            self.inquiries.setdefault(number, Asked()).by.add(self.called[who])
            circles = {self.circles[name] for name in self.credible(number)} - {None}
            if len(circles) == len({"north", "household", "south"}):
                self.hold(number)

    @rule(which=st.integers(0, 1), who=st.sampled_from(("judge", "judge", "county")))
    def county_reads(self, which: int, who: str) -> None:
        number = self.appeals[which]
        with suppress(Refusal):
            with self.db() as db:
                inquiry = live_inquiry(db, "appeal", number)
                if inquiry is None:
                    return
                first = inquiry.county_read_at is None
                open_inquiry(db, self.who(db, who), inquiry.id, self.stage.clock())
            if first and self.credible(number):
                self.hold(number)

    @rule(which=st.integers(0, 1), outcome=st.sampled_from(("dismissed", "dismissed", "noted", "frozen")))
    def county_decides(self, which: int, outcome: str) -> None:
        number, now = self.appeals[which], self.stage.clock()
        with suppress(Refusal):
            with self.db() as db:
                inquiry, judge = live_inquiry(db, "appeal", number), self.who(db, "judge")
                if inquiry is None:
                    return
                if outcome == "dismissed":
                    dismiss(db, judge, inquiry.id, ("found_right",), now)
                else:
                    uphold(db, judge, inquiry.id, outcome, ("untrue",), now)
            for name in self.inquiries.pop(number).by if outcome == "dismissed" else ():
                self.not_upheld[name] += 1
            self.inquiries.pop(number, None)

    @rule(which=st.integers(0, 1), deed=st.sampled_from(("freeze", "resume", "resume")))
    def county_stops(self, which: int, deed: str) -> None:
        with suppress(Refusal), self.db() as db:
            county, now = self.who(db, "county"), self.stage.clock()
            if deed == "freeze":
                freeze_by_county(db, county, self.appeals[which], "complaint", now)
            else:
                resume_by_county(db, county, self.appeals[which], now)

    @rule(hours=st.sampled_from((1, 20, 71, 72)))
    def time_passes(self, hours: int) -> None:
        self.stage.clock.move(timedelta(hours=hours))

    @rule(who=st.sampled_from((*LEAVERS, "judge")))
    def asks_to_be_erased(self, who: str) -> None:
        with suppress(Refusal), self.db() as db:
            ask_for_erasure(db, self.stage.person(openid_of(who)), self.stage.clock(), proved=True)

    @rule(who=st.sampled_from(LEAVERS))
    def wechat_says_that_they_are_gone(self, who: str) -> None:
        """At once, whatever they have open; the rest goes by pages."""
        person, now = self.stage.person(openid_of(who)), self.stage.clock()
        with self.db() as db:
            begin_erasure(db, person, db.get_one(Conversation, person).user_id, "wechat", now)
        self.see_who_is_gone()

    @rule(days=st.sampled_from((7, 8)))
    def days_pass(self, days: int) -> None:
        """The erasures begin that were asked for, if nothing of the person's is open by then."""
        self.stage.clock.move(timedelta(days=days))
        with self.db() as db:
            begin_due(db, self.stage.clock())
        self.see_who_is_gone()

    @rule(pages=st.integers(1, 20))
    def worker_goes_on_with_erasures(self, pages: int) -> None:
        for _ in range(pages):
            with self.db() as db:
                for number in running_erasures(db, 1):
                    forget_page(db, number, self.stage.clock())

    @rule(fen=st.integers(100, 700))
    def wants_money(self, fen: int) -> None:
        """Passed by three, which no report keeps back. Who was erased asks for nothing any more."""
        with self.db() as db:
            owner = db.get_one(Appeal, self.appeals[1]).owner_id
            if db.scalar(select(Conversation.id).where(Conversation.user_id == owner)) is None:
                return
        with suppress(Refusal):
            use = asked(self.stage, self.appeals[1], fen)
            passed(self.stage, use, *PASSERS, staff=self.staff)

    @where(Disbursement, "authorised")
    @rule(which=WHICH)
    def pays(self, which: int) -> None:
        for use in self.pick(Disbursement, which, "authorised"):
            held = self.is_held(use.appeal_id)
            try:
                self.pay_out(use.id)
            except PayoutsHeld:
                assert held
            except Refusal:
                pass
            else:
                assert not held

    def credible(self, number: int) -> set[str]:
        return {name for name in self.inquiries[number].by if self.not_upheld[name] < MOST_NOT_UPHELD}

    def see_who_is_gone(self) -> None:
        with self.db() as db:
            there = set(db.scalars(select(Conversation.openid)))
        for who in [name for name in CIRCLES if openid_of(name) not in there]:
            self.stage.person(openid_of(who))
            self.circles[self.called[who]] = None
            self.called[who] += " again"
            self.circles[self.called[who]] = None
            self.not_upheld[self.called[who]] = 0

    def hold(self, number: int) -> None:
        inquiry = self.inquiries[number]
        inquiry.held_until = inquiry.held_until or self.stage.clock() + timedelta(hours=72)

    def is_held(self, number: int) -> bool:
        inquiry = self.inquiries.get(number)
        return bool(inquiry and inquiry.held_until and inquiry.held_until > self.stage.clock())


@pytest.mark.slow  # a long walk
@pytest.mark.search
def test_whatever_is_reported_the_books_are_right_and_only_payouts_wait(database_again: Callable[[], str]) -> None:
    class Here(Reported):
        new_url = staticmethod(database_again)

    walks = settings(phases=[Phase.generate], max_examples=examples(8), stateful_step_count=50, deadline=None)
    run_state_machine_as_test(Here, settings=settings(walks, suppress_health_check=list(HealthCheck)))
