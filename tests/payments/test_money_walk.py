"""The whole way of money, in any order that people, the platform and the bank may come to: a state machine.

WeChat Pay and the bank are played by plain dictionaries that keep their own promises and no others: an order is paid
once or closed, and a refund made once for a number; word of it comes late, twice, in another order, with another amount
or never. After every step every book is read and the sums are compared with what was really paid in and out.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal, get_appeal
from models.appeals.review import cancel_frozen, freeze_by_county, resume_by_county
from models.core.refusal import Refusal
from models.disbursements.allocation_run import unfinished_allocations
from models.disbursements.confirmation import OUTCOMES
from models.disbursements.disbursement import Disbursement
from models.giving.funding import end_funding
from models.giving.pledge import UNPAID, NotFunding, Pledge
from models.giving.pool_terms import close_pool
from models.giving.pool_transfer import pay_back, pay_in
from models.giving.refund_run import HELD
from models.payments.collection import LAST_ORDER
from models.payments.expiry import expire_pledges
from models.payments.order import PayOrder
from models.payments.payout_return import continue_allocation
from models.payments.platform_order import LIVE, close_order
from models.payments.redirection import redirect
from models.payments.refund import GOING, STUCK, Refund
from models.payments.refund_desk import mark_paid_by_hand, resubmit
from models.payments.refund_submission import begin_submission, mark_refused
from models.payments.suspense import SuspenseItem
from models.payments.suspense_desk import assign_item, record_refund_by_hand, refund_item
from models.treasury.bank_entry import BankTransfer, enter, uncovered
from models.treasury.reversal import reverse_bank_entry, standing_entries
from tests.harness.tiers import examples
from tests.scenes.money.disbursements import asked, passed, seen
from tests.scenes.money.gifts import ordered, promise
from tests.scenes.money.money_world import PASSERS, TARGETS, World, where
from tests.scenes.money.refunds import hear, news_of, plan, runs, want_back

pytestmark = pytest.mark.slow

DONORS = tuple(f"oDonor{number}" for number in range(4))
WHICH = st.integers(0, 5)
FEN = st.integers(100, 9_999)
# Or by how much it is more than is missing.
GIFT = st.one_of(FEN, st.sampled_from((0, 0, 1, 99)))
APPEAL = st.integers(0, len(TARGETS) - 1)


class Money(World):
    """Its rules are what may happen; a refusal of ours is an answer like another, and must leave all as it was."""

    @initialize(ahead=st.integers(0, 5))
    def open(self, ahead: int) -> None:
        """``ahead``: how far on the way that most money goes."""
        self.begin()
        self.pays_in(3_000)
        if ahead:
            self.gives(DONORS[0], 0, 7_001)
        if ahead > 1:
            self.gives(DONORS[1], 1, 333)
            self.gives(DONORS[2], 1, 0)
        if ahead > 2:
            self.reaches_the_bank(None, 6)
        if ahead > 3:
            self.wants_money(1, 999, 4)
        if ahead > 4:
            self.tops_up(700)
            self.undoes(0, anew=True)
            self.covers_fees(None)

    # Donors, and the platform that takes their money

    @rule(who=st.sampled_from(DONORS), which=APPEAL, fen=GIFT, anonymous=st.booleans(), similar=st.booleans())
    def pledge(self, who: str, which: int, fen: int, anonymous: bool, similar: bool) -> None:
        with self.db() as db:
            appeal = db.get_one(Appeal, self.appeals[which])
            takes = appeal.state == "funding" and appeal.deadline > self.stage.clock() + LAST_ORDER
            fen = self.amount(db, appeal, fen)
        try:
            number = promise(self.stage, self.appeals[which], fen, who, anonymous=anonymous)
        except NotFunding:
            assert not takes
            return
        except Refusal:
            return
        assert takes
        with self.db() as db:
            db.get_one(Pledge, number).fallback = "similar" if similar else "refund"
        with suppress(Refusal):
            ordered(self.stage, number)

    @rule(who=st.sampled_from(DONORS), which=APPEAL, fen=GIFT)
    def gives(self, who: str, which: int, fen: int) -> None:
        """Pledged, paid and heard of, as it should be."""
        with self.db() as db:
            fen = self.amount(db, db.get_one(Appeal, self.appeals[which]), fen)
        with suppress(Refusal):
            pledge = promise(self.stage, self.appeals[which], fen, who)
            order = ordered(self.stage, pledge)
            self.platform.take(order, self.stage.clock())
            self.hear(self.platform.paid[-1])

    @where(Pledge, *UNPAID)
    @rule(which=WHICH)
    def order_again(self, which: int) -> None:
        for pledge in self.pick(Pledge, which, *UNPAID):
            with suppress(Refusal):
                ordered(self.stage, pledge.id)

    @where(PayOrder, *LIVE)
    @rule(which=WHICH, hears=st.booleans())
    def pays(self, which: int, hears: bool) -> None:
        for order in self.pick(PayOrder, which, *LIVE):
            self.platform.take(order, self.stage.clock())
        if hears and self.platform.paid:
            self.hear(self.platform.paid[-1])

    @rule(which=WHICH)
    def hears(self, which: int) -> None:
        """Late, again, or in another order than they were paid."""
        if which < len(self.platform.paid):
            self.hear(self.platform.paid[-1 - which])

    @where(SuspenseItem)
    @rule(which=WHICH, deed=st.sampled_from(("give_back", "by_hand", "assign")))
    def sees_to_case(self, which: int, deed: str) -> None:
        for case in self.pick(SuspenseItem, which):
            with suppress(Refusal), self.db() as db:
                holder, now = self.who(db, "holder"), self.stage.clock()
                if deed == "by_hand":
                    record_refund_by_hand(db, holder, case.id, f"P{case.id}", now)
                else:
                    (refund_item if deed == "give_back" else assign_item)(db, holder, case.id, now)

    @where(PayOrder, *LIVE)
    @rule(which=WHICH, fen=FEN)
    def hears_of_another_amount(self, which: int, fen: int) -> None:
        for order in self.pick(PayOrder, which, *LIVE):
            if fen != order.amount_fen:
                self.strange_payment(order.out_trade_no, fen)

    @rule(fen=FEN)
    def hears_of_an_unknown_order(self, fen: int) -> None:
        self.strange_payment("nobodys", fen)

    @where(PayOrder, *LIVE)
    @rule(which=WHICH)
    def closes(self, which: int) -> None:
        for order in self.pick(PayOrder, which, *LIVE):
            if self.platform.close(order.out_trade_no):
                with self.db() as db:
                    close_order(db, PayOrder, order.id, self.stage.clock())

    @rule(hours=st.sampled_from((1, 30, 80)))
    def time_passes(self, hours: int) -> None:
        self.stage.clock.move(timedelta(hours=hours))
        with self.db() as db:
            expire_pledges(db, self.stage.clock())

    # Back again

    @where(Pledge, *HELD)
    @rule(which=WHICH, goes_well=st.booleans())
    def wants_back(self, which: int, goes_well: bool) -> None:
        for pledge in self.pick(Pledge, which, *HELD):
            with suppress(Refusal):
                want_back(self.stage, pledge.id)
                if goes_well:
                    self.asks_refund(0, "heard")
                    self.ends_refund(0, "SUCCESS", hears=True)

    @rule()
    def plans_refunds(self) -> None:
        for run in runs(self.stage):
            plan(self.stage, run)

    @where(Refund, *GOING)
    @rule(which=WHICH, how=st.sampled_from(("heard", "unheard", "down", "refused")))
    def asks_refund(self, which: int, how: str) -> None:
        for refund in self.pick(Refund, which, *GOING):
            with self.db() as db:
                asked_for = None if redirect(db, refund.id, self.stage.clock()) else refund.id
            with self.db() as db:
                request = begin_submission(db, refund.id, self.stage.clock()) if asked_for else None
            if request is None or how == "down":
                continue
            if how == "refused":
                if request.out_refund_no not in self.platform.refunds:
                    with self.db() as db:
                        mark_refused(db, request, "NOT_ENOUGH", self.stage.clock())
                continue
            self.platform.refunds.setdefault(request.out_refund_no, (request.fen, "PROCESSING"))
            if how == "heard":
                hear(self.stage, news_of(self.stage, refund, self.platform.refunds[request.out_refund_no][1]))

    @where(Refund, "asked")
    @rule(which=WHICH, state=st.sampled_from(("SUCCESS", "SUCCESS", "ABNORMAL", "CLOSED")), hears=st.booleans())
    def ends_refund(self, which: int, state: str, hears: bool) -> None:
        for refund in self.pick(Refund, which, "asked"):
            self.platform.end_refund(refund.number, state)
            if hears and refund.number in self.platform.refunds:
                hear(self.stage, news_of(self.stage, refund, self.platform.refunds[refund.number][1]))

    @where(Refund, *STUCK)
    @rule(which=WHICH, by_hand=st.booleans())
    def sees_to_refund(self, which: int, by_hand: bool) -> None:
        for refund in self.pick(Refund, which, *STUCK):
            if self.platform.refunds.get(refund.number, (0, ""))[1] == "SUCCESS":
                continue  # the platform's own page would show it as done
            with suppress(Refusal), self.db() as db:
                if by_hand:
                    mark_paid_by_hand(db, self.who(db, "holder"), refund.id, "other_card", self.stage.clock())
                    self.platform.by_hand += refund.amount_fen
                else:
                    resubmit(db, self.who(db, "holder"), refund.id, self.stage.clock())

    # Sponsors

    @rule(fen=FEN)
    def pays_in(self, fen: int) -> None:
        serial = self.serial()
        with suppress(Refusal), self.db() as db:
            pay_in(db, self.who(db, "holder"), self.pool, serial, fen, serial, self.stage.clock())
            self.pool_net += fen

    @rule(fen=FEN, closes=st.booleans())
    def pays_back(self, fen: int, closes: bool) -> None:
        serial = self.serial()
        with suppress(Refusal), self.db() as db:
            holder, now = self.who(db, "holder"), self.stage.clock()
            if closes:
                close_pool(db, holder, self.pool, now)
            pay_back(db, holder, self.pool, serial, fen, serial, now)
            self.pool_net -= fen

    # What becomes of an appeal

    @rule(which=APPEAL, deed=st.sampled_from(("freeze", "resume", "freeze resume", "cancel", "last_day")))
    def decides(self, which: int, deed: str) -> None:
        for each in deed.split():
            with suppress(Refusal):
                self._decide(self.appeals[which], each)

    def _decide(self, number: int, deed: str) -> None:
        now = self.stage.clock()
        with self.db() as db:
            county = self.who(db, "county")
            match deed:
                case "freeze":
                    freeze_by_county(db, county, number, "complaint", now)
                case "resume":
                    resume_by_county(db, county, number, now)
                case "cancel":
                    cancel_frozen(db, county, number, "complaint", now)
                case "last_day":
                    deadline = get_appeal(db, number).closes_at
                    self.stage.clock.now = max(now, deadline + timedelta(hours=1))
                    end_funding(db, self.stage.clock())

    # Out to the family

    @rule(fen=st.one_of(st.none(), st.integers(100, 9_999)), fee=st.sampled_from((0, 0, 6, 100)))
    def reaches_the_bank(self, fen: int | None, fee: int = 0) -> None:
        """All that is with the channel, or a part, less so many thousandths of it."""
        with suppress(Refusal), self.db() as db:
            fen = fen or max(1, self.balances(db).get("channel", 0))
            serial = self.serial()
            fee = fen * fee // 1_000
            enter(db, self.who(db, "holder"), serial, BankTransfer("settlement", fen, serial, fee), self.stage.clock())
            self.platform.out += fen
            self.kept += fee

    @rule(fen=st.one_of(st.none(), st.integers(1, 200)))
    def covers_fees(self, fen: int | None) -> None:
        """All that the channel has kept, or a part."""
        serial = self.serial()
        with suppress(Refusal), self.db() as db:
            holder = self.who(db, "holder")
            fen = fen or max(1, uncovered(db, holder))
            enter(db, holder, serial, BankTransfer("fee_cover", fen, serial), self.stage.clock())
            self.kept -= fen

    @rule(fen=FEN)
    def tops_up(self, fen: int) -> None:
        """From the fund holder's bank to the channel, for what is to go back."""
        serial = self.serial()
        with suppress(Refusal), self.db() as db:
            enter(db, self.who(db, "holder"), serial, BankTransfer("top_up", fen, serial), self.stage.clock())
            self.platform.out -= fen

    @rule(which=WHICH, anew=st.booleans())
    def undoes(self, which: int, anew: bool) -> None:
        """What was entered wrong; perhaps it is entered anew under the same number, with less."""
        with self.db() as db:
            entries = standing_entries(db, self.who(db, "holder"), which + 1)
        if len(entries) <= which:
            return
        entry, now = entries[which], self.stage.clock()
        into = {"settlement": 1, "top_up": -1, "fee_cover": 0}[entry.kind]
        covers = entry.kind == "fee_cover"
        with suppress(Refusal):
            with self.db() as db:
                reverse_bank_entry(db, self.who(db, "holder"), entry.id, "amount_wrong", now)
            self.platform.out -= into * entry.amount_fen
            self.kept += entry.amount_fen if covers else -entry.fee_fen
            fen = entry.amount_fen // 2
            if anew and fen:
                with self.db() as db:
                    self._enter(db, entry.kind, fen, entry.bank_reference)
                self.platform.out += into * fen
                self.kept -= fen if covers else 0

    def _enter(self, db: Database, kind: str, fen: int, reference: str) -> None:
        holder, now = self.who(db, "holder"), self.stage.clock()
        enter(db, holder, self.serial(), BankTransfer(kind, fen, reference), now)

    @rule(which=APPEAL, fen=st.integers(100, 3_000), as_far_as=st.sampled_from((0, 1, 2, 3, 4, 4, 4)))
    def wants_money(self, which: int, fen: int, as_far_as: int) -> None:
        """Asked for, passed by so many of three, and paid."""
        with suppress(Refusal):
            use = asked(self.stage, self.appeals[which], fen)
            passed(self.stage, use, *PASSERS[:as_far_as], staff=self.staff)
            if as_far_as == 4:
                self.pay_out(use)

    @where(Disbursement)
    @rule(which=WHICH, deed=st.sampled_from((*PASSERS, "pay", "turn_away", "bounce", *OUTCOMES)))
    def sees_to_use(self, which: int, deed: str) -> None:
        for use in self.pick(Disbursement, which):
            with suppress(Refusal):
                if deed == "pay":
                    self.pay_out(use.id)
                    continue
                if deed in PASSERS:
                    seen(self.stage, use.id, self.staff[deed])
                with self.db() as db:
                    self.see_to(db, use, deed)

    @rule()
    def gifts_follow(self) -> None:
        with self.db() as db:
            for use in unfinished_allocations(db):
                continue_allocation(db, use, self.stage.clock())


@pytest.mark.search
def test_whatever_happens_to_money_the_books_are_right(database_again: Callable[[], str]) -> None:
    class Here(Money):
        new_url = staticmethod(database_again)

    # Fifty steps take minutes to be made fewer: add Phase.shrink when looking for a cause.
    walks = settings(phases=[Phase.generate], max_examples=examples(10), stateful_step_count=80, deadline=None)
    run_state_machine_as_test(Here, settings=settings(walks, suppress_health_check=list(HealthCheck)))
