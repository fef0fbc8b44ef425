"""Fetch photos from WeChat to our own disk, save them anew, and delete them when their owner is erased."""

import io
import secrets
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from PIL import Image, ImageOps
from sqlalchemy import Connection, Engine, LargeBinary, select, type_coerce, update
from sqlalchemy.orm import Session

from bot.photos.fingerprint import fingerprint_of
from bot.wechat.client import MediaUnusable, WeChatApi
from bot.wechat.policy import Unreachable, WeChatError
from bot.work.clock import Clock, true_now
from models.core.encryption import CannotOpen, keyring
from models.oversight.image_match import flag_matches
from models.people.conversation import SESSION, Conversation
from models.people.photo import Photo, fingerprint_columns
from models.proxy.act import request_new_sheet

log = structlog.get_logger()

# A photo is fetched at most this often; WeChat keeps it three days.
MOST_TRIES = 20
OWED_AFTER = timedelta(minutes=2)
# How long photos of an unfinished draft are kept; the draft itself lives thirty days.
DRAFT_PHOTOS_LAST = timedelta(days=31)
LARGEST_SIDE = 1_600
# What phones send. Pillow's other readers are not needed, and some start other programs.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
# A decoded picture takes up to four bytes a pixel, twice: some 320 MB at this size, more than any phone sends.
MOST_PIXELS = 40_000_000


class NotAPicture(Exception):
    """The file is no image, a broken one, or one made to fill the memory."""


class Photos:
    """Fetches and deletes photos. ``folder``: where they are kept."""

    def __init__(self, database: Engine, api: WeChatApi, folder: Path, clock: Clock = true_now) -> None:
        self.database = database
        self.api = api
        self.folder = folder
        self._clock = clock

    def fetch(self, photo_id: int) -> None:
        """Fetch a photo from WeChat, or a copy from our disk, without its metadata (place and camera)."""
        with Session(self.database) as db, db.begin():
            photo = db.get(Photo, photo_id)
            if photo is None or photo.state != "owed":
                return
            photo.tries += 1
            source = db.get(Photo, photo.copy_of) if photo.copy_of else None
            media_id, tries, there = photo.media_id, photo.tries, source.path if source else None
            if tries > MOST_TRIES:
                photo.state = "lost"
                request_new_sheet(db, photo_id, self._clock())
                log.warning("photo.lost", photo=photo_id)
                return
        try:
            content = (self.folder / there).read_bytes() if there else self.api.download(media_id).content
            path, found = self._keep(photo_id, content)
        except (MediaUnusable, NotAPicture, FileNotFoundError) as error:
            log.warning("photo.lost", photo=photo_id, error=type(error).__name__)
            self._settle(photo_id, "lost", None)
        except (WeChatError, Unreachable) as error:
            log.warning("photo.not_fetched", photo=photo_id, error=type(error).__name__, tries=tries)
        else:
            self._settle(photo_id, "kept", path, found)

    def forget(self, photo_id: int) -> None:
        """Delete the file and the print of a photo whose owner was erased or whose draft is gone."""
        with Session(self.database) as db, db.begin():
            photo = db.get(Photo, photo_id)
            if photo is not None and photo.state == "gone" and photo.path:
                (self.folder / photo.path).unlink(missing_ok=True)
                photo.path = None
                for column, nothing in fingerprint_columns(None).items():
                    setattr(photo, column, nothing)

    def _settle(self, photo_id: int, state: str, path: str | None, found: int | None = None) -> None:
        """Record the result; if the owner was erased meanwhile, delete the file. ``found``: the photo's print."""
        with Session(self.database) as db, db.begin():
            owed = (Photo.id == photo_id) & (Photo.state == "owed")
            wanted = (
                update(Photo)
                .where(owed)
                .values(state=state, path=path, **fingerprint_columns(found))
                .returning(Photo.id)
            )
            settled = db.scalar(wanted)
            if settled and state == "lost":
                request_new_sheet(db, photo_id, self._clock())
            if settled and found is not None:
                flag_matches(db, [photo_id], self._clock())
        if path and not settled:
            (self.folder / path).unlink(missing_ok=True)

    def _keep(self, photo_id: int, content: bytes) -> tuple[str, int | None]:
        """Save a picture anew from its pixels, upright, so that nothing else is kept. Return its path and print.

        Raises NotAPicture.
        """
        name = f"{photo_id % 1000:03}/{photo_id}-{secrets.token_hex(8)}.jpg"
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise NotAPicture("too many pixels")
                picture.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
                upright = ImageOps.exif_transpose(picture)
                upright.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
                pixels = upright.convert("RGBA")
        except NotAPicture:
            raise
        except Exception as error:  # on a file made to break them, Pillow's readers raise anything
            raise NotAPicture(type(error).__name__) from None
        plain = Image.new("RGB", pixels.size, "white")
        plain.paste(pixels, mask=pixels)
        plain.save(target, "JPEG", quality=85)
        return name, fingerprint_of(plain)


def owed_photos(connection: Connection, now: datetime, most: int) -> list[int]:
    """List photos that have waited to be fetched, the least tried first."""
    owed = (Photo.state == "owed") & (Photo.created_at < now - OWED_AFTER)
    return list(connection.scalars(select(Photo.id).where(owed).order_by(Photo.tries, Photo.id).limit(most)))


def gone_photos(connection: Connection, most: int) -> list[int]:
    """List photos to be deleted from the disk."""
    gone = (Photo.state == "gone") & Photo.path.is_not(None)
    return list(connection.scalars(select(Photo.id).where(gone).limit(most)))


def discard_draft_photos(connection: Connection, now: datetime, most: int) -> None:
    """Mark as gone old photos that no draft holds. A draft that is resumed keeps its photos, however old."""
    old = (Photo.subject == "draft") & (Photo.created_at < now - DRAFT_PHOTOS_LAST) & (Photo.state != "gone")
    session = type_coerce(Conversation.session, LargeBinary)
    found = connection.execute(
        select(Photo.id, Photo.media_id, session)
        .join(Conversation, Conversation.id == Photo.subject_id)
        .where(old)
        .limit(most)
    )
    left = [photo for photo, media_id, sealed in found if media_id not in _opened(sealed)]
    connection.execute(update(Photo).where(Photo.id.in_(left)).values(state="gone"))


def _opened(sealed: bytes) -> str:
    """Return a session's JSON; empty if it does not decrypt."""
    try:
        return keyring().open(bytes(sealed), SESSION.purpose) if sealed else ""
    except CannotOpen:
        return ""
