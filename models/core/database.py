"""Connect to PostgreSQL with time limits that fit a turn, and read results that do not fit into memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import URL, Connection, Engine, Executable, Row, create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

# WeChat waits five seconds: a second delivery of a message waits for the first one's reply for less than that.
LOCK_WAIT_MS = 4_000
STATEMENT_MS = 4_500
# A turn that hangs between two statements must not keep a person's lock.
IDLE_IN_TRANSACTION_MS = 10_000
# What each connection asks the server for, by the setting's name there.
LIMITS = {
    "lock_timeout": str(LOCK_WAIT_MS),
    "statement_timeout": str(STATEMENT_MS),
    "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
    # On solid-state disks a random page costs little more than the next one: so the planner uses indexes.
    "random_page_cost": "1.1",
}
_BATCH = 1_000
_TIMES = [name for name in LIMITS if name.endswith("_timeout")]
_COLLECTS = "collects"
_FROZEN_FOR = "frozen_for"
_ACCOUNT = "account"


def connect(
    url: str,
    *,
    pool_size: int = 10,
    collects: bool = False,
    frozen_for: timedelta = timedelta(0),
    account: str = "",
) -> Engine:
    """Create an engine whose parameters never reach a log or an exception's text.

    ``collects``: PAY_MODE=on. It goes with the engine, so that pages, sweeps and jobs of one program cannot count by
    different rules; ``collects_money`` reads it. ``frozen_for``: how long WeChat Pay keeps the money of an
    order of the market, with PAY_PARTNER_MCH_ID as well; ``order_money_frozen_for`` reads it. ``account``: the original
    ID of the official account that the program serves, where several share the database; ``own_account`` reads it.
    """
    return create_engine(
        url,
        execution_options={_COLLECTS: collects, _FROZEN_FOR: frozen_for, _ACCOUNT: account},
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=3,
        pool_pre_ping=False,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 3,
            # Gives up a server whose host has gone silent, which only TCP notices.
            "tcp_user_timeout": STATEMENT_MS,
            "options": " ".join(f"-c {name}={value}" for name, value in LIMITS.items()),
        },
    )


def limits_lost(connection: Connection) -> list[str]:
    """Name the limits that a connection made by ``connect`` does not have: a pooler in between did not pass them on."""
    found = connection.execute(
        text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)"), {"names": [*LIMITS]}
    )
    kept = {row.name: row.setting for row in found}
    return [name for name, value in LIMITS.items() if kept[name] != value]


def collects_money(db: Session) -> bool:
    """Tell whether the program that this session belongs to collects money (PAY_MODE=on)."""
    return bool(db.get_bind().get_execution_options().get(_COLLECTS, False))


def own_account(db: Session | Connection) -> str:
    """Return the original ID of the official account that this program serves; empty where it serves every one."""
    bind = db.get_bind() if isinstance(db, Session) else db
    found: str = bind.get_execution_options().get(_ACCOUNT, "")
    return found


def order_money_frozen_for(db: Session) -> timedelta:
    """Return how long WeChat Pay keeps what is paid for an order frozen; nothing where orders are not paid online."""
    found: timedelta = db.get_bind().get_execution_options().get(_FROZEN_FOR, timedelta(0))
    return found


@contextmanager
def snapshot(url: str | URL) -> Iterator[Connection]:
    """Open a read-only connection that sees one consistent state of the database; it holds up no writer.

    Its statements may take as long as they need, also where the server or a pooler sets limits: so may pg_dump, which
    holds the same snapshot while this connection waits.
    """
    with _reader(url).connect() as connection:
        for limit in _TIMES:
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
        yield connection


@lru_cache(maxsize=8)
def _reader(url: str | URL) -> Engine:
    # It keeps no connection, but what it has compiled: a third of the time that a check of the books takes.
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": 3})
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def stream(connection: Connection, statement: Executable) -> Iterator[Row[Any]]:
    """Fetch the rows a batch at a time, as they are read; several streams may be open on one connection."""
    with connection.execute(statement, execution_options={"stream_results": True, "yield_per": _BATCH}) as rows:
        yield from rows
