"""Keep a whole database of the demo in one compressed file, and fill an empty one with it in seconds.

The file is an xz stream: a line of JSON that says what is in it, then each table's rows as COPY writes them. It is
loaded at the revision at which it was written, and upgraded from there as any database is.
"""

import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Cursor
from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy.orm import Session

from bot.words.lexicon import CONFIG
from models.migrations import current, upgrade
from models.people.user import User

PREPARED = CONFIG / "demo" / "year.xz"
# The demo needs none of their rows: replies to messages that are not delivered again, failed jobs, sessions.
_LEFT_OUT = ("alembic_version", "turns", "broken_sessions", "dead_jobs", "desk_sessions", "desk_sign_ins")
_CHUNK = 1 << 20
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 26}]


class NotEmpty(Exception):
    """The database has registered users, whom loading would delete."""


@dataclass(frozen=True)
class Contents:
    """``revision``: of the schema. ``at``: the time at which it ends. ``tables``: name, columns, bytes of rows."""

    revision: str
    at: datetime
    tables: list[tuple[str, list[str], int]]
    sequences: dict[str, int]


def write_dump(database: Engine, path: Path, at: datetime) -> None:
    """Write all of it to the file, which is replaced when it is whole."""
    new = path.with_suffix(".new")
    with database.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        names = _tables(connection)
        rows = {name: _rows(connection, name, columns) for name, columns in names.items()}
        head = {
            "revision": current(connection),
            "at": at.isoformat(),
            "tables": [(name, columns, len(rows[name])) for name, columns in names.items()],
            "sequences": _sequences(connection),
        }
    with lzma.open(new, "wb", filters=_FILTERS) as file:
        file.write(json.dumps(head).encode() + b"\n")
        for name in names:
            file.write(rows[name])
    new.replace(path)


def read_contents(path: Path = PREPARED) -> Contents:
    """Read what is in the file. Raises OSError, lzma.LZMAError, ValueError."""
    with lzma.open(path, "rb") as file:
        return _contents(file)


def is_empty(database: Engine) -> bool:
    """Tell whether the database has no schema yet, or no registered user."""
    if not inspect(database).has_table(User.__tablename__):
        return True
    with Session(database) as db:
        return db.scalar(select(User.id).limit(1)) is None


def load_dump(database: Engine, url: str, path: Path = PREPARED) -> Contents:
    """Fill an empty database (``is_empty``), which may be of any revision, and upgrade it to today's.

    It drops what tables there are. Triggers and foreign keys are switched off meanwhile, which only the server's owner
    can do. Raises NotEmpty.
    """
    if not is_empty(database):
        raise NotEmpty
    with lzma.open(path, "rb") as file:
        contents = _contents(file)
        with database.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        upgrade(url, contents.revision)
        with database.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text(f"TRUNCATE {', '.join(name for name, _, _ in contents.tables)} CASCADE"))
            for name, columns, size in contents.tables:
                _copy_in(_cursor(connection), name, columns, file, size)
            for name, value in contents.sequences.items():
                connection.execute(text("SELECT setval(:name, :value)"), {"name": name, "value": value})
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    upgrade(url)
    return contents


def _contents(file: Any) -> Contents:
    head = json.loads(file.readline())
    tables = [(name, columns, size) for name, columns, size in head["tables"]]
    return Contents(head["revision"], datetime.fromisoformat(head["at"]), tables, head["sequences"])


def _tables(connection: Connection) -> dict[str, list[str]]:
    """Return the columns of every table that is kept, but for those that the database computes."""
    found = connection.execute(
        text(
            "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            " AND is_generated = 'NEVER' ORDER BY table_name, ordinal_position"
        )
    )
    tables: dict[str, list[str]] = {}
    for table, column in found:
        if table not in _LEFT_OUT:
            tables.setdefault(table, []).append(column)
    return tables


def _sequences(connection: Connection) -> dict[str, int]:
    found = text("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1")
    return {name: value for name, value in connection.execute(found) if value is not None}


def _rows(connection: Connection, table: str, columns: list[str]) -> bytes:
    """Return the table's rows, sorted by the first column, which is its key or begins it."""
    wanted = f"COPY (SELECT {_list(columns)} FROM {table} ORDER BY {_list(columns)}) TO STDOUT"  # noqa: S608
    with _cursor(connection).copy(wanted) as copy:
        return b"".join(bytes(part) for part in copy)


def _copy_in(cursor: Cursor[Any], table: str, columns: list[str], file: Any, size: int) -> None:
    with cursor.copy(f"COPY {table} ({_list(columns)}) FROM STDIN") as copy:
        for length in _parts(size):
            copy.write(file.read(length))


def _parts(size: int) -> Iterator[int]:
    while size > 0:
        yield min(size, _CHUNK)
        size -= _CHUNK


def _list(columns: list[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _cursor(connection: Connection) -> Cursor[Any]:
    return connection.connection.cursor()  # type: ignore[return-value]
