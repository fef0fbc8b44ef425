"""``make bench ARGS=figures``: the public figures of a country of millions, in PostgreSQL.

Recounting from nothing (as ``recount-figures`` does), the fold, the pages, and what a delta adds to a turn.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from bot.figures.folding import fold_all
from bot.places.load import DIVISIONS, load_regions, read_regions
from bot.processes.postgres import EmbeddedPostgres
from models.core.database import connect
from models.figures.fold import BATCH, fold
from models.figures.recount import differences, repair
from models.migrations import upgrade
from models.people import user
from tests.harness.stage import Stage
from tests.scenes.money.charities import seed_charities

TURNS_A_SECOND = 500
# Statements of the fill; each person in a township by turns, over two years.
_T = "(SELECT code, row_number() OVER (ORDER BY code) - 1 AS at FROM regions WHERE level = 3)"
_USERS = f"""
    INSERT INTO users (id, draft_id, role, state, region_code, created_at)
    SELECT 1000000 + n, 'b' || n, 'donor', 'active', t.code, timestamptz '2026-11-01' - n % 730 * interval '1 day'
    FROM generate_series(1, :users) n JOIN {_T} t ON t.at = n % (SELECT count(*) FROM regions WHERE level = 3)
"""  # noqa: S608 - ours
_GIFTS = f"""
    INSERT INTO figure_deltas (cause, figure, region_code, month, amount)
    SELECT 'posting:' || 1000000 + n, 'money_in', t.code,
        date_trunc('month', date '2026-11-01' - n % 730 * interval '1 day')::date, 100 + n % 10000
    FROM generate_series(1, :gifts) n JOIN {_T} t ON t.at = n % (SELECT count(*) FROM regions WHERE level = 3)
"""  # noqa: S608 - ours


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=figures")
    parser.add_argument("--users", type=int, default=5_000_000)
    parser.add_argument("--gifts", type=int, default=1_000_000)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--turns", type=int, default=60)
    given = parser.parse_args(arguments)
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        database = connect(server.url)
        load_regions(database, read_regions(DIVISIONS))
        seed_charities(server.url)
        _fill(database, given)
        _recount(database)
        _fold(database)
        stage = Stage(server.url)
        _pages(stage, given.pages)
        _turns(stage, given.turns)
        stage.close()
        database.dispose()


def _patient(database: Engine, work: Callable[[Any], Any]) -> tuple[float, Any]:
    """Do it in one transaction without a time-out; returns the seconds and what it returned."""
    began = time.perf_counter()
    with database.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        done = work(connection)
    return time.perf_counter() - began, done


def _fill(database: Engine, given: argparse.Namespace) -> None:
    took, _ = _patient(database, lambda connection: connection.execute(text(_USERS), {"users": given.users}))
    print(f"{given.users:,} people were filled in, in {took:.0f} s")
    took, _ = _patient(database, lambda connection: connection.execute(text(_GIFTS), {"gifts": given.gifts}))
    print(f"{given.gifts:,} gifts in {took:.0f} s")


def _recount(database: Engine) -> None:
    took, (missing, _) = _patient(database, repair)
    print(f"recount-figures wrote {missing:,} deltas that were missing in {took:.0f} s")


def _fold(database: Engine) -> None:
    """Fold all that waits, a batch to a transaction; the runs of the worker follow each other here."""
    began, folded = time.perf_counter(), 0
    while count := fold_all(database):
        folded += count
    took = time.perf_counter() - began
    rate = folded / took
    print(f"{folded:,} deltas folded in {took:.0f} s: {rate:,.0f} a second, {rate / TURNS_A_SECOND:.0f} times 500")
    took, found = _patient(
        database, lambda connection: [each for each in differences(connection) if "posting" not in each.cause]
    )
    print(f"the nightly recount took {took:.0f} s and found {len(found)} differences")
    with database.connect() as connection:
        rows = connection.execute(text("SELECT count(*) FROM figure_sums")).scalar_one()
    print(f"{rows:,} sums")


def _pages(stage: Stage, pages: int) -> None:
    with stage.database.connect() as connection:
        codes = connection.execute(text("SELECT code FROM regions WHERE level < 4 ORDER BY code")).scalars().all()
    chosen = random.Random(2026)
    print(f"{'ms':32}{'median':>8}{'p99':>8}")
    client = stage.client
    _report("/numbers", [_timed(client, "/numbers") for _ in range(pages)])
    _report("/numbers, each after a change", [_changed(stage, client, n) for n in range(pages // 3)])
    _report(
        "/numbers/<region>, any, first time", [_timed(client, f"/numbers/{chosen.choice(codes)}") for _ in range(pages)]
    )


def _timed(client: FlaskClient, path: str) -> float:
    began = time.perf_counter()
    answer = client.get(path)
    took = time.perf_counter() - began
    assert answer.status_code == 200
    return took


def _changed(stage: Stage, client: FlaskClient, number: int) -> float:
    with Session(stage.database) as db, db.begin():
        values = {"cause": f"posting:9{number:09d}", "month": date(2026, 11, 1)}
        db.execute(
            text(
                "INSERT INTO figure_deltas (cause, figure, region_code, month, amount)"
                " VALUES (:cause, 'money_in', '431124101000', :month, 100)"
            ),
            values,
        )
        fold(db, BATCH)
    return _timed(client, "/numbers")


def _report(name: str, took: Sequence[float]) -> None:
    ordered = sorted(took)
    print(f"{name:32}{statistics.median(ordered) * 1e3:8.1f}{ordered[-1 - len(ordered) // 100] * 1e3:8.1f}")


def _turns(stage: Stage, turns: int) -> None:
    """Time the turn that registers a donor, by turns with its delta and without."""
    counted = user.on_registered.function
    took: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(2 * turns):
        way = ("with", "without")[number % 2]
        openid = f"o-bench-{number}"
        for words in ("注册", "1", "2", "老李"):
            stage.say(openid, words)
        user.on_registered._function = counted if way == "with" else lambda *_: None
        began = time.perf_counter()
        stage.say(openid, "确认")
        took[way].append(time.perf_counter() - began)
        user.on_registered._function = counted
    mine, bare = (statistics.median(took[way]) for way in ("with", "without"))
    print(f"a turn that registers: {mine * 1e3:.2f} ms, without its delta {bare * 1e3:.2f} ms, ratio {mine / bare:.3f}")


if __name__ == "__main__":
    main()
