"""Load a backup into an empty database and the storage of photos.

The photos come first, and the database in one transaction: a restore that was cut off can be run again as it was.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, text

from bot.storage.interface import Storage
from bot.upkeep.backup.manifest import DATABASE, PHOTOS, Manifest
from bot.upkeep.backup.photo_archive import unpack_photos
from bot.upkeep.backup.postgres_programs import run_program, server_version
from models.core.encryption import keyring
from models.migrations import revisions

_OURS = text(
    "SELECT count(*) FROM pg_tables WHERE schemaname <> 'information_schema' AND NOT starts_with(schemaname, 'pg_')"
)


class CannotRestore(Exception):
    """The backup does not go where it is to go. The words are for the operator."""


def check_place(database: Engine, manifest: Manifest) -> None:
    """Demand an empty database, and a release that knows the backup's schema. Raises CannotRestore."""
    with database.connect() as connection:
        if tables := connection.scalar(_OURS):
            raise CannotRestore(
                f"the database is not empty: {tables} tables stand in it. Make a new one (createdb), and name it in "
                "DATABASE_URL"
            )
    if manifest.migration not in revisions():
        raise CannotRestore(f"this release is older than the backup: it does not know migration {manifest.migration}")


def check_keys(manifest: Manifest) -> None:
    """Demand the data keys that sealed something in the backup. Raises CannotRestore."""
    if lacking := {name: count for name, count in manifest.keys.items() if name not in keyring().names}:
        names = ", ".join(f"{name} ({count} values and photos)" for name, count in sorted(lacking.items()))
        raise CannotRestore(
            f"DATA_KEYS lacks a key of this backup: {names}. Without it they never open again: find the key, and put "
            f"it into DATA_KEYS. There now: {', '.join(keyring().names)}"
        )


def load(database: Engine, storage: Storage, source: Path, manifest: Manifest) -> int:
    """Load photos and database; return how many photos. Raises NoBackup, StorageTrouble, ProgramFailed."""
    photos = unpack_photos(source / PHOTOS, storage) if PHOTOS in manifest.files else 0
    with database.connect() as connection:
        server = server_version(connection)
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    run_program("pg_restore", server, database.url, [*options, str(source / DATABASE)])
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _analyze(connection)
    return photos


def _analyze(connection: Connection) -> None:
    """Have the planner know the tables, which a dump does not tell it."""
    connection.execute(text("SET statement_timeout = 0"))
    connection.execute(text("ANALYZE"))
    connection.execute(text("RESET statement_timeout"))
