"""Make the copies of approved photos that anybody may load, and delete them once they may not be shown.

They lie beside the sealed photos in a folder of their own, unsealed, under random names: in two widths, as WebP and as
JPEG, made anew from the pixels, so that nothing else of the photo is in them.
"""

import io
from collections.abc import Callable
from datetime import datetime

import structlog
from PIL import Image
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.photos.files import PhotoFiles
from bot.photos.stray_files import old_batches
from bot.storage.interface import NoSuchFile, Storage, StorageTrouble
from models.people.photo import Photo
from models.public.photos import (
    FORMATS,
    PhotoReview,
    file_name,
    files_of,
    known_names,
    lock_review,
    may_be_shown,
    reviews_of_photo,
    settle,
    sizes_of,
)

log = structlog.get_logger()

FOLDER = "public"
QUALITY = {"webp": 78, "jpeg": 80}
# A name has 32 characters of 0 to 9 and a to f; its file lies on one of a thousand shelves, as photos do.
_SHELVES = 1_000

Size = tuple[int, int]


def public_storage(files: PhotoFiles) -> Storage:
    """Return the storage of the copies, beside the sealed photos."""
    return files.storage.below(FOLDER)


def path_of(file: str) -> str:
    """Return where a copy lies in its folder. ``file``: as models.public.photos names it."""
    return f"{int(file[:32], 16) % _SHELVES:03}/{file}"


class PublicCopies:
    """Keeps the copies as the decisions on photos want them. ``files``: the sealed photos."""

    def __init__(self, database: Engine, files: PhotoFiles, clock: Callable[[], datetime]) -> None:
        self.database, self.files, self.clock = database, files, clock
        self.storage = public_storage(files)

    def keep_up(self, review_id: int) -> None:
        """Make the copies if the photo may be shown, delete them if it may not; again changes nothing.

        While the storage is away nothing is recorded, and the sweep asks again.
        """
        try:
            copies, size = self._draw(review_id)
            with Session(self.database) as db, db.begin():
                # Locked: what is taken down meanwhile waits for us, and its own job deletes what we write.
                review = lock_review(db, review_id)
                if review is None or review.name is None:
                    return
                if may_be_shown(db, review, self.clock()):
                    if size is None:
                        return  # it became public a moment ago: the next look makes them
                    for path, content in copies.items():
                        self.storage.write(path, content)
                    settle(db, review, self.clock(), size)
                else:
                    self._delete(review.name)
                    settle(db, review, self.clock(), None)
        except StorageTrouble as error:
            log.warning("public_photo.put_off", review=review_id, why=str(error))
        except NoSuchFile:
            log.warning("public_photo.no_file", review=review_id)

    def forget(self, photo_id: int) -> None:
        """Bring the copies of a photo that is gone in line with that: delete them."""
        with Session(self.database) as db:
            reviews = reviews_of_photo(db, photo_id)
        for review in reviews:
            self.keep_up(review)

    def sweep_strays(self, now: datetime) -> int:
        """Delete copies that no decision names, a day after they were written. ``now``: the true time."""
        deleted = 0
        for paths in old_batches(self.storage, now):
            with Session(self.database) as db:
                known = known_names(db, {_name(path) for path in paths})
            for path in paths:
                if _name(path) not in known:
                    self.storage.delete(path)
                    deleted += 1
        if deleted:
            log.info("public_photos.strays_deleted", count=deleted)
        return deleted

    def _draw(self, review_id: int) -> tuple[dict[str, bytes], Size | None]:
        """Return the copies by path and the picture's size; none where they are there, or may not be shown."""
        with Session(self.database) as db:
            review = db.get(PhotoReview, review_id)
            if review is None or review.name is None or not may_be_shown(db, review, self.clock()):
                return {}, None
            made, name, path = files_of(review), review.name, db.get_one(Photo, review.photo_id).path
            size = (review.width or 0, review.height or 0)
        if made and {path_of(file) for file in made} <= set(self._written(name)):
            return {}, size
        if path is None:
            raise NoSuchFile(str(review_id))
        return draw_copies(name, self.files.read(path))

    def _delete(self, name: str) -> None:
        """Delete whatever was ever written under the name: a job that was killed recorded nothing."""
        for path in self._written(name):
            self.storage.delete(path)

    def _written(self, name: str) -> list[str]:
        return [file.path for file in self.storage.files(path_of(f"{name}-"))]


def draw_copies(name: str, content: bytes) -> tuple[dict[str, bytes], Size]:
    """Draw the copies of a picture from its pixels: the files by path, and the picture's own size."""
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
        pixels = picture.convert("RGB")
    plain = Image.new("RGB", pixels.size)
    plain.paste(pixels)  # the pixels alone: no EXIF, no profile, no comment
    copies = {}
    for size in sizes_of(*plain.size):
        small = plain if size == plain.size else plain.resize(size, Image.Resampling.LANCZOS)
        for kind in FORMATS:
            more = {"method": 4} if kind == "webp" else {"optimize": True, "progressive": True}
            written = io.BytesIO()
            small.save(written, kind.upper(), quality=QUALITY[kind], **more)
            copies[path_of(file_name(name, size[0], kind))] = written.getvalue()
    return copies, plain.size


def _name(path: str) -> str:
    return path.partition("/")[2].partition("-")[0]
