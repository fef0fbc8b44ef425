"""Gifts that come, are asked back, spent and given back in any order, with news late, twice or lost: plain arithmetic.

The channel is played by a dictionary that keeps WeChat Pay's promises and no other: one refund for a number, however
often it is asked for, and news of it whenever it likes.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.core.refusal import Refusal
from models.ledger import held, totals
from models.ledger.accounts import LedgerAccount
from models.payments.order import PayOrder
from models.payments.refund import Refund
from models.payments.refund_desk import mark_paid_by_hand, resubmit
from models.payments.refund_submission import begin_submission, mark_refused
from models.staff.member import Staff
from tests.harness.stage import Stage
from tests.harness.tiers import examples
from tests.scenes.money.gifts import later, ordered, payment_of, promise, take
from tests.scenes.money.refunds import fail_and_plan, hear, news_of, spend, want_back, wrong_books

GIFTS = 4
# By how often each comes; the small numbers are which gift, or which refund.
DEEDS = (
    *("want", "want", "pay", "gift", "spend", "fail"),
    *("ask", "ask", "ask_unheard", "ask_down", "refused"),
    *("well", "badly", "closed", "news", "news", "old_news"),
    *("ask well news", "ask badly news", "ask closed news", "ask_unheard well news", "again", "again", "by_hand"),
)
STEPS = st.tuples(st.sampled_from(DEEDS), st.integers(0, 2), st.integers(100, 5_000))


@dataclass
class Channel:
    """``refunds``: number -> (fen, state). ``paid_back``: what has left it, by hand or not."""

    refunds: dict[str, tuple[int, str]] = field(default_factory=dict)

    def refund(self, number: str, fen: int) -> None:
        self.refunds.setdefault(number, (fen, "PROCESSING"))

    def end(self, number: str, state: str) -> None:
        if number in self.refunds and self.refunds[number][1] == "PROCESSING":
            self.refunds[number] = (self.refunds[number][0], state)

    @property
    def paid_back(self) -> int:
        return sum(fen for fen, state in self.refunds.values() if state == "SUCCESS")


class Walk:
    def __init__(self, stage: Stage, staff: Staff) -> None:
        self.stage, self.staff, self.channel = stage, staff, Channel()
        self.appeal = stage.open_appeal()
        self.pledges: list[int] = []
        self.orders: list[PayOrder] = []
        self.came = self.spent = self.by_hand = 0
        self.before = self._accounts()

    def step(self, deed: str, value: int, fen: int = 0) -> None:
        """``deed``: one, or several of one refund."""
        for each in deed.split():
            later(self.stage, minutes=2)
            self._one(each, value, fen)
            self.check()

    def _one(self, deed: str, value: int, fen: int) -> None:
        match deed:
            case "gift":
                self._gift(fen)
            case "spend":
                self._spend(fen)
            case "fail":
                fail_and_plan(self.stage, self.appeal)
            case "want" | "pay" if value < len(self.pledges):
                self._of_gift(deed, value)
            case _:
                refund = self._refund(value)
                if refund is not None:
                    self._of_refund(deed, refund)

    def check(self) -> None:
        with Database(self.stage.database) as db:
            refunds = self._refunds(db)
            still = sum(one.amount_fen for one in refunds if one.state not in ("paid", "redirected"))
            heard = sum(one.amount_fen for one in refunds if one.state == "paid")
            found = totals(db, self.appeal)
            assert found.held == held(db, [self.appeal])[self.appeal] >= 0
        now = {kind: fen - self.before.get(kind, 0) for kind, fen in self._accounts().items()}
        assert now.get("refunds", 0) == still
        assert now.get("unassigned", 0) == 0
        # What came is held, spent, or the donors' again: nothing more, and nothing less.
        assert self.came == found.held + self.spent + still + heard
        assert now.get("channel", 0) == self.came - self.spent - heard
        # Nothing is taken for paid back that the channel has not paid back, nor twice.
        assert heard <= self.channel.paid_back + self.by_hand

    def _gift(self, fen: int) -> None:
        with suppress(Refusal):
            if len(self.pledges) < GIFTS:
                self.pledges.append(promise(self.stage, self.appeal, fen, f"oDonor{len(self.pledges)}"))
                self.orders.append(ordered(self.stage, self.pledges[-1]))

    def _spend(self, fen: int) -> None:
        with Database(self.stage.database) as db:
            there = held(db, [self.appeal])[self.appeal]
        if fen <= there:
            spend(self.stage, self.appeal, fen)
            self.spent += fen

    def _of_gift(self, deed: str, value: int) -> None:
        with suppress(Refusal):
            if deed == "want":
                want_back(self.stage, self.pledges[value])
        if deed == "pay":
            with Database(self.stage.database) as db:
                paid = db.get_one(PayOrder, self.orders[value].id).state == "paid"
            take(self.stage, payment_of(self.stage, self.orders[value]))
            self.came += 0 if paid else self.orders[value].amount_fen

    def _of_refund(self, deed: str, refund: Refund) -> None:
        match deed:
            case "ask" | "ask_unheard" | "ask_down" | "refused":
                self._ask(deed, refund)
            case "well" | "badly" | "closed":
                self.channel.end(refund.number, {"well": "SUCCESS", "badly": "ABNORMAL", "closed": "CLOSED"}[deed])
            case "news" if refund.number in self.channel.refunds:
                hear(self.stage, news_of(self.stage, refund, self.channel.refunds[refund.number][1]))
            case "old_news" if refund.number in self.channel.refunds:
                hear(self.stage, news_of(self.stage, refund, "PROCESSING"))
            case "again" | "by_hand":
                self._by_person(deed, refund)

    def _ask(self, deed: str, refund: Refund) -> None:
        with Database(self.stage.database) as db, db.begin():
            asked = begin_submission(db, refund.id, self.stage.clock())
        if asked is None or deed == "ask_down":
            return
        if deed == "refused":
            if asked.out_refund_no not in self.channel.refunds:
                with Database(self.stage.database) as db, db.begin():
                    mark_refused(db, asked, "NOT_ENOUGH", self.stage.clock())
            return
        self.channel.refund(asked.out_refund_no, asked.fen)
        if deed == "ask":
            hear(self.stage, news_of(self.stage, refund, self.channel.refunds[asked.out_refund_no][1]))

    def _by_person(self, deed: str, refund: Refund) -> None:
        if deed == "by_hand" and self.channel.refunds.get(refund.number, (0, ""))[1] == "SUCCESS":
            return  # the platform's page would show it as done
        with suppress(Refusal), Database(self.stage.database) as db, db.begin():
            if deed == "again":
                resubmit(db, self.staff, refund.id, self.stage.clock())
            else:
                mark_paid_by_hand(db, self.staff, refund.id, "other_card", self.stage.clock())
                self.by_hand += refund.amount_fen

    def _refund(self, value: int) -> Refund | None:
        with Database(self.stage.database, expire_on_commit=False) as db:
            found = self._refunds(db)
        return found[value] if value < len(found) else None

    def _refunds(self, db: Database) -> list[Refund]:
        return list(db.scalars(select(Refund).where(Refund.appeal_id == self.appeal).order_by(Refund.id)))

    def _accounts(self) -> dict[str, int]:
        with Database(self.stage.database) as db:
            accounts = db.scalars(
                select(LedgerAccount).where(LedgerAccount.kind.in_(("channel", "refunds", "unassigned")))
            )
            return {account.kind: account.balance_fen for account in accounts}


@pytest.mark.slow  # a long walk
@pytest.mark.search
def test_what_came_is_held_spent_or_the_donors_again(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    number = stage.appoint("oHolder", "fund_holder", "431124000000")
    with Database(stage.database, expire_on_commit=False) as db:
        staff = db.get_one(Staff, number)

    @settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.integers(100, 9_999), min_size=2, max_size=3), st.lists(STEPS, min_size=20, max_size=40))
    def walk(gifts: list[int], steps: list[tuple[str, int, int]]) -> None:
        walk = Walk(stage, staff)
        for place, fen in enumerate(gifts):
            walk.step("gift", 0, fen)
            walk.step("pay", place)
        for deed, value, fen in steps:
            walk.step(deed, value, fen)

    walk()
    assert wrong_books(stage) == []
    stage.close()
