"""``make bench ARGS=storm``: ten times the deliveries that the machine takes, for a minute, then on to a million.

One worker under granian has a core; the flood, PostgreSQL and Valkey have the other. Meanwhile paid gifts are called
back and /readyz is asked, as by WeChat Pay and a proxy. It ends with an error if a message that was answered was not
kept, or a callback was not taken; what came in time it tells.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import psutil
import requests
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from bot.pay.demo_keys import settings_in
from bot.processes.postgres import EmbeddedPostgres
from bot.processes.supervisor import free_port
from bot.processes.valkey import EmbeddedValkey
from bot.processes.web import command_line
from bot.simulator.pay.keys import Keys, keys_in
from config.settings import SAMPLE_APP_ID
from models.core.database import connect
from models.migrations import upgrade
from models.payments.order import PayOrder
from models.people.conversation import Turn
from tests.bench import flood, load
from tests.bench.page import _await
from tests.bench.pay import notice
from tests.bench.push import running
from tests.harness.money.merchant import MCHID, key_folder
from tests.harness.money.paid_stage import Collecting
from tests.harness.stage import seed_regions
from tests.scenes.money.charities import seed_charities
from tests.scenes.money.gifts import ordered, promise

TIMES = 10
CALIBRATING = 16  # connections
CONNECTIONS = 2_500
SERVER_CORE, LOAD_CORE = 0, 1
# WeChat and WeChat Pay hang up after this.
IN_TIME = 5.0
FILES = 16_384


@dataclass
class Beside:
    """What was asked beside the flood: seconds of each callback and of each readyz, and how many were not well."""

    paid: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    unpaid: int = 0
    unready: int = 0
    megabytes: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    port: int
    pid: int
    database: Engine
    keys: Keys
    orders: list[PayOrder]

    def pay(self, order: PayOrder, beside: Beside) -> None:
        """Call back for one paid order, as WeChat Pay does."""
        amount = {"total": order.amount_fen, "payer_total": order.amount_fen}
        amount_in = amount | {"currency": "CNY", "payer_currency": "CNY"}
        paid_at = datetime.now(UTC).replace(microsecond=0).isoformat()
        headers, body = notice(
            self.keys,
            time.time(),
            appid=SAMPLE_APP_ID,
            out_trade_no=order.out_trade_no,
            transaction_id=f"42000{order.id:09d}",
            success_time=paid_at,
            amount=amount_in,
        )
        begin = time.perf_counter()
        answer = requests.post(f"http://127.0.0.1:{self.port}/pay/notify", data=body, headers=headers, timeout=60)
        beside.paid.append(time.perf_counter() - begin)
        beside.unpaid += answer.status_code != 204

    def look(self, beside: Beside) -> None:
        begin = time.perf_counter()
        answer = requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=30)
        beside.ready.append(time.perf_counter() - begin)
        beside.unready += answer.status_code != 200
        family = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        beside.megabytes.append(max(each.memory_info().rss for each in family) / 2**20)

    def kept(self) -> int:
        """How many messages have been answered for good."""
        with Session(self.database) as db:
            return db.scalar(select(func.count(Turn.id)).where(Turn.reply.is_not(None))) or 0


@contextmanager
def prepared(gifts: int) -> Iterator[Bench]:
    """A server that takes money, and so many gifts that wait to be paid."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(EmbeddedPostgres(durable=True))
        valkey = stack.enter_context(EmbeddedValkey(folder / "valkey", keep=False))
        upgrade(postgres.url)
        seed_regions(postgres.url)
        seed_charities(postgres.url)
        stage = Collecting(postgres.url, valkey.url)
        appeal = stage.open_appeal()
        orders = [ordered(stage, promise(stage, appeal, 100, f"oDonor-{number}")) for number in range(gifts)]
        stage.close()
        port = free_port()
        environment = settings_in(key_folder()) | {
            "BANGFU_ENV": "demo",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "WECHAT_MODE": "plain",
        }
        pid = stack.enter_context(running(command_line(port)[1:], SERVER_CORE, environment))
        _await(port)
        database = connect(postgres.url)
        stack.callback(database.dispose)
        yield Bench(port, pid, database, keys_in(key_folder(), MCHID), orders)


def watch(bench: Bench, storm: "Future[flood.Heard]", seconds: float) -> Beside:
    """Pay the gifts one after another while the flood goes on, in so many seconds, and look every second."""
    beside, begin, looked = Beside(), time.monotonic(), -1.0
    waiting = list(bench.orders)
    while not storm.done():
        passed = time.monotonic() - begin
        if passed - looked >= 1:
            looked = passed
            bench.look(beside)
        if waiting and passed >= seconds * (1 - len(waiting) / len(bench.orders)):
            bench.pay(waiting.pop(), beside)
        time.sleep(0.02)
    for order in waiting:
        bench.pay(order, beside)
    bench.look(beside)
    return beside


def report(heard: flood.Heard, beside: Beside, rate: float) -> None:
    sent = len(heard.taken) + len(heard.refused) + heard.odd
    print(f"\n{rate:.0f} a second are taken by 16 connections; then {sent / heard.elapsed:.0f} a second came,")
    print(f"{sent:,} in all, {len(heard.taken) / heard.elapsed:.0f} a second of them taken\n")
    print(f"{'':34} {'how many':>10} {'p50 ms':>8} {'p99 ms':>8} {'longest':>8} {'in 5 s':>8}")
    rows = {
        "messages taken": heard.taken,
        "messages refused": heard.refused,
        "payments called back": beside.paid,
        "/readyz": beside.ready,
    }
    for name, found in rows.items():
        ms = sorted(each * 1000 for each in found) or [0.0]
        in_time = sum(each <= IN_TIME for each in found)
        p50, p99 = ms[len(ms) // 2], ms[int(len(ms) * 0.99)]
        print(f"{name:34} {len(found):10,} {p50:8.1f} {p99:8.1f} {ms[-1]:8.1f} {in_time:8,}")
    tenths = [beside.megabytes[len(beside.megabytes) * part // 10] for part in range(10)]
    print(f"\nmemory of the server's process in MB, by tenths of the time: {', '.join(f'{mb:.0f}' for mb in tenths)}")
    print(f"other answers {heard.odd}, none {heard.unanswered}, connections anew {heard.reconnects},")
    print(f"at most {heard.held_back} were due while all connections waited")
    print(f"payments not taken {beside.unpaid}, /readyz not well {beside.unready}")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=storm")
    parser.add_argument("--seconds", type=float, default=60, help="in which gifts are paid; the flood lasts as long")
    parser.add_argument("--messages", type=int, default=1_000_000, help="the flood goes on until it has so many")
    parser.add_argument("--longest", type=float, default=600, help="seconds, whatever has come by then")
    parser.add_argument("--gifts", type=int, default=120)
    parser.add_argument("--people", type=int, default=2_000)
    given = parser.parse_args(arguments)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    os.sched_setaffinity(0, {LOAD_CORE})
    with prepared(given.gifts) as bench, ProcessPoolExecutor(1, get_context("spawn")) as pool:
        first = time.time_ns()
        calm = [flood.deliveries(given.people, "菜单", first + 10**6 * n) for n in range(CALIBRATING)]
        load.run(bench.port, calm, 2.0)
        rate = load.run(bench.port, calm, min(given.seconds, 8.0)).rate
        before = bench.kept()
        asked = (bench.port, rate * TIMES, given.longest, given.messages, CONNECTIONS, given.people, first + 10**9)
        storm = pool.submit(flood.run, *asked)
        beside = watch(bench, storm, given.seconds)
        heard = storm.result()
        kept = bench.kept() - before
    report(heard, beside, rate)
    print(f"answered {len(heard.taken):,}, kept {kept:,}")
    if kept != len(heard.taken) or beside.unpaid or beside.unready or heard.unanswered:
        raise SystemExit("what was answered is not what was kept, or the door of money did not stay open")
