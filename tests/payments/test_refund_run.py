"""All of an appeal that ends goes back: a thousand gifts, a worker killed in the middle, and each fen of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session as Database

from bot.payments.refunds import return_gifts
from bot.work.job import Named
from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import freeze, get_appeal
from models.books.money.refunds import check_refunds
from models.core.apportionment import split
from models.core.state_machine import Actor, By
from models.giving.pledge import Pledge
from models.giving.refund_run import RefundRun
from models.ledger import held
from models.payments.order import PayOrder
from models.payments.refund import Refund
from models.payments.refund_run import PAGE, GiftTotal, find_run, live_runs, plan_page, progress_of
from models.staff.member import Staff
from tests.harness.money import gift_postings
from tests.harness.money.merchant import MCHID
from tests.harness.processes.workers import until
from tests.harness.stage import Stage
from tests.scenes.money.gifts import give
from tests.scenes.money.refunds import fail, fail_and_plan, hear, news_of, refund_of, spend, want_back, wrong_books

COUNTY = Actor(By.COUNTY, "staff:0")
MANY = 1_000
# What the server calls the session of the worker that is killed.
DOOMED = "doomed"
# A process of its own, as a worker is: it plans until it is done, or killed.
WORKER = """
import sys
from datetime import datetime
from bot.payments.refunds import return_gifts
from models.core.database import connect
from models.wiring import wire
class Hands:
    def enqueue(self, jobs): print(len(jobs), flush=True)
wire()
return_gifts(connect(sys.argv[1]), Hands(), int(sys.argv[2]), datetime.fromisoformat(sys.argv[3]))
"""


class Hands:
    def __init__(self) -> None:
        self.jobs: list[Named] = []

    def enqueue(self, jobs: Sequence[Named], told: Sequence[int] = ()) -> None:
        self.jobs += jobs


def many_gifts(stage: Stage, appeal: int, count: int = MANY) -> int:
    """Written at once, as if each had come by itself; what they sum to."""
    donor, now = stage.register("oMany", "donor"), stage.clock()
    amounts = [100 + number * 7919 % 9_000 for number in range(count)]
    with Database(stage.database) as db, db.begin():
        common = {"appeal_id": appeal, "donor_id": donor, "anonymous": False, "by_staff": False, "created_at": now}
        pledges = [
            {**common, "draft_id": f"many-{n}", "code": f"MANY{n:06d}", "amount_fen": fen, "state": "committed"}
            for n, fen in enumerate(amounts)
        ]
        db.execute(insert(Pledge), pledges)
        ids = db.scalars(select(Pledge.id).where(Pledge.donor_id == donor).order_by(Pledge.id)).all()
        orders = [
            {
                **{"pledge_id": number, "out_trade_no": f"MANYORDER{number}", "amount_fen": fen, "state": "paid"},
                **{"created_at": now, "expires_at": now, "transaction_id": f"many{number}", "paid_at": now},
                **{"merchant": MCHID, "check_at": now},
            }
            for number, fen in zip(ids, amounts, strict=True)
        ]
        db.execute(insert(PayOrder), orders)
        gift_postings.payment_received(db, appeal, sum(amounts), "test:many", now)
    return sum(amounts)


def cancel(stage: Stage, appeal: int) -> int:
    """By the county, after it was stopped; the number of its run."""
    with Database(stage.database) as db, db.begin():
        found = get_appeal(db, appeal, lock=True)
        freeze(db, found, COUNTY, stage.clock(), "other")
        APPEALS.move(db, found, "cancelled", COUNTY, stage.clock())
        return db.scalars(select(RefundRun.id).where(RefundRun.appeal_id == appeal)).one()


def owed(stage: Stage) -> int:
    with Database(stage.database) as db:
        return db.scalar(select(func.count(Refund.id))) or 0


def is_gone(stage: Stage) -> bool:
    """Whether the server has ended the session of the killed worker; until then it holds the run, or still commits."""
    session = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
    with stage.database.connect() as connection:
        return not connection.scalar(session, {"name": DOOMED})


@contextmanager
def worker(stage: Stage, url: str, run: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", WORKER, url, str(run), stage.clock().isoformat()]
    named = {**os.environ, "PGAPPNAME": DOOMED}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=named)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_killed_worker_leaves_nothing_out_and_gives_nothing_twice(stage: Stage, database_url: str) -> None:
    appeal = stage.open_appeal(target_fen=50_000_000)
    total = many_gifts(stage, appeal)
    spend(stage, appeal, 1_234_567)
    run = cancel(stage, appeal)
    with worker(stage, database_url, run) as process:
        assert process.stdout
        for _ in range(3):
            assert process.stdout.readline()  # three pages are done
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: is_gone(stage))
    before = owed(stage)
    assert PAGE * 3 <= before < MANY
    hands = Hands()
    return_gifts(stage.database, hands, run, stage.clock())
    with Database(stage.database) as db:
        found = db.execute(select(func.count(Refund.pledge_id.distinct()), func.sum(Refund.amount_fen))).one()
        assert tuple(found) == (MANY, total - 1_234_567)
        assert held(db, [appeal])[appeal] == 0
        assert live_runs(db) == []
    assert sum(len(numbers) for _, numbers in hands.jobs if isinstance(numbers, list)) == MANY - before
    with stage.database.connect() as connection:
        assert list(check_refunds(connection, stage.clock())) == []
    assert return_gifts(stage.database, hands, run, stage.clock()) == 0


def test_the_run_is_found_and_shown_as_far_as_it_is(stage: Stage) -> None:
    appeal = stage.open_appeal()
    pledges = [give(stage, appeal, fen, f"oDonor{fen}") for fen in (1_000, 2_000, 3_000)]
    own = want_back(stage, pledges[0])  # asked for before all of it went back
    fail(stage, appeal)
    number = stage.appoint("oCounty", "county", "431124000000")
    with Database(stage.database) as db:
        staff = db.get_one(Staff, number)
        before = progress_of(db, find_run(db, staff, appeal))
        assert (before.planning, before.all) == (True, GiftTotal())
    fail_and_plan(stage, appeal)
    hear(stage, news_of(stage, own))
    hear(stage, news_of(stage, refund_of(stage, pledges[1])))
    hear(stage, news_of(stage, refund_of(stage, pledges[2]), "ABNORMAL"))
    with Database(stage.database) as db:
        shown = progress_of(db, find_run(db, staff, appeal))
    assert (shown.all, shown.back, shown.stuck, shown.going) == (
        GiftTotal(2, 5_000),
        GiftTotal(1, 2_000),
        GiftTotal(1, 3_000),
        GiftTotal(),
    )
    assert wrong_books(stage) == []


def test_an_appeal_that_nobody_gave_to_has_no_run(stage: Stage) -> None:
    appeal = stage.open_appeal()
    fail(stage, appeal)
    with Database(stage.database) as db:
        assert live_runs(db) == []


def test_of_two_workers_one_takes_the_page(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    appeal = stage.open_appeal()
    give(stage, appeal, 1_000)
    run = cancel(stage, appeal)
    with Database(stage.database) as db, db.begin(), Database(stage.database) as other, other.begin():
        assert plan_page(db, run, stage.clock())
        assert plan_page(other, run, stage.clock()) is None
    stage.close()


@given(st.lists(st.integers(100, 10**7), min_size=1, max_size=60), st.lists(st.integers(0, 10**8), max_size=4))
@settings(deadline=None)
def test_what_is_left_of_all_gifts_is_what_is_held(amounts: list[int], uses: list[int]) -> None:
    """By largest remainder, however much was paid out in how many parts: to the fen, and never less than nothing."""
    lefts = dict(enumerate(amounts))
    for use in uses:
        fen = min(use, sum(lefts.values()))
        before = sum(lefts.values())
        shares = split(fen, lefts)
        lefts = {number: left - shares.get(number, 0) for number, left in lefts.items()}
        assert sum(lefts.values()) == before - fen
        assert min(lefts.values()) >= 0
