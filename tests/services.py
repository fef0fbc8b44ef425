"""Freshly migrated databases on the real servers that the tests bring along."""

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

Migrate = Callable[[str], Any]


class PostgresDatabases:
    """Databases of one server, each a copy of one that was migrated once."""

    def __init__(self, server_url: str, migrate: Migrate) -> None:
        self._server = make_url(server_url).set(drivername="postgresql")
        self._migrate = migrate
        # The server may be shared with other runs.
        self._prefix = f"bangfu_test_{os.getpid()}_{secrets.token_hex(4)}"
        self._made = 0
        self._template = ""

    def create(self) -> str:
        """The url of a new database at the newest revision. It is the caller's to drop."""
        if not self._template:
            template = self._copy("template0")
            self._migrate(self._url(template))
            self._template = template
        return self._url(self._copy(self._template))

    def drop(self, url: str) -> None:
        """Also if somebody is still connected to it."""
        name = make_url(url).database or ""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self) -> None:
        if self._template:
            self.drop(self._url(self._template))
            self._template = ""

    def _copy(self, template: str) -> str:
        self._made += 1
        name = f"{self._prefix}_{self._made}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: sql.Composed) -> None:
        url = self._server.render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


class SqliteDatabases:
    """Database files in one folder, each a copy of one that was migrated once."""

    def __init__(self, folder: Path, migrate: Migrate) -> None:
        self._folder = folder
        self._migrate = migrate
        self._made = 0

    def create(self) -> str:
        """The url of a new database at the newest revision. It is the caller's to drop."""
        template = self._folder / "template.db"
        if not template.exists():
            self._migrate(f"sqlite:///{template}")
        self._made += 1
        path = self._folder / f"{self._made}.db"
        # Unlike a copy of the file, a backup has what still lies in the write-ahead log.
        with closing(sqlite3.connect(template)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.unlink(f"{make_url(url).database}{ending}")

    def close(self) -> None:
        self.drop(f"sqlite:///{self._folder / 'template.db'}")
