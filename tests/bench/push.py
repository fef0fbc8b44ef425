"""``make bench ARGS=push``: how fast notices go out, beside what could be had at all, and what a large fan-out takes.

WeChat's API is played by a program of its own that answers after 20 ms. The worker and the
yardsticks have one core each in turn; API, database and Redis have the other.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from redis import Redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from bot.processes.leash import leashed
from bot.processes.postgres import EmbeddedPostgres
from bot.processes.supervisor import end, free_port
from bot.processes.valkey import EmbeddedValkey
from bot.push.deliver import THREADS
from bot.work.context import make_api
from bot.work.queues import BATCH, JobQueues
from config.settings import Environment, Settings
from models.core.database import connect
from models.core.encryption import Keyring, use_keyring
from models.migrations import upgrade
from models.notifications.broadcast import count_states
from models.notifications.notification import Notification
from models.wiring import wire
from tests.bench.crowd import begin_fan_out, make_crowd, owe
from tests.harness.stage import seed_regions
from tests.scenes.money.charities import seed_charities

LATENCY_MS = 20
OURS, THEIRS = 0, 1
CARD = {"thing1": "求助 12 号", "phrase2": "村里在看", "thing3": "您不用做什么", "time4": "2026年11月25日 10:00"}
JOBS = 2_000
# Seconds until the clock's process beside it, on the same core, has begun as well.
SETTLED = 5.0


@dataclass(frozen=True)
class Bench:
    """``environment``: what our programs are set to."""

    database: Engine
    redis: Redis
    jobs: JobQueues
    settings: Settings
    environment: dict[str, str]


@contextmanager
def running(command: list[str], core: int, environment: dict[str, str] | None = None) -> Iterator[int]:
    process = subprocess.Popen(
        leashed([sys.executable, *command]),
        env={**os.environ, **(environment or {})},
        process_group=0,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),  # noqa: PLW1509 - no threads here yet
    )
    try:
        yield process.pid
    finally:
        end(process, 20)


@contextmanager
def prepared() -> Iterator[Bench]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.sched_setaffinity(0, {THEIRS})  # the servers' core; they inherit it
        postgres = stack.enter_context(EmbeddedPostgres(durable=True))
        valkey = stack.enter_context(EmbeddedValkey(folder / "valkey", keep=False))
        port = free_port()
        stack.enter_context(running(["-m", "tests.bench.slow_api", str(port), str(LATENCY_MS)], THEIRS))
        os.sched_setaffinity(0, {OURS})
        environment = {
            "BANGFU_ENV": "demo",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "WECHAT_API_URL": f"http://127.0.0.1:{port}",
            "WECHAT_TEMPLATES": "progress=bench,money=bench,task=bench,goods=bench",
            "PUSH_PER_MINUTE": "10000000",
        }
        settings = Settings(
            bangfu_env=Environment.DEMO,
            database_url=postgres.url,
            redis_url=valkey.url,
            wechat_api_url=environment["WECHAT_API_URL"],
            _env_file=None,
        )
        use_keyring(Keyring.parse(settings.data_keys.get_secret_value()))
        wire()
        upgrade(postgres.url)
        seed_regions(postgres.url)
        seed_charities(postgres.url)
        database, redis = connect(postgres.url), Redis.from_url(valkey.url)
        stack.callback(redis.close)
        stack.callback(database.dispose)
        yield Bench(database, redis, JobQueues(valkey.url), settings, environment)


def plain_posts(bench: Bench, seconds: float) -> float:
    """``requests.post``, one after another, as a script would."""
    url = f"{bench.settings.wechat_api_url}/cgi-bin/message/template/send"
    return _rate(lambda: requests.post(url, json={"data": CARD}, timeout=10), seconds)


def client_alone(bench: Bench, calls: int) -> float:
    """The worker's own client on as many threads as the worker has, with nothing to look up or to keep."""
    api = make_api(bench.settings)

    def send(number: int) -> None:
        api.send_template(f"o-bench-{number}", "bench", CARD, client_msg_id=f"n{number}")

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(send, range(THREADS)))
        begin = time.perf_counter()
        list(pool.map(send, range(calls)))
        return calls / (time.perf_counter() - begin)


def worker(bench: Bench, notices: int, *, alike: bool) -> float:
    """Notices a second of one worker process, from the first that was claimed to the last that was sent.

    ``alike``: as in a fan-out, all are told the same.
    """
    with running(["-m", "flask", "--app", "wsgi", "worker", "--queues", "bulk"], OURS, bench.environment):
        _await(lambda: Worker.count(connection=bench.redis) > 0, 60)
        time.sleep(SETTLED)
        ids = owe(bench.database, notices, alike=alike)
        bench.jobs.deliver(ids, "bulk")
        _await(lambda: _sent(bench, ids) == notices, 120)
    with Session(bench.database) as db:
        ours = Notification.id.between(ids[0], ids[-1])
        moments = db.execute(select(Notification.claimed_at, Notification.sent_at).where(ours)).all()
    first = min(claimed for claimed, _ in moments if claimed)
    last = max(sent for _, sent in moments if sent)
    return notices / (last - first).total_seconds()


def enqueuing(bench: Bench) -> dict[str, float]:
    """Notices a second into Redis: a job for each, a job for each at once, and ours, by the hundred."""
    bare = Queue("bench", connection=bench.redis, serializer=JSONSerializer)
    data = [Queue.prepare_data("os.getpid", (), timeout=60) for _ in range(JOBS)]
    figures = {
        "a job each, one by one": _timed(lambda: [bare.enqueue("os.getpid") for _ in range(JOBS)], JOBS),
        "a job each, at once": _timed(lambda: bare.enqueue_many(data), JOBS),
        "ours, a job a hundred": _timed(lambda: bench.jobs.deliver(range(JOBS * BATCH), "bulk"), JOBS * BATCH),
    }
    bench.redis.flushdb()
    return figures


def no_op_jobs(bench: Bench) -> float:
    """RQ's own worker that does not fork, on jobs that do nothing."""
    bare = Queue("bench", connection=bench.redis, serializer=JSONSerializer)
    bare.enqueue_many([Queue.prepare_data("os.getpid", (), timeout=60, result_ttl=0) for _ in range(JOBS)])
    rq = ["-m", "rq.cli", "worker", "--burst", "--quiet", "--worker-class", "rq.worker.SimpleWorker"]
    rq += ["--serializer", "rq.serializers.JSONSerializer", "--url", bench.environment["REDIS_URL"], "bench"]
    begin = time.perf_counter()
    with running(rq, OURS):
        _await(lambda: bare.count < JOBS, 120)
        begin, left = time.perf_counter(), bare.count
        _await(lambda: bare.count == 0, 120)
        return left / (time.perf_counter() - begin)


def fan_out(bench: Bench, people: int, appeal: int, by: int) -> tuple[float, float, dict[str, float]]:
    """(notices planned a second, sent a second, the most memory of each process in MB) of one fan-out to so many."""
    number = begin_fan_out(bench.database, appeal, by)
    command = ["-m", "flask", "--app", "wsgi", "worker", "--queues", "bulk,slow"]
    begin = time.perf_counter()
    with running(command, OURS, bench.environment) as pid:
        bench.jobs.enqueue([("fan_out", number)])
        _await(lambda: sum(_progress(bench, number).values()) == people, 300)
        planned = time.perf_counter() - begin
        _await(lambda: _progress(bench, number).get("sent", 0) == people, 600)
        took = time.perf_counter() - begin
        peaks = dict(_peaks(pid))
    return people / planned, people / took, peaks


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=push")
    parser.add_argument("--notices", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    with prepared() as bench:
        crowd = make_crowd(bench.settings.database_url, bench.database, max(given.people, given.notices))
        rounds = []
        for _ in range(given.rounds):
            plain = plain_posts(bench, 3)
            alone = client_alone(bench, given.notices)
            same, own = (worker(bench, given.notices, alike=alike) for alike in (True, False))
            rounds.append((plain, alone, same, own))
            print(f"  plain {plain:.0f}, client {alone:.0f}, worker {same:.0f}, {own:.0f}", flush=True)
        plain, alone, same, own = (statistics.median(each) for each in zip(*rounds, strict=True))
        of_same, of_own = (statistics.median(each[place] / each[1] for each in rounds) for place in (2, 3))
        print(f"\nSends a second against an API of {LATENCY_MS} ms, one process, one core (medians):")
        print(f"  {plain:8.0f}  requests.post, one after another")
        print(f"  {alone:8.0f}  the worker's HTTP client alone, {THREADS} threads")
        print(
            f"  {same:8.0f}  a worker, all told the same: {of_same:.0%} of the client, {same / plain:.0f} plain loops"
        )
        print(f"  {own:8.0f}  a worker, each told something else: {of_own:.0%}, {own / plain:.0f} plain loops")
        print("\nNotices enqueued a second:")
        for name, rate in enqueuing(bench).items():
            print(f"  {rate:8.0f}  {name}")
        print(f"\n  {no_op_jobs(bench):8.0f}  no-op jobs a second, RQ's SimpleWorker")
        planned, sent, peaks = fan_out(bench, given.people, *crowd)
        print(f"\nA fan-out to {given.people} people: {planned:.0f} notices a second written, {sent:.0f} sent")
        for name, peak in peaks.items():
            print(f"  {peak:8.0f}  MB at most, {name}")


def _rate(act: Callable[[], object], seconds: float) -> float:
    count, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < seconds:
        act()
        count += 1
    return count / passed


def _timed(act: Callable[[], object], count: int) -> float:
    begin = time.perf_counter()
    act()
    return count / (time.perf_counter() - begin)


def _await(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"not done in {seconds:.0f} seconds")
        time.sleep(0.5)


def _sent(bench: Bench, ids: list[int]) -> int:
    with Session(bench.database) as db:
        ours = Notification.id.between(ids[0], ids[-1]) & Notification.sent_at.is_not(None)
        return db.scalar(select(func.count()).where(ours)) or 0


def _progress(bench: Bench, number: int) -> dict[str, int]:
    with Session(bench.database) as db:
        return count_states(db, number)


def _peaks(pid: int) -> Iterator[tuple[str, float]]:
    """The most memory that each of a worker's processes has held: (which, MB). One that ended meanwhile is left out."""
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return
    if "VmHWM" in status:  # which a process that ended and is not yet waited for no longer has
        yield f"{pid} {' '.join(words[-3:])}", int(status["VmHWM"].split()[0]) / 1024
    for child in children:
        yield from _peaks(int(child))
