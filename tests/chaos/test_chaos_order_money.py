"""kill -9 at each step of an order's money: what is looked at next goes on from there, and the books close."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from bot.market.bills import fetch_order_bills
from bot.market.payments import OrderPaymentDesk, OrderPaymentIntake
from bot.market.transfers import send_transfers, sweep_transfers
from models.books import violations
from models.core.calendar import CHINA
from models.ledger.tables import LedgerTransaction
from models.market.money.payment import OrderPayment
from models.market.money.transfer import OrderTransfer
from models.notifications.notification import Notification
from models.staff.task import Task
from models.treasury.bill import Bill, BillDay, BillLine, number_of
from models.treasury.discrepancy import Discrepancy
from tests.harness.money.merchant import MCHID, PIN
from tests.harness.money.paid_stage import DONOR, Collecting, collecting
from tests.harness.money.partner import SUB_MERCHANTS
from tests.harness.money.unowned import BY_NOBODY
from tests.harness.processes.killed import killed
from tests.scenes.money.stall import COOP, TOTAL, Stall

pytestmark = pytest.mark.chaos
AGO = timedelta(days=2)

PLACING = [
    "bot.market.payments:begin_payment:after",
    "bot.pay.client:PayClient.order:after",
    "bot.payments.platform_orders:keep_prepaid:after",
    "bot.pay.client:PayClient.pay_sign:before",
]
TAKING = [
    "bot.payments.platform_orders:begin_query:after",
    "bot.pay.client:PayClient.query:after",
    "models.market.money.paying:post:before",
    "models.market.money.paying:post:after",
    "bot.market.payments:apply_paid:after",
    "bot.work.queues:JobQueues.enqueue:before",
]
# Of a refund and of a release: the first asking, and the word that it is done.
ASKING = ["bot.market.transfers:begin_submission:after", "bot.market.transfers:_asked:after"]
ENDING = [
    "bot.market.transfers:_asked:after",
    "models.market.money.sending:notify_user:after",
    "bot.market.transfers:apply_word:after",
    "bot.work.queues:JobQueues.enqueue:before",
]
COMPARING = [
    "bot.market.bills:due_accounts:after",
    "bot.pay.client:PayClient.bill:after",
    "bot.treasury.reconciliation:add_lines:after",
    "bot.treasury.reconciliation:mark_kept:after",
    "bot.market.payments:apply_paid:after",
    "models.treasury.reconciliation:_keep:after",
    "models.treasury.reconciliation:sync_discrepancy_tasks:after",
]


class Selling:
    """The stall, with a bot, a worker and a simulator that know each other."""

    def __init__(self, stage: Collecting) -> None:
        self.stage = stage
        self.stall = Stall(stage, buyer_openid=DONOR)
        self.stall.take_payment()
        self.pay = stage.simulator.pay
        self.context = stage.worker_context()

    def desk(self) -> OrderPaymentDesk:
        assert self.context.partner is not None
        intake = OrderPaymentIntake(self.context.database, self.context.jobs)
        return OrderPaymentDesk(intake, self.context.partner, self.stage.clock)

    def tap(self, order: int) -> None:
        """The buyer opens the sheet and pays; no callback has come yet."""
        self.pay.notices.lag = 1e9
        sheet = self.desk().place(order, DONOR)
        assert self.pay.pay(DONOR, sheet["package"].removeprefix("prepay_id="), PIN).err_msg.endswith(":ok")

    def paid(self) -> int:
        order = self.stall.order()
        self.tap(order)
        self.look(order)
        assert self.stall.state(order) == "paid"
        return order

    def look(self, order: int) -> None:
        """What the sweep would have asked about by now."""
        for payment in self.payments(order):
            self.desk().orders.refresh(payment.id, timedelta(0))

    def payments(self, order: int) -> list[OrderPayment]:
        with self.stall.session() as db:
            return list(db.scalars(select(OrderPayment).where(OrderPayment.order_id == order)))

    def owing(self, kind: str) -> int:
        """An order whose money goes back, or is the seller's by now."""
        order = self.paid()
        if kind == "refund":
            self.stall.act("decline", order)
            return order
        self.stall.act("hand_over", order)
        for by in (timedelta(days=8), -timedelta(days=8)):
            self.stage.clock.move(by)
            self.stall.end_overdue()
        return order

    def minutes_later(self) -> None:
        """The platform has done what it was asked for, and two askings are far enough apart."""
        self.stage.simulator.timeline.move(120)
        with self.stall.session() as db:
            db.execute(update(OrderTransfer).values(asked_at=self.stage.clock() - timedelta(minutes=10)))

    def sweep(self) -> None:
        """What the next worker finds once the lease of the dead one is over."""
        assert self.context.partner is not None
        self.stage.clock.move(timedelta(days=8))
        for _ in range(2):
            self.minutes_later()
            self.stage.clock.move(timedelta(hours=1))
            sweep_transfers(self.context.database, self.context.jobs, self.stage.clock())
            with self.stall.session() as db:
                going = db.scalars(select(OrderTransfer.id).where(OrderTransfer.state.in_(("owed", "asked")))).all()
            send_transfers(self.context.database, self.context.partner, self.context.jobs, going, self.stage.clock)

    def compare(self, number: int) -> None:
        assert self.context.partner is not None
        partner, jobs = self.context.partner, self.context.jobs
        fetch_order_bills(self.context.database, partner, jobs, number, self.stage.clock)

    def told(self, openid: str, kind: str) -> int:
        return [each for each, _ in self.stall.told(openid)].count(kind)

    def wrong(self) -> list[str]:
        with self.stage.database.connect() as connection:
            found = violations(connection, self.stage.clock())
            return [str(one) for one in found if one.subject not in BY_NOBODY]


@pytest.fixture
def selling(database_url: str, redis_url: str) -> Iterator[Selling]:
    with collecting(database_url, redis_url, partner=MCHID, sub_merchants=SUB_MERCHANTS) as stage:
        selling = Selling(stage)
        yield selling
        assert selling.stall.books() == set()
        with selling.stall.session() as db:
            assert db.scalar(select(func.count(LedgerTransaction.id))) == 0


def assert_paid_once(selling: Selling, order: int) -> None:
    assert (selling.stall.state(order), selling.stall.account(order)) == ("paid", (TOTAL, TOTAL, 0, 0))
    assert [each.state for each in selling.payments(order)] == ["paid"]
    assert (selling.told("o-seller", "ordered"), selling.told(DONOR, "order_paid")) == (1, 1)
    assert selling.wrong() == []


@pytest.mark.parametrize("step", PLACING)
def test_killed_while_a_payment_is_placed(selling: Selling, step: str, tmp_path: Path) -> None:
    order = selling.stall.order()
    killed(selling.stage, step, tmp_path, "place_order", str(order), DONOR)
    selling.tap(order)  # the buyer taps again
    selling.look(order)
    assert len(selling.pay.orders.all()) == 1
    assert_paid_once(selling, order)


@pytest.mark.parametrize("step", TAKING)
def test_killed_while_a_payment_is_taken(selling: Selling, step: str, tmp_path: Path) -> None:
    """Then the platform tells of it twice, and it is asked as well."""
    order = selling.stall.order()
    selling.tap(order)
    (payment,) = selling.payments(order)
    killed(selling.stage, step, tmp_path, "job", "query_order_payment", str(payment.id))
    selling.pay.notices.lag = 0
    for _ in range(2):
        selling.pay.notify_paid(selling.pay.orders.by_number(payment.out_trade_no, COOP))
    selling.stage.simulator.timeline.move(1)
    selling.look(order)
    assert_paid_once(selling, order)


@pytest.mark.parametrize("kind", ["refund", "release"])
@pytest.mark.parametrize(("step", "asked"), [(step, False) for step in ASKING] + [(step, True) for step in ENDING])
def test_killed_while_money_leaves(selling: Selling, kind: str, step: str, asked: bool, tmp_path: Path) -> None:
    order = selling.owing(kind)
    (transfer,) = selling.stall.transfers(order)
    act = ("jobs", "send_transfers", str(transfer.id))
    if asked:
        selling.context.run_job("send_transfers", [transfer.id])
        selling.minutes_later()
    killed(selling.stage, step, tmp_path, *act)
    selling.sweep()
    back = kind == "refund"
    assert selling.stall.account(order) == (TOTAL, TOTAL, 0 if back else TOTAL, TOTAL if back else 0)
    assert len(selling.pay.refunds.all()) == int(back)
    assert selling.pay.releases.frozen(selling.pay.orders.all()[0]) == 0
    assert (selling.told(DONOR, "order_refunded"), selling.told("o-seller", "order_released")) == (back, not back)
    assert selling.wrong() == []


@pytest.mark.parametrize("step", COMPARING)
def test_killed_while_a_day_is_compared(selling: Selling, step: str, tmp_path: Path) -> None:
    """The day has a payment whose callback was lost, one that we know, and one that is none of ours."""
    stage, stall = selling.stage, selling.stall
    stage.appoint("o-county", "county", "431124000000", "N-COUNTY")
    stage.clock.move(-AGO)
    lost, known = stall.order(), stall.order()
    stage.clock.move(AGO)
    client = selling.desk().clients.of(COOP)
    selling.pay.notices.lag = 1e9
    stage.clock.move(-AGO)
    numbers = [(stall.asked(order).out_trade_no, TOTAL) for order in (lost, known)]
    stage.clock.move(AGO)
    for number, fen in (*numbers, ("STRANGE000800", 800)):
        prepay_id = client.order(number, fen, DONOR, "脐橙")
        assert selling.pay.pay(DONOR, prepay_id, PIN).err_msg.endswith(":ok")
        selling.pay.orders.by_number(number, COOP).paid_at -= AGO.total_seconds()
    selling.look(known)
    day = datetime.fromtimestamp(selling.pay.orders.by_number(numbers[1][0], COOP).paid_at, CHINA).date()
    with Database(stage.database) as db, db.begin():
        db.add(BillDay(merchant=COOP, day=day, state="wanted", due_at=stage.clock() - AGO))
    killed(stage, step, tmp_path, "job", "fetch_order_bills", str(number_of(day)))
    selling.compare(number_of(day))
    with Database(stage.database) as db:
        row = db.get_one(BillDay, Bill(COOP, day))
        assert (row.state, row.lines, row.paid_fen, row.ledger_paid_fen) == (
            "compared",
            3,
            2 * TOTAL + 800,
            2 * TOTAL,
        )
        assert db.scalar(select(func.count(BillLine.line))) == 3
        assert db.scalars(select(Discrepancy.kind)).all() == ["missing_here"]
        assert db.scalars(select(Task.step).where(Task.closed_at.is_(None))).all() == ["order_discrepancy"]
        assert db.scalar(select(func.count()).where(Notification.template == "task_new")) == 1
    assert [stall.account(order) for order in (lost, known)] == [(TOTAL, TOTAL, 0, 0)] * 2
    assert selling.wrong() == []
