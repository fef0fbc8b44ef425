"""Engines for SQLite and PostgreSQL, set up so that a turn is exact and bounded on both."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool, QueuePool

# A second delivery waits for the first one's reply for less than WeChat's five seconds.
LOCK_WAIT_MS = 4_000
STATEMENT_MS = 4_500
# A turn that hangs between two statements must not keep a person's lock.
IDLE_IN_TRANSACTION_MS = 10_000


def connect(url: str, *, pool_size: int = 10) -> Engine:
    """An engine whose parameters never reach a log or an exception text."""
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url)
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=3,
        pool_pre_ping=False,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 3,
            # A server that has gone silent, its host with it, is given up in this time; only TCP knows of it.
            "tcp_user_timeout": STATEMENT_MS,
            "options": f"-c lock_timeout={LOCK_WAIT_MS} -c statement_timeout={STATEMENT_MS} "
            f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} "
            # A page out of order costs little more than the next one, on today's disks: so indexes are used.
            "-c random_page_cost=1.1",
        },
    )


def _sqlite(url: str) -> Engine:
    # One connection for the process: threads queue for it in turn, where SQLite's own waiting is a lottery.
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=LOCK_WAIT_MS / 1000,
        hide_parameters=True,
        connect_args={"timeout": LOCK_WAIT_MS / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver opens no transactions of its own: see begin() below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # Take the write lock first: a turn reads its state after it, never before.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@contextmanager
def snapshot(url: str | URL) -> Iterator[Connection]:
    """One consistent picture of the whole database, to read for as long as it takes; nobody waits for it."""
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
        event.listen(engine, "connect", _read_only)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    else:
        engine = create_engine(
            url, poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": 3}
        ).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with engine.connect() as connection:
        yield connection


def _read_only(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON").close()
