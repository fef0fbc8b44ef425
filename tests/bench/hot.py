"""``make bench ARGS=hot``: gifts that are paid to one appeal, and to a thousand, by one, two and four processes.

PostgreSQL waits for the disk, as in production, and a sealer runs beside. Payments are applied as the pay door applies
them; only the queue that tells of them is left out. The bare cost beside it is one transaction that locks a row and
writes as many others, by psycopg alone. ``--gifts`` fills the one appeal with gifts first: the rate must not fall.
At last all its gifts are owed back, page by page, as the worker does when an appeal fails, and beside that somebody
keeps asking for the appeal's lock, as a turn about it does.
"""

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from multiprocessing import get_context
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.orm import Session

from bot.books.sealing import sealing
from bot.log import configure_logging
from bot.pay.answers import Trade, TradeState
from bot.payments.orders import PaymentIntake
from bot.processes.postgres import EmbeddedPostgres
from bot.web.lanes import MONEY
from models.appeals.appeal import Appeal, get_appeal
from models.books.chains import CHAINS
from models.books.money.accounts import check_accounts
from models.books.money.gifts import check_pledge_sums
from models.books.money.payments import check_payments
from models.core.batch_run import batches
from models.core.database import connect
from models.core.encryption import Keyring, use_keyring
from models.core.hash_chain import waiting
from models.giving.pledge import Pledge
from models.giving.refund_run import RefundRun, begin_refund_run
from models.migrations import upgrade
from models.payments.collection import demand_merchant
from models.payments.order import PayOrder
from models.payments.refund_run import plan_page
from models.people.conversation import Conversation
from models.people.user import User
from models.wiring import wire
from tests.harness.stage import Stage, seed_regions, settings_for
from tests.scenes.money.charities import seed_charities

FEN, DONORS, MANY = 1_000, 2_000, 1_000
PROCESSES = (1, 2, 4)
# Rows that the bare transaction writes beside the one that it locks: about what a payment writes.
BARE_ROWS = 12
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)

_COPY = (
    "INSERT INTO {table} ({columns}) SELECT {values} FROM {table}"
    " CROSS JOIN generate_series(1, :count) AS n WHERE id = :of"
)
_serial = count(1)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=hot")
    parser.add_argument("--payments", type=int, default=2_000, help="for each process and kind of load")
    parser.add_argument("--gifts", type=int, default=300_000, help="that the one appeal has in the last part")
    given = parser.parse_args(arguments)
    with EmbeddedPostgres(durable=True) as server:
        upgrade(server.url)
        seed_regions(server.url)
        seed_charities(server.url)
        stage = Stage(server.url)
        world = World(stage)
        print(f"{'':44} {'payments/s':>10} {'to (b)':>7} {'waits':>6} {'unsealed':>9}")
        with sealing(connect(server.url, pool_size=1)):
            bare = _bare(server.url, given.payments)
            print(f"{'(b) a bare transaction of as many rows':44} {bare:10.0f}")
            for name, appeals in (("one appeal", world.appeals[:1]), (f"{MANY:,} appeals", world.appeals)):
                for processes in PROCESSES:
                    _measure(world, f"{name}, {processes} processes", appeals, given.payments, processes, bare)
            with stage.database.connect() as connection:
                assert [str(each) for each in check_payments(connection, NOW) if each.code == "payment_posting"] == []
            world.fill(world.appeals[0], given.gifts)
            for processes in PROCESSES:
                name = f"one appeal that has {given.gifts:,} gifts, {processes}"
                _measure(world, name, world.appeals[:1], given.payments, processes, bare)
            _refund(world, world.appeals[0])
        with stage.database.connect() as connection:
            assert [str(each) for each in check_pledge_sums(connection, NOW)] == []
            assert [str(each) for each in check_accounts(connection, NOW)] == []
        stage.close()


class World:
    """Appeals that never have enough, their donors, and orders that wait for their payment."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        first = stage.open_appeal(kind="crowdfund", target_fen=10**12)
        donor = stage.register("o-hot", "donor")
        with stage.database.begin() as connection:
            patient(connection)
            _clone(connection, User, donor, DONORS, {"draft_id": "'hot-' || n"})
            _clone(connection, Conversation, stage.person("o-hot"), DONORS, {"openid": "'o-hot-' || n"})
            connection.execute(
                text(
                    "UPDATE conversations AS one SET user_id = other.id FROM users AS other"
                    " WHERE one.openid LIKE 'o-hot-%' AND other.draft_id = 'hot-' || substr(one.openid, 7)"
                )
            )
            _clone(connection, Appeal, first, MANY - 1, {"draft_id": "'hot-' || n", "beside": "n"})
        with Session(stage.database) as db:
            self.appeals = list(db.scalars(select(Appeal.id).order_by(Appeal.id)))
            self.donors = list(db.scalars(select(User.id).where(User.draft_id.like("hot-%"))))
            self.merchant = demand_merchant(db, db.get_one(Appeal, first))

    def orders(self, appeals: Sequence[int], wanted: int, state: str = "awaiting_payment") -> list[str]:
        """Return the numbers of new orders, for the appeals by turns."""
        first = next(_serial)
        prefix = f"H{first:04}"
        with self.stage.database.begin() as connection:
            patient(connection)
            pledges = text(
                "INSERT INTO pledges (draft_id, code, appeal_id, donor_id, amount_fen, anonymous, by_staff, state,"
                " created_at, pay_by, fallback) SELECT :prefix || n, :prefix || lpad(to_hex(n), 5, '0'),"
                " (:appeals)[n % :several + 1], (:donors)[n % :many + 1], :fen, n % 3 = 0, false, :state, :now, :until,"
                " 'refund' FROM generate_series(1, :wanted) AS n"
            )
            values: dict[str, Any] = {"prefix": prefix, "appeals": list(appeals), "several": len(appeals)}
            values |= {"donors": self.donors, "many": len(self.donors), "fen": FEN, "state": state, "now": NOW}
            connection.execute(pledges, {**values, "until": NOW + timedelta(days=3), "wanted": wanted})
            paid = state == "committed"
            orders = text(
                "INSERT INTO pay_orders (pledge_id, merchant, out_trade_no, amount_fen, state, prepay_id, created_at,"
                " expires_at, check_at, transaction_id, paid_at) SELECT id, :merchant, draft_id, amount_fen, :state,"
                " 'wx', :now, :until, :until, CASE WHEN :paid THEN 'T' || draft_id END,"
                " CASE WHEN :paid THEN CAST(:now AS timestamptz) END FROM pledges WHERE draft_id LIKE :prefix || '%'"
                " ORDER BY id RETURNING out_trade_no"
            )
            values = {"merchant": self.merchant, "state": "paid" if paid else "prepaid", "now": NOW, "paid": paid}
            found = connection.scalars(orders, {**values, "until": NOW + timedelta(hours=2), "prefix": prefix})
            return list(found)

    def fill(self, appeal: int, gifts: int) -> None:
        """Give the appeal so many gifts that have come, with their postings, past the triggers that post one by one."""
        began = time.perf_counter()
        self.orders([appeal], gifts, "committed")
        with self.stage.database.begin() as connection:
            patient(connection)
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
                connection.execute(text(statement), {"appeal": appeal, "fen": FEN, "gifts": gifts, "now": NOW})
        with self.stage.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            for upkeep in ("VACUUM ANALYZE", "CHECKPOINT"):  # of what was filled in, not of what is measured
                connection.execute(text(upkeep))
            connection.invalidate()
        print(f"{gifts:,} gifts were filled in, in {time.perf_counter() - began:.0f} s")


def patient(connection: Connection) -> None:
    connection.execute(text("SET LOCAL statement_timeout = 0"))


def _clone(connection: Connection, table: Any, of: int, count_: int, changed: dict[str, str]) -> None:
    """Copy a row so many times, but for its id and what is ``changed`` (SQL with ``n``)."""
    names = [column.name for column in table.__table__.columns if column.name != "id"]
    values = ", ".join(changed.get(name, name) for name in names)
    statement = _COPY.format(table=table.__tablename__, columns=", ".join(names), values=values)
    connection.execute(text(statement), {"count": count_, "of": of})


def _measure(world: World, name: str, appeals: Sequence[int], payments: int, processes: int, bare: float) -> None:
    url = world.stage.settings.database_url
    numbers = world.orders(appeals, payments * processes)
    parts = [numbers[place::processes] for place in range(processes)]
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin, (url,)) as pool, _sampled(world.stage.database) as waits:
        list(pool.map(_warm, range(processes)))
        began = time.perf_counter()
        list(pool.map(_pay, [world.merchant] * processes, parts))
        rate = payments * processes / (time.perf_counter() - began)
    with world.stage.database.connect() as connection:
        unsealed = sum(waiting(connection, chain)[0] for chain in CHAINS)
    print(f"{name:44} {rate:10.0f} {rate / bare:7.2f} {statistics.mean(waits or [0]):6.2f} {unsealed:9,}", flush=True)


def _refund(world: World, number: int) -> None:
    """Let the appeal fail and owe back what it has, as models.payments.refund_run does."""
    database, waits, ending = world.stage.database, list[float](), Event()
    with Session(database) as db, db.begin():
        get_appeal(db, number, lock=True).state = "failed"
        begin_refund_run(db, number, "failed", NOW)
        run = db.scalars(select(RefundRun.id)).one()

    def ask() -> None:
        while not ending.wait(0.02):
            began = time.perf_counter()
            with Session(database) as db, db.begin():
                get_appeal(db, number, lock=True)
            waits.append(time.perf_counter() - began)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        began, gifts, pages = time.perf_counter(), 0, list[float]()
        try:
            for page in batches(database, lambda db, _: plan_page(db, run, NOW)):
                gifts += len(page.ids)
                pages.append(time.perf_counter())
        finally:
            ending.set()
            asking.result()
    seconds = [later - earlier for earlier, later in pairwise(pages)]
    rate = gifts / (pages[-1] - began)
    print(f"{gifts:,} gifts owed back in {len(pages):,} pages: {rate:.0f} a second", flush=True)
    for name, found in (("a page", seconds), ("a turn waits for the appeal", waits)):
        p50, p99 = (1000 * statistics.quantiles(found, n=100)[part] for part in (49, 98))
        print(f"  {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {1000 * max(found):.1f} ms")


_intake: PaymentIntake | None = None


class _Untold:
    """Takes what is told of a payment, and tells nobody."""

    def enqueue(self, jobs: Sequence[Any], told: Sequence[int] = ()) -> None:
        pass


def _begin(url: str) -> None:
    global _intake  # noqa: PLW0603 - one for each process
    configure_logging(json=True, level="ERROR")
    use_keyring(Keyring.parse(settings_for(url).data_keys.get_secret_value()))
    wire()
    _intake = PaymentIntake(connect(url, pool_size=2, collects=True), _Untold())


def _warm(_: int) -> None:
    assert _intake
    with Session(_intake.database) as db:
        db.scalar(select(Pledge.id).join(PayOrder, PayOrder.pledge_id == Pledge.id).limit(1))
    time.sleep(0.5)  # so that each process takes one


def _pay(merchant: str, numbers: Sequence[str]) -> None:
    """Pay these orders, as many at once as the pay door has threads."""
    assert _intake
    intake = _intake

    def pay(number: str) -> None:
        intake.apply(Trade(merchant, number, TradeState.SUCCESS, FEN, f"T{number}", NOW, None, ""), NOW)

    with ThreadPoolExecutor(MONEY.threads) as threads:
        list(threads.map(pay, numbers))


@contextmanager
def _sampled(database: Engine) -> Iterator[list[int]]:
    """How many sessions wait for a lock of another, looked at twenty times a second."""
    found: list[int] = []
    ending = Event()

    def look() -> None:
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not ending.wait(0.05):
                waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
                found.append(connection.scalar(waits) or 0)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(look)
        try:
            yield found
        finally:
            ending.set()
            running.result()


def _bare(url: str, payments: int) -> float:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE TABLE bare_sums (id int PRIMARY KEY, fen bigint)")
        db.execute("INSERT INTO bare_sums VALUES (1, 0)")
        db.execute("CREATE TABLE bare_rows (id bigserial PRIMARY KEY, a bigint, b text, c timestamptz)")
        began = time.perf_counter()
        for _ in range(payments):
            with db.transaction(), db.pipeline():
                db.execute("UPDATE bare_sums SET fen = fen + 1 WHERE id = 1")
                for number in range(BARE_ROWS):
                    db.execute("INSERT INTO bare_rows (a, b, c) VALUES (%s, %s, now())", (number, "x" * 40))
        return payments / (time.perf_counter() - began)
