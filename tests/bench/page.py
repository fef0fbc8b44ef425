"""``make bench ARGS=page``: an appeal's public page from one core: kept (warm), asked whether it changed, and rendered.

One worker under granian on one core, the load on the other. Cold: each of ``--pages`` pages once, none of them kept.
``--beside``: cold pages of another checkout too, of the same database.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from bot.processes.leash import leashed
from bot.processes.postgres import EmbeddedPostgres
from bot.processes.supervisor import end, free_port
from bot.processes.web import command_line
from bot.web.public.kept import KEPT_FOR
from models.migrations import upgrade
from tests.bench import load
from tests.harness.stage import Stage, seed_regions
from tests.scenes.money.charities import seed_charities
from tests.scenes.pages import agreed

COLD = "(c) cold: each page once"
LONGEST = 500.0
CONNECTIONS = 16
SERVER_CORE, LOAD_CORE = 0, 1


def request(number: int, *headers: str) -> bytes:
    lines = (f"GET /a/{number} HTTP/1.1", "Host: 127.0.0.1", *headers)
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def prepare(url: str, pages: int) -> None:
    """A migrated database with so many open pages."""
    upgrade(url)
    seed_regions(url)
    seed_charities(url)
    stage = Stage(url)
    stage.clock.now = datetime.now(UTC)
    for _ in range(pages):
        agreed(stage, stage.open_appeal())
    stage.close()


def measure(port: int, pages: int, seconds: float) -> dict[str, load.Figures]:
    found = {COLD: cold(port, pages)}
    with urlopen(f"http://127.0.0.1:{port}/a/1", timeout=10) as answer:
        tag = f"If-None-Match: {answer.headers['ETag']}"
    found["(w) warm: one page"] = load.run(port, _same(request(1)), seconds, (b"og:title",))
    found["(n) the same, not changed (304)"] = load.run(port, _same(request(1, tag)), seconds)
    return found


def cold(port: int, pages: int) -> load.Figures:
    """Read each page once; each connection has its own."""
    once = [map(request, range(1 + first, pages + 1, CONNECTIONS)) for first in range(CONNECTIONS)]
    return load.run(port, once, LONGEST, (b"og:title",))


def compare(ours: int, theirs: int, pages: int, rounds: int) -> None:
    """Read each page once from either server in turn, so many times; what was kept is not kept any more by then."""
    ratios = []
    for number in range(rounds):
        rates = {}
        for name, port in (("theirs", theirs), ("ours", ours)):
            time.sleep(KEPT_FOR.total_seconds() + 1)
            rates[name] = cold(port, pages).rate
        ratios.append(rates["ours"] / rates["theirs"])
        print(f"round {number + 1}: {rates['theirs']:.0f} and {rates['ours']:.0f} pages/s, {ratios[-1]:.2f}")
    print(f"median of the ratios: {median(ratios):.2f}")


def _same(one: bytes) -> list[Iterator[bytes]]:
    return [repeat(one) for _ in range(CONNECTIONS)]


def report(found: dict[str, load.Figures]) -> None:
    print(f"{'':36} {'pages/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'not 200':>8}")
    for name, figures in found.items():
        p50, p99 = figures.percentile(0.5), figures.percentile(0.99)
        print(f"{name:36} {figures.rate:8.0f} {p50:8.2f} {p99:8.2f} {figures.failed:8}")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=page")
    parser.add_argument("--seconds", type=float, default=5, help="of load on one page")
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--beside", type=Path, help="another checkout, whose cold pages are measured in turn with ours")
    parser.add_argument("--rounds", type=int, default=5, help="of that")
    given = parser.parse_args(arguments)
    os.sched_setaffinity(0, {LOAD_CORE})
    with EmbeddedPostgres() as postgres, ExitStack() as stack:
        prepare(postgres.url, given.pages)
        port = stack.enter_context(served(postgres.url, Path.cwd()))
        report(measure(port, given.pages, given.seconds))
        if given.beside:
            theirs = stack.enter_context(served(postgres.url, given.beside.resolve()))
            compare(port, theirs, given.pages, given.rounds)


@contextmanager
def served(database: str, checkout: Path) -> Iterator[int]:
    """Serve the code of a checkout from the server's core."""
    port = free_port()
    environment = {"BANGFU_ENV": "demo", "DATABASE_URL": database, "PYTHONPATH": str(checkout)}
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            leashed(command_line(port)),
            env={**os.environ, **environment, "REDIS_URL": "redis://127.0.0.1:1/0"},
            cwd=folder,
            process_group=0,
            preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}),  # noqa: PLW1509 - no threads here yet
        )
        try:
            _await(port)
            yield port
        finally:
            end(process, 10)


def _await(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server did not start")
