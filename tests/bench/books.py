"""``make bench ARGS=books``: how long ``check-books`` takes over a ledger of a million entries, and how much memory.

The ledger is written past the triggers, as no program of ours could, so that it is there in a minute; what is
written is what half a million payments to a thousand appeals would have left.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast

from psycopg import Cursor
from sqlalchemy import create_engine

from bot.processes.postgres import EmbeddedPostgres
from models.core.hash_chain import GENESIS
from models.figures.recount import repair
from models.ledger.links import link_hash
from models.migrations import upgrade

APPEALS = 1_000
KIND, FEN = "payment_received", 100
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
CHANNEL, FIRST_APPEAL = 1, 2

Row = tuple[object, ...]


_APPEALS = """
INSERT INTO appeals (id, draft_id, kind, category, owner_id, household_id, title, story, region_code, target_fen,
                     deadline, state, created_at)
SELECT n, 'bench-' || n, 'crowdfund', 'housing', 1, 1, 'road', 'road', '431124101000', 1000000000, now(), 'draft', now()
FROM generate_series(1, %s) AS n
"""


def transactions(count: int) -> Iterator[tuple[Row, list[Row], Row]]:
    """Each with its entries and its link."""
    before = GENESIS
    for number in range(1, count + 1):
        at, appeal = BEGAN + timedelta(seconds=number), number % APPEALS + 1
        link = {
            "number": number,
            "kind": KIND,
            "cause": f"bench:{number}",
            "at": at,
            "reverses": None,
            "entries": [(("channel", 0), FEN), (("appeal", appeal), -FEN)],
        }
        before = link_hash(before, link)
        entries: list[Row] = [(number, CHANNEL, FEN), (number, FIRST_APPEAL + appeal - 1, -FEN)]
        yield (number, KIND, link["cause"], at), entries, (number, number, before)


def write(cursor: Cursor, count: int) -> None:
    cursor.execute("SET session_replication_role = replica")
    cursor.execute(_APPEALS, (APPEALS,))
    accounts: list[Row] = [(CHANNEL, "channel", 0, count * FEN)]
    sums: list[Row] = [(CHANNEL, KIND, count * FEN)]
    for appeal in range(1, APPEALS + 1):
        fen = FEN * sum(1 for _ in range(appeal - 1 or APPEALS, count + 1, APPEALS))
        accounts.append((FIRST_APPEAL + appeal - 1, "appeal", appeal, fen))
        sums.append((FIRST_APPEAL + appeal - 1, KIND, -fen))
    _copy(cursor, "ledger_accounts (id, kind, subject_id, balance_fen)", accounts)
    _copy(cursor, "ledger_sums (account_id, kind, amount_fen)", sums)
    parts: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
    last = GENESIS
    for number, (transaction, entries, link) in enumerate(transactions(count), 1):
        parts[0].append(transaction)
        parts[1].extend(entries)
        parts[2].append(link)
        last = str(link[2])
        if number % 50_000 == 0 or number == count:
            _copy(cursor, "ledger_transactions (id, kind, cause, at)", parts[0])
            _copy(cursor, "ledger_entries (transaction_id, account_id, amount_fen)", parts[1])
            _copy(cursor, "ledger_links (number, transaction_id, hash)", parts[2])
            parts = ([], [], [])
    cursor.execute("UPDATE ledger_head SET length = %s, hash = %s", (count, last))


def _copy(cursor: Cursor, into: str, rows: list[Row]) -> None:
    with cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=books")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--sizes", type=int, default=2, help="of ledgers; each is a tenth of the one before")
    given = parser.parse_args(arguments)
    print(f"{'entries':>10} {'seconds':>8} {'s a million':>12} {'MB at most':>11}")
    for size in range(given.sizes - 1, -1, -1):
        entries = given.entries // 10**size
        with EmbeddedPostgres(durable=True) as postgres:
            upgrade(postgres.url)
            database = create_engine(postgres.url)
            with database.begin() as connection:
                write(cast(Cursor, connection.connection.cursor()), entries // 2)
                repair(connection)
            with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("ANALYZE")
            database.dispose()
            seconds, megabytes = _check(postgres.url)
        print(f"{entries:10} {seconds:8.1f} {seconds / entries * 1e6:12.1f} {megabytes:11.0f}", flush=True)


def _check(url: str) -> tuple[float, float]:
    """(seconds, the most memory in MB) of a check-books that finds nothing wrong."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "check-books"],
        env={**os.environ, "BANGFU_ENV": "demo", "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(said)
    return time.perf_counter() - begin, used.ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1:])
