"""``make bench``: one run, every server in turn under the same granian and the same load.

Rounds are interleaved (a b c d, a b c d, …) so that a machine that drifts
drifts for all; ratios are taken round by round and their median printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from sqlalchemy import create_engine

from bot.processes import web
from bot.processes.leash import leashed
from bot.processes.postgres import EmbeddedPostgres
from bot.processes.supervisor import end, free_port
from bot.processes.valkey import EmbeddedValkey
from config.settings import SAMPLE_TOKEN, Mode
from models.migrations import upgrade
from tests.bench import (
    books,
    desk,
    figures,
    goods,
    hot,
    intents,
    load,
    market,
    page,
    pay,
    profile,
    push,
    registry,
    scale,
    storm,
    yardsticks,
)
from tests.harness.platform import wechat as wechat_side
from tests.harness.stage import Stage, seed_regions
from tests.scenes.money.charities import seed_charities

CONNECTIONS = 16
# Of (c), (d) and (s) each: whoever asks for the menu has left the middle of the flow.
PEOPLE = 64
SERVER_CORE, LOAD_CORE = 0, 1
# Files here never wait for a disk.
MEMORY = Path("/dev/shm")
MIDDLE = ("苗寨修路", "返回")
# One of these is in every answer to the two; an answer without counts as failed.
QUESTIONS = ("用一句话说".encode(), "哪一类".encode())


def requests(mode: Mode, words: Iterator[str], people: list[str]) -> Iterator[bytes]:
    """Signed deliveries, prepared one by one: each person says each word in turn."""
    wechat = wechat_side.WeChat(mode=mode)
    for word in words:
        for openid in people:
            query, body = wechat.deliver(wechat_side.text(word, openid))
            head = f"POST /wechat?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            yield f"{head}Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Server:
    """An application under granian: one worker, eight threads, one core."""

    def __init__(
        self, name: str, target: str, words: tuple[str, ...], environment: dict[str, str], folder: Path
    ) -> None:
        self.name, self.target, self.words, self.environment, self.folder = name, target, words, environment, folder
        self.mode = Mode(environment.get("WECHAT_MODE", "plain"))
        crowd = "menu" if words != MIDDLE else self.mode
        share = PEOPLE // CONNECTIONS
        groups = [[f"o-{crowd}-{n * share + k:03}" for k in range(share)] for n in range(CONNECTIONS)]
        # Each goes on where the round before left its people.
        self.connections = [requests(self.mode, cycle(words), people) for people in groups]
        self.wanted = QUESTIONS if words == MIDDLE and self.mode is Mode.PLAIN else ()
        self.rounds: list[load.Figures] = []

    def measure(self, seconds: float) -> None:
        port = free_port()
        command = [sys.executable, "-m", "granian", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--log-level", "error", *self.target.split()]
        process = subprocess.Popen(
            leashed(command),
            env={**os.environ, **self.environment, "PYTHONPATH": str(Path.cwd())},
            cwd=self.folder,
            process_group=0,
            preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}),  # noqa: PLW1509 - no threads here yet
        )
        try:
            _await(port)
            load.run(port, self.connections, 1.0, self.wanted)
            self.rounds.append(load.run(port, self.connections, seconds, self.wanted))
        finally:
            end(process, 10)


def _await(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10).close()
        except HTTPError:  # an echo has no such page
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("a server did not start")


def prepare(url: str) -> None:
    """A migrated database in which everybody is in the middle of start_appeal."""
    upgrade(url)
    engine = create_engine(url)
    yardsticks.Base.metadata.create_all(engine)
    engine.dispose()
    seed_regions(url)
    seed_charities(url)
    stage = Stage(url, mode=Mode.PLAIN)
    stage.clock.now = datetime.now(UTC)
    for number in range(PEOPLE):
        stage.register(f"o-menu-{number:03}", "resident")
        for crowd in (Mode.PLAIN, Mode.SAFE):
            stage.register(f"o-{crowd}-{number:03}", "resident")
            stage.say(f"o-{crowd}-{number:03}", "求助")
    stage.close()


def servers(database_url: str, redis_url: str, folder: Path, memory: Path) -> list[Server]:
    common = {"WECHAT_TOKEN": SAMPLE_TOKEN, "BANGFU_ENV": "demo", "REDIS_URL": redis_url}
    factory = "--interface wsgi --blocking-threads 8 --no-ws --factory tests.bench.yardsticks:"
    bot = " ".join((*web.OPTIONS, web.TARGET))
    plain = {"WECHAT_MODE": "plain"}
    listed = [Server("(a) Flask + wechatpy echo", factory + "echo", ("你好",), common, folder)]
    listed.append(Server("(w) WeRoBot 1.13 echo, default session", factory + "werobot", ("你好",), common, folder))
    if MEMORY.is_dir():
        name = "(m) the same, its session file in memory"
        listed.append(Server(name, factory + "werobot", ("你好",), common, memory))
    env = {**common, "DATABASE_URL": database_url}
    safe = {**env, "WECHAT_MODE": "safe"}
    listed.append(Server("(b) echo + SELECT + INSERT, ORM", factory + "echo_stored", ("你好",), env, folder))
    listed.append(Server("(c) bot, menu", bot, ("菜单",), env | plain, folder))
    listed.append(Server("(d) bot, middle of start_appeal", bot, MIDDLE, env | plain, folder))
    listed.append(Server("(s) bot as (d), safe mode", bot, MIDDLE, safe, folder))
    return listed


def report(listed: list[Server]) -> None:
    print(f"\n{'server':46} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'to (b)':>7} {'failed':>6}")
    base = next(server for server in listed if server.name.startswith("(b)"))
    for server in listed:
        pairs = zip(server.rounds, base.rounds, strict=True)
        ratio = statistics.median(mine.rate / theirs.rate for mine, theirs in pairs)
        rate = statistics.median(figures.rate for figures in server.rounds)
        p50, p99 = (statistics.median(f.percentile(part) for f in server.rounds) for part in (0.5, 0.99))
        failed = sum(figures.failed for figures in server.rounds)
        print(f"{server.name:46} {rate:8.0f} {p50:8.2f} {p99:8.2f} {ratio:7.2f} {failed:6}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--seconds", type=float, default=8, help="of load per server and round")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    with (
        tempfile.TemporaryDirectory() as name,
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as memory,
        EmbeddedPostgres(durable=True) as postgres,
    ):
        folder = Path(name)
        with EmbeddedValkey(folder / "valkey", keep=False) as valkey:
            prepare(postgres.url)
            listed = servers(postgres.url, valkey.url, folder, Path(memory))
            for number, server in ((n, s) for n in range(given.rounds) for s in listed):
                print(f"round {number + 1}: {server.name}", flush=True)
                server.measure(given.seconds)
            report(listed)
            profile.report(postgres.url)


# ``make bench ARGS=NAME`` measures something else than the door.
OTHERS: dict[str, Callable[[list[str]], None]] = {
    "intents": intents.main,
    "registry": registry.main,
    "desk": desk.main,
    "push": push.main,
    "pay": pay.main,
    "page": page.main,
    "books": books.main,
    "figures": figures.main,
    "goods": goods.main,
    "market": market.main,
    "hot": hot.main,
    "scale": scale.main,
    "storm": storm.main,
}

if __name__ == "__main__":
    other = OTHERS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if other:
        other(sys.argv[2:])
    else:
        main()
