"""Refunds through WeChat Pay's simulator, with whatever can go wrong on the way: under one number, and once."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.pay.client import PayClient
from bot.pay.signatures import PlatformKeys, Signer
from bot.payments.refunds import apply_result, ask_refund, sweep_refunds
from bot.simulator.app import create_simulator
from bot.simulator.faults import Fault, Kind
from bot.simulator.pay.refunds import Outcome
from bot.simulator.serving import serving
from bot.work.job import Named
from config.pay import PlatformKey
from models.giving.pledge import Pledge
from models.ledger.accounts import LedgerAccount
from models.payments.order import PayOrder
from models.payments.platform_order import Payment
from models.payments.refund import Refund
from models.payments.refund_desk import resubmit
from models.payments.refund_result import RefundOutcome
from models.staff.member import Staff
from models.staff.task import Task
from tests.harness.money.merchant import NOON, NOTIFY, OPTIONS, PIN, Merchant, trading
from tests.harness.stage import Stage
from tests.scenes.money.gifts import ordered, promise, take
from tests.scenes.money.refunds import fail_and_plan, refund_of, state_of, want_back, wrong_books


class Till:
    """A stage whose gifts are paid at the simulator; both clocks move together."""

    def __init__(self, stage: Stage, merchant: Merchant, url: str) -> None:
        self.stage, self.merchant, self.url = stage, merchant, url
        self.jobs: list[Named] = []
        stage.clock.now = datetime.fromtimestamp(NOON, UTC)

    @cached_property
    def client(self) -> PayClient:
        own = self.merchant.own
        return PayClient(
            api_url=self.url,
            app_id=OPTIONS.app_id,
            notify_url=NOTIFY,
            signer=Signer(own.mchid, own.serial, own.private),
            keys=PlatformKeys(PlatformKey(serial, key) for serial, key in own.platform.items()),
            clock=lambda: datetime.fromtimestamp(self.merchant.simulator.timeline.true(), UTC),
            timeout=(2.0, 20.0),
        )

    def gift(self, appeal: int, fen: int = 10_000, openid: str = "oDonor", fallback: str = "refund") -> int:
        pledge = promise(self.stage, appeal, fen, openid)
        order = ordered(self.stage, pledge)
        prepay_id = self.client.order(order.out_trade_no, fen, "oAunt", "苗寨修路")
        assert self.merchant.simulator.pay.pay("oAunt", prepay_id, PIN).err_msg.endswith(":ok")
        trade = self.client.query(order.out_trade_no)
        assert trade.transaction_id
        assert trade.fen
        assert trade.paid_at
        take(self.stage, Payment(trade.merchant, trade.out_trade_no, trade.transaction_id, trade.fen, trade.paid_at))
        with Database(self.stage.database) as db, db.begin():
            db.get_one(Pledge, pledge).fallback = fallback
        return pledge

    def later(self, seconds: float = 61) -> None:
        self.merchant.simulator.timeline.move(seconds)
        self.stage.clock.move(timedelta(seconds=seconds))

    def ask(self, refund: Refund) -> None:
        ask_refund(self.stage.database, self.client, refund.id, self.stage.clock)

    def fault(self, kind: Kind, **options: object) -> None:
        self.merchant.simulator.faults.add(Fault(kind, where="/v3/refund", **options))  # type: ignore[arg-type]

    def enqueue(self, jobs: Sequence[Named], told: Sequence[int] = ()) -> None:
        self.jobs += jobs

    @property
    def paid_back(self) -> list[tuple[str, int, str]]:
        """At the platform: (number, fen, state)."""
        return [(one.out_refund_no, one.amount, one.state) for one in self.merchant.simulator.pay.refunds.all()]

    @property
    def on_accounts(self) -> dict[str, int]:
        with Database(self.stage.database) as db:
            accounts = db.scalars(select(LedgerAccount).where(LedgerAccount.balance_fen != 0))
            return {account.kind: account.balance_fen for account in accounts}


@pytest.fixture
def till(database_url: str) -> Iterator[Till]:
    stage = Stage(database_url)
    with trading() as merchant, serving(create_simulator(merchant.simulator.options, merchant.simulator)) as url:
        till = Till(stage, merchant, url)
        yield till
        till.client.close()
    stage.close()


def holder(till: Till) -> Staff:
    number = till.stage.appoint("oHolder", "fund_holder", "431124000000")
    with Database(till.stage.database, expire_on_commit=False) as db:
        return db.get_one(Staff, number)


def once_more(till: Till, staff: Staff, refund: Refund) -> None:
    with Database(till.stage.database) as db, db.begin():
        resubmit(db, staff, refund.id, till.stage.clock())


def tasks(till: Till) -> int:
    with Database(till.stage.database) as db:
        return len(db.scalars(select(Task).where(Task.subject == "refund", Task.closed_at.is_(None))).all())


def test_accepted_is_not_done_and_the_query_says_when_it_is(till: Till) -> None:
    pledge = till.gift(till.stage.open_appeal())
    refund = want_back(till.stage, pledge)
    till.ask(refund)
    assert till.paid_back == [(refund.number, 10_000, "PROCESSING")]
    assert (refund_of(till.stage, pledge).state, state_of(till.stage, Pledge, pledge)) == ("asked", "refund_pending")
    till.later()
    till.ask(refund)
    assert (refund_of(till.stage, pledge).state, state_of(till.stage, Pledge, pledge)) == ("paid", "refunded")
    till.later()
    till.ask(refund)  # a job that comes twice
    assert till.paid_back == [(refund.number, 10_000, "SUCCESS")]
    assert till.on_accounts == {}
    assert wrong_books(till.stage) == []


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.DOWN])
def test_a_lost_answer_is_asked_after_under_the_same_number(till: Till, kind: Kind) -> None:
    pledge = till.gift(till.stage.open_appeal())
    refund = want_back(till.stage, pledge)
    till.fault(kind)
    till.ask(refund)
    till.ask(refund)  # not within a minute
    till.merchant.simulator.faults.lift()
    assert len(till.paid_back) == (1 if kind is Kind.LOST else 0)
    till.later()
    till.ask(refund)
    assert [number for number, _, _ in till.paid_back] == [refund.number]
    till.later(200)
    till.ask(refund)
    assert till.paid_back == [(refund.number, 10_000, "SUCCESS")]
    assert (refund_of(till.stage, pledge).state, tasks(till)) == ("paid", 0)
    assert wrong_books(till.stage) == []


def test_what_a_person_must_see_to_is_asked_again_under_the_same_number(till: Till) -> None:
    staff = holder(till)
    pledge = till.gift(till.stage.open_appeal())
    refund = want_back(till.stage, pledge)
    order = till.merchant.simulator.pay.orders.by_number(till.client.query(_trade_no(till, refund)).out_trade_no)
    order.paid_at -= 366 * 86400  # the platform's own reckoning
    till.ask(refund)
    found = refund_of(till.stage, pledge)
    assert (found.state, found.due_at, tasks(till), till.paid_back) == ("refused", None, 1, [])
    order.paid_at += 366 * 86400
    till.later()
    once_more(till, staff, refund)
    till.later()
    till.ask(refund)
    till.later()
    till.ask(refund)
    assert till.paid_back == [(refund.number, 10_000, "SUCCESS")]
    assert (refund_of(till.stage, pledge).state, tasks(till)) == ("paid", 0)
    assert wrong_books(till.stage) == []


@pytest.mark.parametrize(("outcome", "suffix"), [(Outcome.ABNORMAL, ""), (Outcome.CLOSED, "@2")])
def test_how_it_ends_badly_and_goes_on(till: Till, outcome: Outcome, suffix: str) -> None:
    staff = holder(till)
    pledge = till.gift(till.stage.open_appeal())
    refund = want_back(till.stage, pledge)
    till.merchant.simulator.pay.refunds.end_with(outcome)
    till.ask(refund)
    till.later()
    till.ask(refund)
    assert (refund_of(till.stage, pledge).state, tasks(till)) == (outcome.lower(), 1)
    once_more(till, staff, refund)
    till.later()
    till.ask(refund)
    assert till.paid_back[-1][0] == refund.out_refund_no + suffix
    till.later()
    till.ask(refund)
    # A card that takes no money takes none the second time, until somebody sees to it there.
    assert refund_of(till.stage, pledge).state == ("abnormal" if outcome is Outcome.ABNORMAL else "paid")
    assert wrong_books(till.stage) == []


def test_a_gift_for_what_failed_goes_where_its_donor_chose(till: Till) -> None:
    appeal = till.stage.open_appeal()
    one = till.gift(appeal, fallback="similar")
    two = till.gift(appeal, 5_000, "oOther")
    with_room = _open_later(till)
    fail_and_plan(till.stage, appeal)
    till.merchant.simulator.timeline.move(61 * 86400)
    till.later()
    for pledge in (one, two):
        till.ask(refund_of(till.stage, pledge))
    first = refund_of(till.stage, one)
    assert (first.state, state_of(till.stage, Pledge, one)) == ("redirected", "redirected")
    with Database(till.stage.database) as db:
        gift = db.get_one(Pledge, first.redirected_to)
        assert (gift.appeal_id, gift.amount_fen, gift.state) == (with_room, 10_000, "committed")
        assert gift.donor_id == db.get_one(Pledge, one).donor_id
    assert [fen for _, fen, _ in till.paid_back] == [5_000]
    assert wrong_books(till.stage) == []
    # And its donor may still ask for it, of the order that it came by.
    refund = want_back(till.stage, gift.id)
    till.ask(refund)
    till.later()
    till.ask(refund)
    assert (refund_of(till.stage, gift.id).state, state_of(till.stage, Pledge, gift.id)) == ("paid", "refunded")
    assert wrong_books(till.stage) == []


def test_where_nothing_is_similar_it_goes_back(till: Till) -> None:
    appeal = till.stage.open_appeal()
    pledge = till.gift(appeal, fallback="similar")
    fail_and_plan(till.stage, appeal)
    till.merchant.simulator.timeline.move(61 * 86400)
    till.ask(refund_of(till.stage, pledge))
    assert (refund_of(till.stage, pledge).state, len(till.paid_back)) == ("asked", 1)


def test_the_sweep_finds_what_was_lost_and_hands_it_over_once(till: Till) -> None:
    pledge = till.gift(till.stage.open_appeal())
    refund = want_back(till.stage, pledge)
    assert sweep_refunds(till.stage.database, till, till.stage.clock()) == 0  # its own job is on its way
    till.later(121)
    assert sweep_refunds(till.stage.database, till, till.stage.clock()) == 1
    assert sweep_refunds(till.stage.database, till, till.stage.clock()) == 0
    assert till.jobs == [("ask_refunds", [refund.id])]


def test_a_callback_is_taken_as_an_answer_is(till: Till) -> None:
    pledge = till.gift(till.stage.open_appeal())
    refund = want_back(till.stage, pledge)
    till.ask(refund)
    till.later()
    answer = till.client.query_refund(refund.number)
    taken = [apply_result(till.stage.database, answer, till.stage.clock()) for _ in range(2)]
    assert taken == [RefundOutcome.DONE, RefundOutcome.KNOWN]
    assert till.on_accounts == {}


def _trade_no(till: Till, refund: Refund) -> str:
    with Database(till.stage.database) as db:
        return db.get_one(PayOrder, refund.pay_order_id).out_trade_no


def _open_later(till: Till) -> int:
    """One whose last day comes after the first one's."""
    till.stage.clock.move(timedelta(days=1))
    number = till.stage.open_appeal()
    till.stage.clock.move(-timedelta(days=1))
    return number
