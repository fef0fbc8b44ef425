"""``make bench ARGS=scale``: what people, officers and the worker ask, of 50 thousand, half a million and five million
people in PostgreSQL, and whether it takes as long.

The people come in steps, with their households, cases, appeals, gifts, notifications and turns; each step is a database
of its own. Everything is timed through the bot's door or as the worker runs it, in one process, a few times in one
database and then in the next, so that what else the machine does befalls all alike. All statements are explained: a
scan of a large table ends the bench. Beside the times stand the pages of 8 kB that the statements read.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, event, make_url, text
from sqlalchemy.orm import Session

from bot.figures.folding import fold_all, fold_regions, recount_all_regions
from bot.places.load import DIVISIONS, load_regions, read_regions
from bot.processes.postgres import EmbeddedPostgres
from bot.processes.valkey import EmbeddedValkey
from bot.words.lexicon import load_lexicon
from bot.work.queues import JobQueues
from bot.work.sweeps import DEADLINES, GOODS_DEADLINES, ONE_BY_ONE, sweep_outbox, sweep_owed
from config.settings import SAMPLE_DATA_KEYS
from models.core.database import connect
from models.core.encryption import Keyring, keyring, purpose_of, use_keyring
from models.figures.fold import AREAS
from models.migrations import upgrade
from models.people.conversation import Conversation
from models.staff.member import Staff
from tests.harness.platform.wechat import ACCOUNT
from tests.harness.stage import Stage
from tests.scenes.money.charities import seed_charities

SIZES = (50_000, 500_000, 5_000_000)
# People of the first step who do nothing but ask.
ASKING, PEOPLE = 101, 16
# So many times in one database, then in the next.
IN_TURN = 5
# A table with fewer rows is read whole by any plan.
LARGE = 5_000
STORY = "家里三口人，老伴身体不好，儿子在外打工，想把这件事办起来，补贴家用，供孙子上学。" * 3
HERE = Path(__file__).parent
COUNTED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")

Act = Callable[[], object]


@dataclass
class Asked:
    """What was asked, in seconds, and how many pages its statements read."""

    seconds: list[float] = field(default_factory=list)
    pages: int = 0

    @property
    def p50(self) -> float:
        return statistics.median(self.seconds) * 1e3

    @property
    def p99(self) -> float:
        return sorted(self.seconds)[-1 - len(self.seconds) // 100] * 1e3

    @property
    def rate(self) -> float:
        return len(self.seconds) / sum(self.seconds)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=scale")
    parser.add_argument("--users", type=int, nargs="+", default=SIZES, help="the steps")
    parser.add_argument("--rounds", type=int, default=200, help="of what a person asks; of a sweep a tenth")
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres() as server,
        EmbeddedValkey(Path(folder) / "valkey", keep=False) as valkey,
        ExitStack() as stack,
    ):
        use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))
        now = datetime.now(UTC)
        stages = [Stage(url) for url in _grown(server.url, given.users, now)]
        for stage in stages:
            stack.callback(stage.close)
            stage.clock.now = now
            _begin(stage)
        jobs = [JobQueues(valkey.url.replace("db=0", f"db={number}")) for number in range(len(stages))]
        scans: list[str] = []
        _report(given.users, _measured(list(zip(stages, jobs, strict=True)), given.rounds, scans))
    if scans:
        raise SystemExit("\n".join(["scans of large tables:", *scans]))


def _grown(server: str, sizes: Sequence[int], now: datetime) -> list[str]:
    """Fill in the people of each step after those of the step before, in a copy of its database; return the addresses.

    Nobody may be connected to a database that is copied.
    """
    urls, copied, low = list[str](), "template0", ASKING
    for users in sizes:
        began, name = time.perf_counter(), f"bench_{users}"
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {copied} STRATEGY FILE_COPY")
        url = make_url(server).set(database=name).render_as_string(hide_password=False)
        database = connect(url)
        if copied == "template0":
            upgrade(url)
            load_regions(database, read_regions(DIVISIONS))
            seed_charities(url)
            _fill(database, "scale_begin.sql", now)
        _fill(database, "scale.sql", now, low=low, high=ASKING - 1 + users, areas=AREAS)
        recount_all_regions(database)
        while fold_regions(database):
            pass
        size = _size(database)
        database.dispose()
        print(f"{users:,} people were filled in, in {time.perf_counter() - began:.0f} s; {size}", flush=True)
        copied, low = name, ASKING + users
        urls.append(url)
    return urls


def _fill(database: Engine, file: str, now: datetime, **values: object) -> None:
    values |= {"now": now.isoformat(), "account": ACCOUNT, "story": STORY}
    values["name"] = keyring().seal("n", purpose_of(Staff.name)).hex()
    values["session"] = keyring().seal("", purpose_of(Conversation.session)).hex()
    filled = (HERE / file).read_text(encoding="utf-8").format(**values)
    with database.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        # The rows fit together as they are made; looking up each foreign key would take minutes.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in filled.rstrip().removesuffix(";").split(";\n"):
            connection.exec_driver_sql(statement.replace("%", "%%"))
        for table in ("households", "users", "conversations", "verifications", "appeals", "listings", "staff"):
            setval = "SELECT setval(pg_get_serial_sequence(:table, 'id'), 200000000)"
            connection.execute(text(setval), {"table": table})
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))


def _size(database: Engine) -> str:
    with database.connect() as connection:
        return str(connection.execute(text("SELECT pg_size_pretty(pg_database_size(current_database()))")).scalar_one())


def _measured(places: Sequence[tuple[Stage, JobQueues]], rounds: int, scans: list[str]) -> list[dict[str, Asked]]:
    found: list[dict[str, Asked]] = [{} for _ in places]
    for each in zip(*(_acts(stage, jobs, rounds) for stage, jobs in places), strict=True):
        for (name, act, _), asked in zip(each, found, strict=True):
            asked[name] = Asked()
            for _ in range(3):  # a process compiles each statement once, and each connection learns its tables
                act()
        for turn in range(0, each[0][2], IN_TURN):
            for (name, act, times), asked in zip(each, found, strict=True):
                for _ in range(min(IN_TURN, times - turn)):
                    began = time.perf_counter()
                    act()
                    asked[name].seconds.append(time.perf_counter() - began)
        for (name, act, _), asked, (stage, _) in zip(each, found, places, strict=True):
            with _listening(stage) as sent:
                act()
            asked[name].pages = sum(_pages(stage.database, name, *one, scans) for one in sent)
    return found


def _begin(stage: Stage) -> None:
    """Bring some people into the middle of a flow."""
    for number in range(PEOPLE):
        stage.say(f"s{_resident(number)}", "求助")


def _resident(number: int) -> int:
    return ASKING - 1 + 20 * (number + 1) + 5


def _acts(stage: Stage, jobs: JobQueues, rounds: int) -> Iterator[tuple[str, Act, int]]:
    """Yield a name, what to do, and how often."""
    turn = _turns(stage)
    yield "a turn in the middle of a flow", lambda: next(turn), rounds
    for name, openid, words in (
        ("the menu", f"s{ASKING}", "菜单"),
        ("a list of appeals", f"s{ASKING}", "看求助"),
        ("of the county that has half of them", f"s{ASKING}", "看求助 道县"),
        ("of a township that has few", f"s{ASKING}", f"看求助 {_township(stage.database)}"),
        ("with a word that few have", f"s{ASKING}", "看求助 缝纫机"),
        ("with a word that nobody has", f"s{ASKING}", "看求助 挖掘机"),
        ("with a word that many have", f"s{ASKING}", "看求助 修路"),
        ("with a word that many have, in the county", f"s{ASKING}", "看求助 道县 修路"),
        ("with a letter that nobody has", f"s{ASKING}", "看求助 Q"),
        ("the market", f"s{ASKING}", "集市"),
        ("the market, with a word that many have", f"s{ASKING}", "集市 脐橙"),
        ("the market, with a word that nobody has", f"s{ASKING}", "集市 缝纫机"),
        ("to do, of 2,000 tasks", "county", "待办"),
        ("figures of the county", "county", "统计"),
    ):
        yield name, lambda openid=openid, words=words: stage.say(openid, words), rounds  # type: ignore[misc]
    yield "/numbers", lambda: stage.client.get("/numbers"), rounds
    yield from ((f"sweep: {name}", act, max(rounds // 10, 3)) for name, act in _sweeps(stage, jobs))


def _turns(stage: Stage) -> Iterator[str]:
    while True:
        for words in ("苗寨修路", "返回"):
            for number in range(PEOPLE):
                yield stage.say(f"s{_resident(number)}", words)


def _township(database: Engine) -> str:
    """The name of the first township of its name that has appeals from the first step on."""
    alone = "NOT EXISTS (SELECT FROM regions other WHERE other.code <> regions.code AND other.short = regions.short)"
    named = f"SELECT name FROM bench_places JOIN regions USING (code) WHERE at > 9 AND {alone} ORDER BY at LIMIT 1"  # noqa: S608
    with database.connect() as connection:
        return str(connection.execute(text(named)).scalar_one())


def _sweeps(stage: Stage, jobs: JobQueues) -> Iterator[tuple[str, Act]]:
    """Yield what the worker runs by the minute or more often, each in a transaction; what it changes is undone."""
    database, rules, clock = stage.database, load_lexicon().goods, stage.clock
    yield "outbox", lambda: sweep_outbox(database, jobs, clock())
    yield "owed", lambda: sweep_owed(database, jobs, clock())
    yield "figures", lambda: fold_all(database)
    yield "regions", lambda: fold_regions(database)
    for name, apply in DEADLINES.items():
        yield name, lambda apply=apply: _undone(database, lambda db: apply(db, clock()))  # type: ignore[misc]
    for name, by_rules in GOODS_DEADLINES.items():
        yield name, lambda by_rules=by_rules: _undone(database, lambda db: by_rules(db, rules, clock()))  # type: ignore[misc]
    for name, (due, _) in ONE_BY_ONE.items():
        yield name, lambda due=due: _undone(database, lambda db: due(db, clock()))  # type: ignore[misc]


def _undone(database: Engine, act: Callable[[Session], object]) -> None:
    with Session(database) as db:
        act(db)
        db.rollback()


@contextmanager
def _listening(stage: Stage) -> Iterator[list[tuple[str, Any]]]:
    """Note what is sent by the bot and by the worker's side."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    engines = {stage.database, stage.app.extensions["bangfu"]["turns"].database}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield sent
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def _pages(database: Engine, name: str, statement: str, parameters: Any, scans: list[str]) -> int:
    """Return how many pages the statement reads, where it only reads; note what it scans."""
    if not statement.lstrip().startswith(COUNTED) or isinstance(parameters, list):
        return 0
    reads = statement.lstrip().startswith("SELECT")
    with database.connect() as connection:
        connection.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
        options = "ANALYZE, BUFFERS, FORMAT JSON" if reads else "FORMAT JSON"
        raw = connection.exec_driver_sql(f"EXPLAIN ({options}) {statement}", parameters).scalar_one()
        plan = (json.loads(raw) if isinstance(raw, str) else raw)[0]["Plan"]
        scanned = set(_scanned(plan))
        large = [table for table in sorted(scanned) if _rows(connection, table) >= LARGE]
        connection.rollback()
    scans += [f"{name}: {table} in {' '.join(statement.split())[:300]}" for table in large]
    return int(plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0))


def _scanned(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from _scanned(below)


def _rows(connection: Any, table: str) -> int:
    found = text("SELECT reltuples FROM pg_class WHERE relname = :table")
    return int(connection.execute(found, {"table": table}).scalar_one())


def _report(sizes: Sequence[int], found: Sequence[dict[str, Asked]]) -> None:
    print("\np50 and p99 in ms, a second, pages; ratio: the last p50 to the first, and the last pages to the first\n")
    print(f"{'':46}" + "".join(f"{size:>31,}" for size in sizes) + f"{'ratio':>14}")
    for name in found[0]:
        line = "".join(
            f"{each[name].p50:9.2f}{each[name].p99:8.2f}{each[name].rate:7.0f}{each[name].pages:7}" for each in found
        )
        first, last = found[0][name], found[-1][name]
        pages = f"{last.pages / first.pages:7.2f}" if first.pages else f"{'':7}"
        print(f"{name:46}{line}{last.p50 / first.p50:7.2f}{pages}")
