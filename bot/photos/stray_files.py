"""Delete the files of photos that no row names: of fetches that were killed, and of photos whose file was replaced."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine, select

from bot.photos.folder import PhotoFolder
from models.people.photo import Photo

log = structlog.get_logger()

# A file is written before its row names it; a fetch takes minutes at most.
STRAY_AFTER = timedelta(days=1)
# More strays than these, and than files with a row, are no rubbish: the database is another than the folder's.
MOST_STRAYS = 20
_BATCH = 1_000


def sweep_stray_files(database: Engine, folder: PhotoFolder, now: datetime) -> int:
    """Delete stray files and return how many there were. ``now``: the true time, which the files' dates are in."""
    if not folder.root.is_dir():
        return 0
    strays, known = [], 0
    for paths in old_batches(folder, now):
        named = _named(database, paths)
        known += len(named)
        strays += [path for path in paths if path not in named]
    if len(strays) > MOST_STRAYS and len(strays) > known:
        log.error("photos.strays_left_alone", strays=len(strays), named=known)
        return 0
    for path in strays:
        folder.delete(path)
    if strays:
        log.info("photos.strays_deleted", count=len(strays))
    return len(strays)


def old_batches(folder: PhotoFolder, now: datetime) -> Iterator[list[str]]:
    """Yield the paths of the files that may be strays by their age, a batch at a time; the last may be empty."""
    batch: list[str] = []
    for path in folder.old_files((now - STRAY_AFTER).timestamp()):
        batch.append(path)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch


def _named(database: Engine, paths: list[str]) -> set[str]:
    """Return those paths that a row names; it is found by the photo's number, with which a file's name begins."""
    numbers = {int(number) for path in paths if (number := path[4:].partition("-")[0]).isdecimal()}
    with database.connect() as connection:
        found = connection.scalars(select(Photo.path).where(Photo.id.in_(numbers), Photo.path.is_not(None)))
        return {path for path in found if path} & set(paths)
