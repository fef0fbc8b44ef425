"""Seal the files of photos that lie open from before 0.3, and all files anew after a change of the data keys.

Each file under its row's lock and in a transaction of its own: it may be stopped at any moment and run again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.photos.files import KeyMissing, PhotoFiles, SpoiledFile
from bot.storage.interface import NoSuchFile
from models.people.photo import Photo, lies_open

log = structlog.get_logger()

_BATCH = 500


@dataclass(slots=True)
class SealedAnew:
    """How many files were sealed. ``lost``: those that do not open; they stay unchanged, and the log names them."""

    sealed: int = 0
    lost: int = 0


def seal_files(database: Engine, files: PhotoFiles, *, only_open: bool) -> SealedAnew:
    """Seal files under the newest key, ``only_open``: those that are not sealed at all. Raises StorageTrouble."""
    done = SealedAnew()
    for photo_id in _numbers(database, only_open):
        try:
            done.sealed += _seal(database, files, photo_id)
        except (KeyMissing, SpoiledFile):  # logged where it was read
            done.lost += 1
        except NoSuchFile:
            log.warning("photos.no_file", photo=photo_id)
    if done.sealed or done.lost:
        log.info("photos.sealed", count=done.sealed, lost=done.lost)
    return done


def _numbers(database: Engine, only_open: bool) -> Iterator[int]:
    wanted = lies_open() if only_open else (Photo.state == "kept") & Photo.path.is_not(None)
    last = 0
    while True:
        page = select(Photo.id).where(wanted, Photo.id > last).order_by(Photo.id).limit(_BATCH)
        with database.connect() as connection:
            numbers = list(connection.scalars(page))
        yield from numbers
        if len(numbers) < _BATCH:
            return
        last = numbers[-1]


def _seal(database: Engine, files: PhotoFiles, photo_id: int) -> bool:
    """Seal one file under the lock of its row, and tell whether it had to be sealed."""
    with Session(database) as db, db.begin():
        photo = db.get(Photo, photo_id, with_for_update=True)
        if photo is None or photo.state != "kept" or photo.path is None:
            return False
        path = files.renew(photo.path)
        if path is None:
            return False
        photo.path = path
    files.drop_open(path)
    return True
