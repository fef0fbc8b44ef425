"""Delete the files of photos that no row names: of fetches that were killed, and of photos whose file was replaced."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from string import digits

import structlog
from sqlalchemy import Engine, select

from bot.storage.interface import Storage
from models.people.photo import Photo

log = structlog.get_logger()

# A file is written before its row names it; a fetch takes minutes at most.
STRAY_AFTER = timedelta(days=1)
# More strays than these, and than files with a row, are no rubbish: the database is another than the storage's.
MOST_STRAYS = 20
_BATCH = 1_000
# Where the store puts its files: a thousand shelves, by the photo's number.
_SHELVED = re.compile(r"\d{3}/[^/]+$")


def sweep_stray_files(database: Engine, storage: Storage, now: datetime) -> int:
    """Delete stray files and return how many there were. ``now``: the true time, which the files' dates are in."""
    strays, known = [], 0
    for paths in old_batches(storage, now):
        named = _named(database, paths)
        known += len(named)
        strays += [path for path in paths if path not in named]
    if len(strays) > MOST_STRAYS and len(strays) > known:
        log.error("photos.strays_left_alone", strays=len(strays), named=known)
        return 0
    for path in strays:
        storage.delete(path)
    if strays:
        log.info("photos.strays_deleted", count=len(strays))
    return len(strays)


def old_batches(storage: Storage, now: datetime) -> Iterator[list[str]]:
    """Yield the paths of the files that may be strays by their age, a batch at a time; the last may be empty."""
    batch: list[str] = []
    for path in _old_files(storage, (now - STRAY_AFTER).timestamp()):
        batch.append(path)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch


def _old_files(storage: Storage, before: float) -> Iterator[str]:
    """List the paths of the store's files, half-written ones too, that were last written ``before`` (epoch)."""
    for digit in digits:
        for file in storage.files(digit):
            if _SHELVED.match(file.path) and file.written < before:
                yield file.path


def _named(database: Engine, paths: list[str]) -> set[str]:
    """Return those paths that a row names; it is found by the photo's number, with which a file's name begins."""
    numbers = {int(number) for path in paths if (number := path[4:].partition("-")[0]).isdecimal()}
    with database.connect() as connection:
        found = connection.scalars(select(Photo.path).where(Photo.id.in_(numbers), Photo.path.is_not(None)))
        return {path for path in found if path} & set(paths)
