"""Schema changes, numbered; ``upgrade`` brings any database to today's."""

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

_HERE = Path(__file__).parent
# A turn that needs the same table queues behind a migration that waits for its lock, and gives up after 4,000 ms.
LOCK_WAIT_MS = 1_000
_TRIES, _PAUSE_SECONDS = 60, 1.0


class Held(Exception):
    """Other programs kept a migration from its locks for all its tries. What was done before it stays."""


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to this revision: by default, to today's.

    Programs may go on in it meanwhile. A migration that does not get its locks within LOCK_WAIT_MS lets them go on and
    tries again, for one to two minutes. Raises Held.
    """
    for left in reversed(range(_TRIES)):
        try:
            command.upgrade(_config(url), revision)
            break
        except OperationalError as failure:
            if not isinstance(failure.orig, LockNotAvailable | DeadlockDetected):
                raise
            if not left:
                raise Held from failure
        time.sleep(_PAUSE_SECONDS)


def head() -> str | None:
    """The newest revision that this program knows."""
    return ScriptDirectory(str(_HERE)).get_current_head()


def current(connection: Connection) -> str | None:
    """The revision that the database is at."""
    return MigrationContext.configure(connection).get_current_revision()


def revisions() -> set[str]:
    """Every revision that this program knows."""
    return {script.revision for script in ScriptDirectory(str(_HERE)).walk_revisions()}
