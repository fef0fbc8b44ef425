"""Payments that are reported at once are applied together, and come to what they come to one by one."""

import json
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as Database

from bot.pay.answers import Trade, TradeState
from bot.payments.orders import PaymentIntake
from bot.work.together import Together
from models.appeals.appeal import Appeal
from models.core.state_machine import Actor
from models.giving.pledge import MACHINE, Pledge, raised
from models.giving.pool import PoolMatch
from models.ledger import totals
from models.ledger.accounts import CHANNEL, LedgerAccount
from models.notifications.notification import Notification
from models.notifications.service_window import ServiceWindow
from models.organisations.merchant import NobodysMerchant
from models.payments.collection import PaymentOutcome, apply_payments
from models.payments.order import PayOrder
from models.payments.platform_order import Payment
from models.people.conversation import Conversation
from models.people.user import User
from tests.harness.processes.workers import until
from tests.harness.racing import assert_books_close, at_once
from tests.harness.racing import stage as stage
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.statements import statements
from tests.scenes.money.charities import LONGHUI, MERCHANTS, NATIONAL
from tests.scenes.money.gifts import ordered, payment_of, promise, take
from tests.scenes.money.matching import charity, pool
from tests.scenes.seat import QINGTANG

TARGET = 14_000
IN_LONGHUI = "430524101000"


class Untold:
    """Takes what is told of payments, and tells nobody."""

    def enqueue(self, jobs: Sequence[Any], told: Sequence[int] = ()) -> None:
        pass


@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 6), marks=pytest.mark.slow)], ids=["few", "more"])
def test_together_they_come_to_what_they_come_to_one_by_one(stage: Stage, seeds: range) -> None:
    """Two appeals get the same: late, wrong, twice, of the own household, over the target, and with a pool.

    More seeds are slow: each has two worlds of payments.
    """
    staff = charity(stage)
    for seed in seeds:
        together, alone = (_World(stage, seed, name) for name in ("together", "alone"))
        if seed % 2:
            for world in (together, alone):
                pool(stage, staff, appeal=world.appeal, cap=9_000, per_donor=1_500, paid=9_000)
        with Database(stage.database) as db, db.begin():
            applied = apply_payments(db, together.payments, stage.clock())
        assert sum(one is not None for one in applied) > 2
        outcomes = [
            one.outcome if one else take(stage, payment).outcome
            for one, payment in zip(applied, together.payments, strict=True)
        ]
        left_over = [place for place, one in enumerate(applied) if one is None]
        order = [*(place for place in range(len(applied)) if place not in left_over), *left_over]
        of_alone = {place: take(stage, alone.payments[place]).outcome for place in order}
        assert outcomes == [of_alone[place] for place in range(len(applied))]
        after = together.after()
        assert after == alone.after()
        assert after["states"][together.own] == "refund_pending"
    assert_books_close(stage)


@pytest.mark.parametrize("count", [1, 16])
def test_it_takes_fifteen_statements_for_any_number(database_url: str, count: int) -> None:
    stage = Stage(database_url)
    appeals = [stage.open_appeal(target_fen=1_000_000) for _ in range(2)]

    def paid(number: int) -> Payment:
        return payment_of(stage, ordered(stage, promise(stage, appeals[number % 2], 500, f"oDonor{number}")))

    with Database(stage.database) as db, db.begin():  # before it, each account is new
        assert all(apply_payments(db, [paid(0), paid(1)], stage.clock()))
    payments = [paid(2 + number) for number in range(count)]
    with statements(stage.database) as seen, Database(stage.database) as db, db.begin():
        assert all(apply_payments(db, payments, stage.clock()))
    assert len(seen) <= 15, "\n".join(seen)
    stage.close()


def test_a_payment_waits_for_its_charitys_account_with_its_posting_and_for_windows_under_it(stage: Stage) -> None:
    """All gifts to a charity add to one account: held for longer, it would let one payment wait for all of another.

    And whoever holds it may open a window, as a turn does at its end, but nobody takes it who holds one.
    """
    appeal = stage.open_appeal(target_fen=1_000_000)
    first, second = (payment_of(stage, ordered(stage, promise(stage, appeal, 500))) for _ in range(2))
    take(stage, first)  # there is an account, and a window
    account = select(LedgerAccount.id).where(LedgerAccount.kind == CHANNEL)
    holder, watch = stage.database.connect(), stage.database.connect().execution_options(isolation_level="AUTOCOMMIT")
    waiting = "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with holder, watch, ThreadPoolExecutor(1) as threads:
        holder.execute(select(ServiceWindow.kind).with_for_update())
        with holder.begin_nested() as channel:
            holder.execute(account.with_for_update())
            paying = threads.submit(take, stage, second)
            until(lambda: "INSERT INTO ledger_entries" in (watch.scalar(text(waiting)) or ""))
            channel.rollback()
        until(lambda: "INSERT INTO service_windows" in (watch.scalar(text(waiting)) or ""))
        with pytest.raises(DBAPIError, match="could not obtain lock"):
            watch.execute(account.with_for_update(nowait=True))
        holder.rollback()
        assert paying.result(timeout=60).outcome == PaymentOutcome.COMMITTED
    assert_books_close(stage)


def test_batches_of_two_charities_never_wait_for_each_other_in_a_circle(stage: Stage) -> None:
    """Gifts to either come in any order, beside others that are paid twice."""
    appeals = [stage.open_appeal(target_fen=1_000_000, region=region) for region in (DAOXIAN_MEIHUA, IN_LONGHUI) * 2]
    chance, batches = Random(7), list[list[Payment]]()
    for batch in range(8):
        payments = []
        for number in range(8):
            pledge = promise(stage, appeals[(batch + number) % 4], 500, f"oDonor{batch}-{number}")
            payments.append(payment_of(stage, ordered(stage, pledge)))
        chance.shuffle(payments)
        batches.append(payments)
    assert {payment.merchant for payment in batches[0]} == {MERCHANTS[NATIONAL][0], MERCHANTS[LONGHUI][0]}
    others = [payment_of(stage, ordered(stage, promise(stage, appeals[n % 2], 500, f"oOther{n}"))) for n in range(8)]

    def apply(payments: Sequence[Payment]) -> bool:
        with Database(stage.database) as db, db.begin():
            return all(apply_payments(db, payments, stage.clock()))

    def twice(payment: Payment) -> PaymentOutcome:
        take(stage, payment)
        return take(stage, replace(payment, transaction_id=f"{payment.transaction_id}-2")).outcome

    results = at_once([*(partial(apply, batch) for batch in batches), *(partial(twice, each) for each in others)])
    assert results == [True] * 8 + [PaymentOutcome.SUSPENSE] * 8
    assert_books_close(stage)


class _World:
    """An appeal, and payments for it: some in order and some not, all drawn from a seed."""

    def __init__(self, stage: Stage, seed: int, name: str) -> None:
        chance = Random(seed)
        self.stage, self.name = stage, f"{name}{seed}"
        self.appeal = stage.open_appeal(target_fen=TARGET)
        self.pledges: list[int] = []
        plain: list[int] = []
        found: list[Payment] = []
        for _ in range(24):
            donor = f"o{self.name}d{chance.randrange(10)}"
            fen = chance.randrange(100, 2_500)
            pledge = promise(stage, self.appeal, fen, donor, anonymous=chance.random() < 0.3)
            self.pledges.append(pledge)
            payment = payment_of(stage, ordered(stage, pledge))
            match odd := chance.randrange(8):
                case 0:
                    payment = replace(payment, fen=payment.fen + 1)
                case 1:
                    found.append(payment)
                case 2:
                    found.append(replace(payment, transaction_id=f"{payment.transaction_id}-2"))
                case 3:
                    with Database(stage.database) as db, db.begin():
                        taken_back = db.get_one(Pledge, pledge)
                        donor_acts = Actor.owner(taken_back.donor_id)
                        MACHINE.move(db, taken_back, "cancelled", donor_acts, stage.clock())
            found.append(payment)
            if odd > 3:
                plain.append(len(self.pledges) - 1)
        # One has married into the household since.
        self.own = plain[0]
        with Database(stage.database) as db, db.begin():
            giver = db.get_one(User, db.get_one(Pledge, self.pledges[self.own]).donor_id)
            giver.household_id = db.get_one(Appeal, self.appeal).household_id
        self.payments = found

    def after(self) -> dict[str, Any]:
        """What has become of all, without the numbers that differ between two worlds."""
        with Database(self.stage.database) as db:
            pledges = {number: place for place, number in enumerate(self.pledges)}
            theirs = db.scalars(select(Pledge).where(Pledge.appeal_id == self.appeal).order_by(Pledge.id)).all()
            orders = db.scalars(select(PayOrder).where(PayOrder.pledge_id.in_(pledges)).order_by(PayOrder.id)).all()
            matches = db.scalars(select(PoolMatch).where(PoolMatch.appeal_id == self.appeal)).all()
            news = (
                select(Notification, Conversation.openid)
                .join(Conversation)
                .where(Notification.subject == "appeal", Notification.subject_id == self.appeal)
            )
            return {
                "states": [pledge.state for pledge in theirs],
                "orders": [(order.state, order.paid_at) for order in orders],
                "totals": totals(db, self.appeal),
                "raised": raised(db, [self.appeal])[self.appeal],
                "matches": sorted((pledges[match.pledge_id], match.fen) for match in matches),
                "news": Counter(
                    (openid.replace(self.name, "") if self.name in openid else "owner", told.template, _facts(told))
                    for told, openid in db.execute(news)
                ),
            }


def _facts(told: Notification) -> str:
    facts = json.loads(told.facts)
    return json.dumps({key: facts[key] for key in sorted(facts) if key not in ("code", "number", "name")})


def test_of_gifts_at_once_a_pool_matches_those_of_its_own_township(stage: Stage) -> None:
    appeals = [stage.open_appeal(), stage.open_appeal(region=QINGTANG)]
    pool(stage, charity(stage), region=QINGTANG)
    payments = [payment_of(stage, ordered(stage, promise(stage, appeal, 500))) for appeal in appeals * 2]
    with Database(stage.database) as db, db.begin():
        assert all(apply_payments(db, payments, stage.clock()))
        assert [totals(db, appeal).matched for appeal in appeals] == [0, 1_000]
    assert_books_close(stage)


def test_what_comes_at_once_needs_few_transactions_and_each_hears_of_its_own(stage: Stage) -> None:
    appeal = stage.open_appeal(target_fen=10_000_000)
    payments = [payment_of(stage, ordered(stage, promise(stage, appeal, 500, f"oDonor{n}"))) for n in range(24)]
    payments.append(replace(payments[0], merchant="1999999999"))  # nobody's account
    payments.append(replace(payments[1], transaction_id="T-twice"))
    intake, commits = PaymentIntake(stage.database, Untold()), list[int]()
    event.listen(stage.database, "commit", lambda _: commits.append(1))
    results = at_once([partial(intake.apply, _trade(payment), stage.clock()) for payment in payments])
    assert isinstance(results[24], NobodysMerchant)
    outcomes = Counter(getattr(each, "outcome", "failed") for each in results)
    assert outcomes == {PaymentOutcome.COMMITTED: 24, PaymentOutcome.SUSPENSE: 1, "failed": 1}
    assert len(commits) < 16
    with Database(stage.database) as db:
        assert totals(db, appeal).paid == 24 * 500
    assert_books_close(stage)


def _trade(payment: Payment) -> Trade:
    paid = (payment.fen, payment.transaction_id, payment.paid_at)
    return Trade(payment.merchant, payment.out_trade_no, TradeState.SUCCESS, *paid, None, "")


def test_what_cannot_be_applied_together_is_applied_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    appeal = stage.open_appeal()
    payments = [payment_of(stage, ordered(stage, promise(stage, appeal, 500, f"oDonor{n}"))) for n in range(3)]

    def fail(*_: Any) -> None:
        raise RuntimeError("together it does not go")

    monkeypatch.setattr("bot.payments.orders.apply_payments", fail)
    intake = PaymentIntake(stage.database, Untold())
    results = intake._apply_all([(payment, stage.clock()) for payment in payments])
    assert [getattr(each, "outcome", each) for each in results] == [PaymentOutcome.COMMITTED] * 3
    assert_books_close(stage)


def test_each_thread_gets_the_result_or_the_error_of_its_own_item() -> None:
    begun, go_on, batches = threading.Event(), threading.Event(), list[int]()

    def halve(items: Sequence[int]) -> list[int | Exception]:
        batches.append(len(items))
        begun.set()
        go_on.wait()
        return [item // 2 if item % 2 == 0 else ValueError(item) for item in items]

    together: Together[int, int] = Together(halve)
    first = threading.Thread(target=together.do, args=(0,))
    first.start()
    assert begun.wait(90)

    def let_go() -> None:
        try:
            until(lambda: len(together._waiting) == 8)
        finally:
            go_on.set()

    opener = threading.Thread(target=let_go)
    opener.start()
    results = at_once([partial(together.do, item) for item in range(8)])
    first.join()
    opener.join()
    assert [each if isinstance(each, int) else str(each) for each in results] == [0, "1", 1, "3", 2, "5", 3, "7"]
    assert batches == [1, 8]
