"""Reports, freezes and money in one world, in any order: the books are right after each step, a payout is held exactly
while it should be, and nothing but payouts ever is.

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

from models.appeals.appeal import Appeal
from models.appeals.review import freeze_by_county, resume_by_county
from models.core.refusal import Refusal
from models.disbursements.disbursement import Disbursement
from models.disbursements.hold import PayoutsHeld
from models.people.conversation import Conversation
from models.people.user import User
from models.support.inquiry import live_inquiry
from models.support.inquiry_desk import dismiss, open_inquiry, uphold
from models.support.reported_thing import get_thing
from models.support.reporters import MOST_NOT_UPHELD
from models.support.reporting import NewReport, file_report
from models.treasury.bank_entry import BankTransfer, enter
from tests.harness.tiers import examples
from tests.scenes.disbursements import COUNTY, asked, passed
from tests.scenes.gifts import ordered, promise
from tests.scenes.money_world import PASSERS, World, where

pytestmark = pytest.mark.slow

# Who reports -> the circle that they are of where a hold is counted; None: nobody has verified them.
CIRCLES = {"ann": "north", "bob": "north", "cen": "household", "dai": "household", "eve": "south", "fan": None}
HOMES = {"ann": "431124101204", "bob": "431124101204", "cen": "431124101205", "dai": "431124101208"}
WHICH = st.integers(0, 5)


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
            self.inquiries.setdefault(number, Asked()).by.add(who)
            circles = {CIRCLES[name] for name in self.credible(number)} - {None}
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

    @rule(fen=st.integers(100, 700))
    def wants_money(self, fen: int) -> None:
        """Passed by three, which no report keeps back."""
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

    def hold(self, number: int) -> None:
        inquiry = self.inquiries[number]
        inquiry.held_until = inquiry.held_until or self.stage.clock() + timedelta(hours=72)

    def is_held(self, number: int) -> bool:
        inquiry = self.inquiries.get(number)
        return bool(inquiry and inquiry.held_until and inquiry.held_until > self.stage.clock())


@pytest.mark.search
def test_whatever_is_reported_the_books_are_right_and_only_payouts_wait(database_again: Callable[[], str]) -> None:
    class Here(Reported):
        new_url = staticmethod(database_again)

    walks = settings(phases=[Phase.generate], max_examples=examples(8), stateful_step_count=50, deadline=None)
    run_state_machine_as_test(Here, settings=settings(walks, suppress_health_check=list(HealthCheck)))
