"""Copy the photos and their public copies from a folder into another storage, while the bot runs.

Each photo is copied under its row's lock, so that one which is erased or sealed anew meanwhile is not brought back as
it was. A copy that is there already is left alone, unless an older key sealed it. So it may be stopped at any time and
run again, before and after the processes go over to the other storage.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, Engine, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.photos.files import HEAD, is_sealed
from bot.photos.public_copies import FOLDER, path_of
from bot.storage.interface import NoSuchFile, Storage
from models.core.encryption import keyring
from models.people.photo import Photo, lies_open
from models.public.photos import PhotoReview, files_of, lock_review

log = structlog.get_logger()

_BATCH = 500


class LiesOpen(Exception):
    """Photos from before 0.3 lie open, and would in the bucket: they are sealed first (bot.photos.sealing)."""


@dataclass(slots=True)
class Copied:
    """How many files were copied. ``missing``: photos that are in neither storage; the log names them."""

    photos: int = 0
    public: int = 0
    missing: int = 0


def copy_media(database: Engine, source: Storage, target: Storage) -> Copied:
    """Copy what the database names and the target lacks. Raises StorageTrouble (what was copied stays) or LiesOpen."""
    with Session(database) as db:
        if db.scalar(select(exists().where(lies_open()).select_from(Photo))):
            raise LiesOpen
    done = Copied()
    for number in _numbers(database, Photo.id, (Photo.state == "kept") & Photo.path.is_not(None)):
        _copy_photo(database, number, source, target, done)
    here, there = source.below(FOLDER), target.below(FOLDER)
    for number in _numbers(database, PhotoReview.id, PhotoReview.made_at.is_not(None)):
        with Session(database) as db, db.begin():
            review = lock_review(db, number)
            # One that is nowhere is drawn anew by the worker.
            paths = [path_of(file) for file in files_of(review)] if review else []
            done.public += sum(_copy(here, there, path) == "copied" for path in paths)
    log.info("photos.copied", photos=done.photos, public=done.public, missing=done.missing)
    return done


def _copy_photo(database: Engine, number: int, source: Storage, target: Storage, done: Copied) -> None:
    with Session(database) as db, db.begin():
        photo = db.get(Photo, number, with_for_update=True)
        if photo is None or photo.state != "kept" or photo.path is None:
            return
        result = _copy(source, target, photo.path)
    done.photos += result == "copied"
    if result == "missing":
        done.missing += 1
        log.warning("photos.no_file", photo=number)


def _copy(source: Storage, target: Storage, path: str) -> str:
    """Copy a file that the target lacks; tell whether it was ``copied``, is ``there``, or is ``missing`` in both."""
    there = _head(target, path)
    if there is not None and (not is_sealed(path) or keyring().is_newest(there)):
        return "there"
    here = _head(source, path)
    if here is None:
        return "missing" if there is None else "there"
    # What was sealed anew over there is not put back under a key that is about to go.
    if there is not None and not keyring().is_newest(here):
        return "there"
    target.write(path, source.read(path))
    return "copied"


def _head(storage: Storage, path: str) -> bytes | None:
    """Return a file's first bytes, which tell the key that sealed it; None where there is no file."""
    try:
        return storage.read(path, HEAD)
    except NoSuchFile:
        return None


def _numbers(database: Engine, column: InstrumentedAttribute[int], wanted: ColumnElement[bool]) -> Iterator[int]:
    last = 0
    while True:
        page = select(column).where(wanted, column > last).order_by(column).limit(_BATCH)
        with database.connect() as connection:
            numbers = list(connection.scalars(page))
        yield from numbers
        if len(numbers) < _BATCH:
            return
        last = numbers[-1]
