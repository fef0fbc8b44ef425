"""A walk over orders, their payments and what the platform says of them, in any order: no fen is lost or made."""

from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from models.core.refusal import Refusal
from models.market.after_sales.answers import WORDS
from models.market.money.payment import OrderPayment
from models.market.money.sending import Word, begin_submission, retry, settle_by_hand
from models.market.money.sub_merchant import BadSubMerchant, Owner, own_number, withdraw_sub_merchant
from models.market.orders.steps import reserve_instead
from models.payments.platform_order import LIVE, close_order
from tests.harness.stage import Stage
from tests.scenes.money.stall import Stall

pytestmark = pytest.mark.slow  # a long walk

ACTS = st.sampled_from(
    [("accept", "seller"), ("decline", "seller"), ("hand_over", "seller"), ("cancel", "buyer"), ("got", "buyer")]
)


URL: list[str] = []
_numbers = count(1_900_000_200)


class OrderMoney(RuleBasedStateMachine):
    """``came``: fen that the platform took for each payment; ``left``: what it says has left."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(URL[0])
        # Other people each time: what earlier walks left in the database is checked along with the rest.
        place = next(_numbers)
        self.stall = Stall(self.stage, f"o-buyer{place}", f"o-seller{place}")
        self.stall.take_payment(str(place))
        self.orders: list[int] = []
        self.payments: list[OrderPayment] = []
        self.came: dict[int, int] = {}
        self.left: dict[int, int] = {}

    def teardown(self) -> None:
        self.stage.close()

    @rule()
    def order(self) -> None:
        try:
            self.orders.append(self.stall.order(1_000))
        except Refusal:
            return

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        try:
            self.payments.append(self.stall.asked(data.draw(st.sampled_from(self.orders))))
        except Refusal:
            return

    @precondition(lambda self: self.payments)
    @rule(data=st.data(), more=st.sampled_from([0, 0, 0, 1, -1]))
    def pay(self, data: st.DataObject, more: int) -> None:
        payment = data.draw(st.sampled_from(self.payments))
        if payment.id not in self.came:
            self.came[payment.id] = payment.amount_fen + more
        self.stall.report(payment, fen=self.came[payment.id])

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), act=ACTS)
    def act(self, data: st.DataObject, act: tuple[str, str]) -> None:
        try:
            self.stall.act(act[0], data.draw(st.sampled_from(self.orders)), act[1])
        except Refusal:
            return

    @precondition(lambda self: self.orders)
    @rule(
        data=st.data(), wrong=st.sampled_from(["spoiled", "not_got"]), wish=st.sampled_from(["again", "again", "part"])
    )
    def dispute(self, data: st.DataObject, wrong: str, wish: str) -> None:
        fen = None if wish == "again" else 300
        with suppress(Refusal):
            self.stall.dispute(data.draw(st.sampled_from(self.orders)), wrong, wish, fen)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), word=st.sampled_from(["agree", "agree", "given_back", "not_back", "settle", "withdraw"]))
    def answer(self, data: st.DataObject, word: str) -> None:
        with suppress(Refusal):
            self.stall.say(data.draw(st.sampled_from(self.orders)), word, WORDS[word][0])

    @rule(hours=st.sampled_from([1, 3, 50, 170]))
    def wait(self, hours: int) -> None:
        self.stage.clock.move(timedelta(hours=hours))
        self.stall.end_overdue()
        self.stall.end_after_sales()
        self.close_expired()

    def close_expired(self) -> None:
        """The sweep has them closed at the platform."""
        now = self.stage.clock()
        with self.stall.session() as db:
            over = select(OrderPayment.id).where(OrderPayment.state.in_(LIVE), OrderPayment.expires_at <= now)
            for number in db.scalars(over).all():
                close_order(db, OrderPayment, number, now)

    @rule()
    def withdraw(self) -> None:
        with self.stall.session() as db:
            number = own_number(db, Owner("user", self.stall.seller))
            if number:
                now = self.stage.clock()
                reserve_instead(db, withdraw_sub_merchant(db, number, now), now)

    @rule()
    def take_again(self) -> None:
        try:
            self.stall.take_payment(str(next(_numbers)))
        except BadSubMerchant:
            return

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), state=st.sampled_from(["done", "done", "going", "stuck"]), copies=st.integers(1, 2))
    def send(self, data: st.DataObject, state: str, copies: int) -> None:
        order = data.draw(st.sampled_from(self.orders))
        for transfer in self.stall.transfers(order):
            with self.stall.session() as db:
                submission = begin_submission(db, transfer.id, self.stage.clock())
            if submission is None:
                continue
            word = Word(submission.sub_merchant, submission.number, state, submission.fen, trouble="closed")
            for _ in range(copies):
                self.stall.hear(word)
            if state == "done":
                self.left[transfer.id] = submission.fen

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), by_hand=st.booleans())
    def operate(self, data: st.DataObject, by_hand: bool) -> None:
        for transfer in self.stall.transfers(data.draw(st.sampled_from(self.orders))):
            with self.stall.session() as db:
                done: Any = (settle_by_hand if by_hand else retry)(db, transfer.id, self.stage.clock())
            if done and by_hand:
                self.left[transfer.id] = transfer.amount_fen

    @invariant()
    def nothing_is_lost_or_made(self) -> None:
        accounts = [self.stall.account(order) for order in self.orders]
        assert sum(paid for _, paid, _, _ in accounts) == sum(self.came.values())
        assert sum(released + returned for _, _, released, returned in accounts) == sum(self.left.values())
        assert all(released + returned <= paid for _, paid, released, returned in accounts)
        assert self.stall.books() == set()


def test_no_fen_is_lost_or_made(new_database: Any) -> None:
    URL[:] = [new_database()]
    walk = settings(max_examples=25, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(OrderMoney, settings=walk)
