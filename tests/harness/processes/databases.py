"""Freshly migrated databases on the real servers that the tests bring along."""

import os
import secrets
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

Migrate = Callable[[str], Any]
Forget = Callable[[str], None]


def end_connections(url: str) -> None:
    """End all that is connected to the database, as a server that is replaced does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


class PostgresDatabases:
    """Databases of one server, each a copy of one that was migrated once.

    ``create`` and ``drop`` make one and remove it. ``take`` and ``give_back`` lend one that others had
    before: it is brought back to what the copy was, which takes a fifth of the time.
    """

    def __init__(self, server_url: str, migrate: Migrate, forget: Forget) -> None:
        self._server = make_url(server_url).set(drivername="postgresql")
        self._migrate, self._forget = migrate, forget
        # The server may be shared with other runs.
        self._prefix = f"bangfu_test_{os.getpid()}_{secrets.token_hex(4)}"
        self._made = 0
        self._template = ""
        self._script = ""
        self._kept: dict[str, Kept] = {}
        self._lent: set[str] = set()

    def create(self) -> str:
        """The url of a new database at the newest revision. It is the caller's to drop."""
        return self._url(self._copy(self._made_template()))

    def drop(self, url: str) -> None:
        """Also if somebody is still connected to it; who keeps connections is told before."""
        self._forget(url)
        name = make_url(url).database or ""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def take(self) -> str:
        """The url of a database as ``create`` makes it: of those that nobody has, always the first."""
        url = next((known for known in self._kept if known not in self._lent), "")
        if not url:
            url = self.create()
            self._kept[url] = self._keep(url)
        elif not self._kept[url].restore():
            self._kept[url].close()
            self.drop(url)
            self._copy(self._template, make_url(url).database or "")
            self._kept[url] = self._keep(url)
        self._lent.add(url)
        return url

    def give_back(self, url: str) -> None:
        self._lent.remove(url)

    def close(self) -> None:
        for url, kept in self._kept.items():
            kept.close()
            self.drop(url)
        self._kept.clear()
        if self._template:
            self.drop(self._url(self._template))
            self._template = ""

    def _keep(self, url: str) -> "Kept":
        # Of all copies of one template it is the same, and takes longer to find out than a copy to make.
        self._script = self._script or script_to_restore(url)
        return Kept(url, self._script)

    def _made_template(self) -> str:
        if not self._template:
            template = self._copy("template0")
            self._migrate(self._url(template))
            self._template = template
        return self._template

    def _copy(self, template: str, name: str = "") -> str:
        self._made += 1
        name = name or f"{self._prefix}_{self._made}"
        # A copy of the files; the other strategy writes every page into the log as well.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._run(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: sql.Composed) -> None:
        url = self._server.render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


class Kept:
    """Bring a database back to the rows and sequences that it had when its script was written.

    All that is needed lies in the temporary schema of one connection: copies of the tables that have rows,
    and a function, so that ``restore`` is one round trip and a test finds nothing strange in its database.
    The connection is that of a replica: for it neither foreign keys nor the guards of append-only tables
    fire. To say so takes a superuser.
    """

    def __init__(self, url: str, script: str) -> None:
        options = "-c session_replication_role=replica -c lock_timeout=10s"
        self._connection = psycopg.connect(url, autocommit=True, options=options)
        self._connection.execute(script.encode())

    def restore(self) -> bool:
        """False when a new copy is the better one: it is built otherwise than it was, or much was deleted from it.

        Built otherwise: a table, an index or a trigger came, went or changed. What is deleted leaves its place behind,
        which is read over again and again. Whoever is still in a transaction there is ended first.
        """
        row = self._connection.execute("SELECT pg_temp.restore()").fetchone()
        return bool(row and row[0])

    def close(self) -> None:
        self._connection.close()


def script_to_restore(url: str) -> str:
    """What makes ``pg_temp.restore()``, which brings back what this database holds now."""
    copies, steps = [], []
    with psycopg.connect(url) as db:
        for (name,) in db.execute(_NAMES.format(kind="r")).fetchall():
            table, copy = sql.Identifier("public", name), sql.Identifier("pg_temp", f"kept_{name}")
            count = _one(db, sql.SQL("SELECT count(*) FROM {}").format(table))[0]
            if count:
                copies.append(sql.SQL("CREATE TABLE {} AS TABLE {};").format(copy, table))
                steps.append(sql.SQL(_REFILL).format(table=table, copy=copy, count=count))
            else:
                steps.append(sql.SQL(_EMPTY).format(table=table))
        for (name,) in db.execute(_NAMES.format(kind="S")).fetchall():
            state = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier("public", name))
            last, called = _one(db, state)
            steps.append(sql.SQL("PERFORM setval({}, {}, {});").format(f"public.{name}", last, called))
        objects, each = sql.SQL(_OBJECTS), sql.SQL("\n").join(steps)
        counted = _one(db, sql.SQL("SELECT {}").format(objects))[0]
        body = sql.SQL(_RESTORE).format(objects=objects, counted=counted, steps=each).as_string(db)
        create = sql.SQL("CREATE FUNCTION pg_temp.restore() RETURNS boolean LANGUAGE plpgsql AS {};").format(body)
        return sql.SQL("\n").join([*copies, create, sql.SQL(_SINCE)]).as_string(db)


def _one(db: psycopg.Connection[Any], query: sql.Composed) -> Any:
    return db.execute(query).fetchone()


_NAMES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = '{kind}' ORDER BY 1"

_OBJECTS = """
      (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    + (SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace)
    + (SELECT count(*) FROM pg_trigger)
"""

# Until then rows are known to be as they were kept: the newest transaction of ours.
_SINCE = """
SELECT set_config('kept.since', pg_current_xact_id()::text, false), set_config('kept.gone', '0', false);
"""

_EMPTY = "DELETE FROM {table}; GET DIAGNOSTICS rows = ROW_COUNT; gone := gone + rows;"

# VACUUM and ANALYZE change rows of pg_class in place, which leaves their xmin.
_RESTORE = """
DECLARE
    since xid := current_setting('kept.since')::xid;
    gone bigint := current_setting('kept.gone')::bigint;
    rows bigint;
BEGIN
    PERFORM pg_terminate_backend(pid, 10000) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND backend_type = 'client backend' AND xact_start IS NOT NULL;
    IF {objects} <> {counted}
        OR EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND age(xmin) < age(since))
        OR EXISTS (SELECT FROM pg_constraint WHERE age(xmin) < age(since))
        OR EXISTS (SELECT FROM pg_trigger WHERE age(xmin) < age(since))
    THEN
        RETURN false;
    END IF;
    {steps}
    PERFORM set_config('kept.since', pg_current_xact_id()::text, false), set_config('kept.gone', gone::text, false);
    RETURN gone < 50000;
END
"""

_REFILL = """
    IF (SELECT count(*) FROM {table}) <> {count} OR EXISTS (SELECT FROM {table} WHERE age(xmin) < age(since)) THEN
        DELETE FROM {table};
        INSERT INTO {table} SELECT * FROM {copy};
    END IF;
"""
