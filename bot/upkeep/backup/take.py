"""Take a backup: the database in one snapshot, beside which the bot goes on, and the photos that it names.

All is written below a temporary name, ``….part``, and synced; only what is whole gets the name that was asked for.
"""

import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from bot.storage.interface import Storage
from bot.upkeep.backup.manifest import DATABASE, PHOTOS, Manifest, measure, write_manifest
from bot.upkeep.backup.photo_archive import Archived, archive_photos, named_photos
from bot.upkeep.backup.postgres_programs import run_program, server_version
from models.books.chains import CHAINS, read_head
from models.core.database import snapshot
from models.migrations import current
from models.tables import metadata
from models.upkeep.sealed_values import keys_in_use

PART = ".part"
_OURS_ALONE = 0o077
_MOMENT = text("SELECT transaction_timestamp()")
_EXPORT = text("SELECT pg_export_snapshot()")
_TABLES = text(
    "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
    " WHERE schemaname <> 'information_schema' AND NOT starts_with(schemaname, 'pg_') ORDER BY 1"
)


class CannotBackUp(Exception):
    """The place for the backup cannot be used. The words are for the operator."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the snapshot shows of the database."""

    at: datetime
    migration: str
    heads: dict[str, str]
    tables: dict[str, int]
    keys: dict[str, int]


def take_backup(database: Engine, storage: Storage | None, target: Path) -> Manifest:
    """Write a backup to the folder ``target``, which must not exist. ``storage``: the photos; None: without them.

    Raises CannotBackUp, ProgramFailed, StorageTrouble and OSError, and leaves nothing that looks like a backup.
    """
    with _growing(target) as part:
        with snapshot(database.url) as connection:
            seen = look(connection)
            photos = list(named_photos(connection)) if storage else []
            options = [f"--snapshot={connection.scalar(_EXPORT)}", "--format=custom", "--no-owner", "--no-privileges"]
            dump = [*options, f"--file={part / DATABASE}"]
            run_program("pg_dump", server_version(connection), database.url, dump)
        archived = archive_photos(database, storage, photos, part / PHOTOS) if storage else Archived()
        manifest = Manifest(
            at=seen.at,
            migration=seen.migration,
            heads=seen.heads,
            tables=seen.tables,
            keys=dict(Counter(seen.keys) + archived.keys),
            photos=archived.count,
            missing=tuple(archived.missing),
            files={path.name: measure(path) for path in sorted(part.iterdir())},
        )
        write_manifest(part, manifest)
    return manifest


def look(connection: Connection) -> Seen:
    """Read what a backup of this snapshot has to hold."""
    at: datetime = connection.execute(_MOMENT).scalar_one()
    return Seen(
        at=at.astimezone(UTC),
        migration=current(connection) or "",
        heads=read_heads(connection),
        tables=count_rows(connection),
        keys=keys_in_use(connection, metadata),
    )


def read_heads(connection: Connection) -> dict[str, str]:
    """Return the heads of both chains, as check-books prints them."""
    found = {chain.name: read_head(connection, chain.head) for chain in CHAINS}
    return {chain: f"{head[0]}:{head[1]}" for chain, head in found.items() if head}


def count_rows(connection: Connection) -> dict[str, int]:
    """Count the rows of every table."""
    names = list(connection.scalars(_TABLES))
    return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in names}  # noqa: S608


@contextmanager
def _growing(target: Path) -> Iterator[Path]:
    """Make a folder of a temporary name; once the block is done, sync it and give it its own. Raises CannotBackUp."""
    if target.exists():
        raise CannotBackUp(f"{target} is there already; each backup gets a folder of its own")
    part = target.with_name(target.name + PART)
    before = os.umask(_OURS_ALONE)
    try:
        part.mkdir(parents=True, exist_ok=True)
        with _locked(part):
            try:
                for left in part.iterdir():  # by one that was killed
                    left.unlink()
                yield part
                for path in (*part.iterdir(), part):
                    _sync(path)
                part.rename(target)
                _sync(target.parent)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
    finally:
        os.umask(before)


@contextmanager
def _locked(part: Path) -> Iterator[None]:
    """Lock the folder for this process, so that two backups never write into one. Raises CannotBackUp."""
    opened = os.open(part, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotBackUp(f"another backup is writing to {part}") from None
        yield
    finally:
        os.close(opened)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
