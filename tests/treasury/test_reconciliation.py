"""Days of the pay channel against our books, through the simulator: what agrees, what differs, and what comes right."""

import io
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session as Database

from bot.payments.orders import PaymentIntake
from bot.simulator.faults import Fault, Kind
from bot.treasury.gift_bills import enqueue_gift_bill
from bot.work.queues import JobQueues
from models.core.audit_trail import AuditEvent
from models.giving.pledge import Pledge
from models.ledger.tables import LedgerTransaction
from models.payments.collection import PaymentOutcome
from models.payments.order import PayOrder
from models.payments.refund import Refund
from models.treasury.bill import BillDay, BillLine, number_of
from tests.harness.money.checking_books import unguarded
from tests.harness.money.merchant import MCHID
from tests.harness.stage import Stage
from tests.scenes.money.bills import TODAY, TOMORROW_MORNING, Counter, counter, day_row, discrepancies, told

NUMBER = number_of(TODAY)
DAY = timedelta(days=1)


@pytest.fixture
def till(stage: Stage) -> Iterator[Counter]:
    with counter(stage) as till:
        yield till


@pytest.fixture
def jobs(redis_flushed: str) -> Iterator[JobQueues]:
    jobs = JobQueues(redis_flushed)
    yield jobs
    jobs.redis.close()


def ledger(stage: Stage) -> int:
    with Database(stage.database) as db:
        return len(db.scalars(select(LedgerTransaction.id)).all())


def test_a_day_of_gifts_and_refunds_agrees_to_the_fen(stage: Stage, till: Counter, jobs: JobQueues) -> None:
    appeal = stage.open_appeal()
    for fen in (10_050, 100, 2_345):
        till.give(appeal, fen)
    back = till.give_back(till.give(appeal, 7_000))
    till.sell(appeal, 300, paid=False)
    till.move(timedelta(minutes=5))
    till.hear_back(back)
    assert enqueue_gift_bill(stage.database, MCHID, jobs, stage.clock()) is None  # today has no bill yet
    till.move(TOMORROW_MORNING - timedelta(minutes=11))
    assert enqueue_gift_bill(stage.database, MCHID, jobs, stage.clock()) is None  # not before ten
    till.move(timedelta(minutes=6))
    assert enqueue_gift_bill(stage.database, MCHID, jobs, stage.clock()) == TODAY
    enqueue_gift_bill(stage.database, MCHID, jobs, stage.clock())
    assert [(job.func_name, job.args) for job in jobs.queues["slow"].jobs] == [("fetch_bill", [NUMBER])]
    before = ledger(stage)
    assert till.reconciler.fetch_bill(NUMBER)
    row = day_row(stage)
    assert (row.state, row.lines, row.paid_fen, row.refunded_fen, row.due_at) == ("compared", 5, 19_495, 7_000, None)
    assert (row.ledger_paid_fen, row.ledger_refunded_fen) == (19_495, 7_000)
    assert row.fees_fen == 60 + 1 + 14 + 42 - 42
    assert discrepancies(stage) == []
    assert ledger(stage) == before
    assert enqueue_gift_bill(stage.database, MCHID, jobs, stage.clock()) is None


def test_a_lost_callback_is_asked_about_and_found(stage: Stage, till: Counter) -> None:
    appeal = stage.open_appeal()
    order = till.sell(appeal, 5_000)
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(NUMBER)
    assert told(stage) == []
    with Database(stage.database) as db:
        assert db.get_one(PayOrder, order.id).state == "paid"
        assert db.get_one(Pledge, order.pledge_id).state == "committed"
    assert day_row(stage).ledger_paid_fen == 5_000


def test_a_refund_whose_answer_was_lost_is_asked_about_and_found(stage: Stage, till: Counter) -> None:
    refund = till.give_back(till.give(stage.open_appeal(), 5_000))
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(NUMBER)
    assert told(stage) == []
    with Database(stage.database) as db:
        assert db.get_one(Refund, refund.id).state == "paid"


def test_what_cannot_be_asked_about_is_a_discrepancy_until_it_can(stage: Stage, till: Counter) -> None:
    order = till.sell(stage.open_appeal(), 5_000)
    till.move(TOMORROW_MORNING)
    till.merchant.simulator.faults.add(Fault(Kind.REFUSE, where="/v3/pay/transactions/out-trade-no", code=500))
    assert till.reconciler.fetch_bill(NUMBER)
    [found] = discrepancies(stage)
    assert (found.kind, found.ours_state, found.theirs_fen, found.state) == ("missing_here", "prepaid", 5_000, "open")
    till.merchant.simulator.faults.lift()
    till.move(DAY)
    assert till.reconciler.fetch_bill(NUMBER)
    assert told(stage) == [("missing_here", order.out_trade_no, "closed")]
    assert (day_row(stage).due_at, discrepancies(stage)[0].reason) == (None, "came_right")
    with Database(stage.database) as db:
        moves = select(AuditEvent.action).where(AuditEvent.subject == "discrepancy").order_by(AuditEvent.id)
        assert list(db.scalars(moves)) == ["opened", "moved"]


def test_an_amount_that_was_changed_behind_our_back(stage: Stage, till: Counter) -> None:
    order = till.give(stage.open_appeal(), 5_000)
    with unguarded(stage) as connection:
        connection.execute(update(PayOrder).values(amount_fen=5_001))
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(NUMBER)
    found = {one.kind: (one.out_trade_no, one.ours_fen, one.theirs_fen) for one in discrepancies(stage)}
    # The ledger stands with the channel, so it is found there, too.
    assert found == {
        "amount": (order.out_trade_no, 5_001, 5_000),
        "ledger": (order.out_trade_no, 5_000, 5_000),
    }


def test_a_payment_that_the_ledger_has_lost(stage: Stage, till: Counter) -> None:
    till.give(stage.open_appeal(), 5_000)
    with unguarded(stage) as connection:
        connection.execute(text("UPDATE ledger_transactions SET cause = 'order:999'"))
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(NUMBER)
    assert [(one.kind, one.ours_fen, one.theirs_fen) for one in discrepancies(stage)] == [("ledger", 0, 5_000)]


def test_a_payment_of_no_order_of_ours_is_nothing_that_we_ask_about(stage: Stage, till: Counter) -> None:
    till.give(stage.open_appeal(), 5_000)
    stranger = till.merchant.paid(800)
    before = ledger(stage)
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(NUMBER)
    assert told(stage) == [("missing_here", stranger.out_trade_no, "open")]
    assert discrepancies(stage)[0].ours_state is None
    assert ledger(stage) == before


def test_money_that_waits_as_a_case_for_a_person_is_known_here(stage: Stage, till: Counter) -> None:
    till.give(stage.open_appeal(), 5_000)
    stranger = till.merchant.paid(800)
    taken = PaymentIntake(stage.database, till.handed).apply(till.pay.query(stranger.out_trade_no), stage.clock())
    assert taken.outcome is PaymentOutcome.SUSPENSE
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(NUMBER)
    assert told(stage) == []
    assert day_row(stage).ledger_paid_fen == 5_800


def test_a_day_without_a_bill_is_compared_too(stage: Stage, till: Counter) -> None:
    """By the books something was paid; the channel never heard of it."""
    order = till.sell(stage.open_appeal(), 5_000, paid=False)
    with Database(stage.database) as db, db.begin():
        paid = {"state": "paid", "transaction_id": "4200000001", "paid_at": stage.clock()}
        db.execute(update(PayOrder).where(PayOrder.id == order.id).values(**paid))
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(NUMBER)
    assert day_row(stage).lines == 0
    assert told(stage) == [("missing_there", order.out_trade_no, "open"), ("ledger", order.out_trade_no, "open")]


def test_what_is_paid_on_two_sides_of_midnight_is_no_discrepancy(stage: Stage, till: Counter) -> None:
    """BookRecord a few seconds before it, theirs after; and the other way round."""
    appeal = stage.open_appeal()
    midnight = datetime.fromisoformat("2026-11-26T00:00:00+08:00")
    till.move(midnight - stage.clock() - timedelta(seconds=3))
    early = till.give(appeal, 1_000)
    till.move(timedelta(seconds=6))
    late = till.give(appeal, 2_000)
    with unguarded(stage) as connection:
        for order, paid_at in ((early, midnight + timedelta(seconds=2)), (late, midnight - timedelta(seconds=2))):
            connection.execute(update(PayOrder).where(PayOrder.id == order.id).values(paid_at=paid_at))
    for day in (TODAY, TODAY + DAY):
        till.move(DAY)
        till.move(timedelta(hours=10, minutes=5)) if day == TODAY else None
        assert till.reconciler.fetch_bill(number_of(day))
        assert (day_row(stage, day).lines, told(stage)) == (1, [])


def test_what_is_missing_just_before_midnight_is_found_with_the_next_bill(stage: Stage, till: Counter) -> None:
    midnight = datetime.fromisoformat("2026-11-26T00:00:00+08:00")
    order = till.sell(stage.open_appeal(), 5_000, paid=False)
    with Database(stage.database) as db, db.begin():
        paid = {"state": "paid", "transaction_id": "4200000001", "paid_at": midnight - timedelta(minutes=1)}
        db.execute(update(PayOrder).where(PayOrder.id == order.id).values(**paid))
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(NUMBER)
    assert told(stage) == []
    till.move(DAY)
    assert till.reconciler.fetch_bill(number_of(TODAY + DAY))
    assert [(one.kind, one.day) for one in discrepancies(stage)] == [("missing_there", TODAY), ("ledger", TODAY)]
    till.move(DAY)
    assert till.reconciler.fetch_bill(NUMBER)
    assert {one.state for one in discrepancies(stage)} == {"open"}


def test_a_bill_that_cannot_be_had_is_asked_for_again_and_days_that_were_missed_follow(
    stage: Stage, till: Counter, jobs: JobQueues
) -> None:
    till.give(stage.open_appeal(), 5_000)
    till.move(TOMORROW_MORNING + 3 * DAY)
    till.merchant.simulator.faults.add(Fault(Kind.DOWN, where="/v3/bill"))
    assert enqueue_gift_bill(stage.database, MCHID, jobs, stage.clock()) == TODAY
    assert not till.reconciler.fetch_bill(NUMBER)
    row = day_row(stage)
    assert (row.state, row.trouble, row.tries) == ("wanted", "Unreachable", 1)
    till.merchant.simulator.faults.lift()
    seen = []
    till.move(timedelta(minutes=10))
    while day := enqueue_gift_bill(stage.database, MCHID, jobs, stage.clock()):
        seen.append(day)
        jobs.redis.flushdb()  # the job is done
        assert till.reconciler.fetch_bill(number_of(day))
    assert seen == [TODAY + n * DAY for n in range(4)]
    assert [day_row(stage, day).lines for day in seen] == [1, 0, 0, 0]
    assert told(stage) == []


def test_a_bill_that_is_damaged_is_kept_by_no_line_of_it(stage: Stage, till: Counter) -> None:
    till.give(stage.open_appeal(), 5_000)
    till.move(TOMORROW_MORNING)
    bills = till.merchant.simulator.pay.bills
    bills.apply(TODAY.isoformat())
    right = bills._written[TODAY, "ALL", ""]
    bills._written[TODAY, "ALL", ""] = right.replace(b"`50.00", b"`50.01", 1)
    assert not till.reconciler.fetch_bill(NUMBER)
    assert (day_row(stage).state, day_row(stage).trouble) == ("wanted", "BadBill:4:totals")
    with Database(stage.database) as db:
        assert db.scalars(select(BillLine)).all() == []
    bills._written[TODAY, "ALL", ""] = right
    till.move(timedelta(hours=1))
    assert till.reconciler.fetch_bill(NUMBER)
    assert (day_row(stage).state, told(stage)) == ("compared", [])


def test_a_worker_that_was_killed_while_keeping_begins_anew(stage: Stage, till: Counter) -> None:
    till.give(stage.open_appeal(), 5_000)
    till.move(TOMORROW_MORNING)
    to = io.BytesIO()
    assert till.pay.bill(TODAY, to)
    with Database(stage.database) as db, db.begin():
        db.add(BillDay(merchant=MCHID, day=TODAY, state="wanted", due_at=stage.clock()))
        db.flush()
        line = {"subject": "payment", "number": "X", "base_number": "X", "out_trade_no": "X", "state": "SUCCESS"}
        db.add(BillLine(merchant=MCHID, day=TODAY, line=9, fen=1, fee_fen=0, at=stage.clock(), **line))
    assert till.reconciler.fetch_bill(NUMBER)
    assert (day_row(stage).lines, told(stage)) == (1, [])
