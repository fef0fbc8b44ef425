"""Fetch photos from WeChat to our own storage, save them anew, and delete them when their owner is erased."""

import io
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from PIL import Image, ImageOps
from rq.timeouts import BaseTimeoutException
from sqlalchemy import Connection, Engine, LargeBinary, select, type_coerce, update
from sqlalchemy.orm import Session

from bot.photos.files import PhotoFiles
from bot.photos.fingerprint import fingerprint_of
from bot.storage.interface import NoSuchFile, Storage, StorageTrouble
from bot.wechat.client import MediaUnusable, WeChatApi
from bot.wechat.policy import Action, Unreachable, WeChatError
from bot.work.clock import Clock, true_now
from models.core.database import own_account
from models.core.encryption import CannotOpen, keyring
from models.oversight.image_match import flag_matches
from models.people.conversation import SESSION, Conversation
from models.people.photo import Photo, fingerprint_columns
from models.proxy.act import request_new_sheet

log = structlog.get_logger()

# WeChat keeps a picture for three days after it was sent.
WECHAT_KEEPS = timedelta(days=3)
# The next try is made after half as long as the photo has waited: soon at first, then ever more rarely.
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(minutes=2), timedelta(hours=2)
# Answers of WeChat that say nothing about the picture: busy, a dead token, a used up quota, a wrong set-up.
_NOT_ABOUT_IT = {
    Action.RETRY_LATER,
    Action.RENEW_TOKEN,
    Action.DISABLE_FEATURE,
    Action.STOP_UNTIL_RESET,
    Action.WAIT_A_MINUTE,
}
# How long photos of an unfinished draft are kept; the draft itself lives thirty days.
DRAFT_PHOTOS_LAST = timedelta(days=31)
LARGEST_SIDE = 1_600
# What phones send. Pillow's other readers are not needed, and some start other programs.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
# A decoded picture takes up to four bytes a pixel, twice: some 320 MB at this size, more than any phone sends.
MOST_PIXELS = 40_000_000


class NotAPicture(Exception):
    """The file is no image, a broken one, or one made to fill the memory."""


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A photo that is being fetched. ``copied``: the path of the file that it repeats, if it repeats one."""

    id: int
    media_id: str
    copied: str | None


def pause_after(waited: timedelta) -> timedelta:
    """Return how long to wait for the next try of a photo that was sent ``waited`` ago."""
    return min(max(waited / 2, SHORTEST_PAUSE), LONGEST_PAUSE)


class Photos:
    """Fetches and deletes photos. ``storage``: where they are kept."""

    def __init__(self, database: Engine, api: WeChatApi, storage: Storage, clock: Clock = true_now) -> None:
        self.database = database
        self.api = api
        self.files = PhotoFiles(storage)
        self._clock = clock

    def fetch(self, photo_id: int) -> None:
        """Fetch a photo from WeChat, or a copy from our storage, without its metadata (place and camera).

        It is lost when its file is no picture, or when WeChat still refuses it after three days. While the network,
        the platform or the storage is away nobody has refused it, and no try is counted.
        """
        photo = self._claim(photo_id)
        if photo is None:
            return
        try:
            content = self.files.read(photo.copied) if photo.copied else self.api.download(photo.media_id).content
            path, found = self._keep(photo_id, content)
        except (MediaUnusable, NotAPicture, NoSuchFile) as error:
            log.warning("photo.lost", photo=photo_id, error=type(error).__name__)
            self._settle(photo_id, "lost", None)
        except (Unreachable, StorageTrouble) as error:
            self._put_off(photo_id, type(error).__name__)
        except WeChatError as error:
            if error.action in _NOT_ABOUT_IT:
                self._put_off(photo_id, str(error.code))
            else:
                log.warning("photo.not_fetched", photo=photo_id, code=error.code)
        else:
            self._settle(photo_id, "kept", path, found)

    def _claim(self, photo_id: int) -> _Claimed | None:
        """Count the try that begins now: one whose worker dies must not be made again and again.

        Returns None where there is nothing to fetch, or no longer: a photo refused for three days is lost.
        """
        with Session(self.database) as db, db.begin():
            photo, now = db.get(Photo, photo_id, with_for_update=True), self._clock()
            if photo is None or photo.state != "owed" or not photo.is_of(own_account(db)):
                return None
            waited = now - photo.created_at
            if photo.tries and waited >= WECHAT_KEEPS:
                photo.state = "lost"
                request_new_sheet(db, photo_id, now)
                log.warning("photo.lost", photo=photo_id, tries=photo.tries)
                return None
            photo.tries += 1
            photo.try_at = now + pause_after(waited)
            source = db.get(Photo, photo.copy_of) if photo.copy_of else None
            return _Claimed(photo.id, photo.media_id, source.path if source else None)

    def _put_off(self, photo_id: int, why: str) -> None:
        """Take back the try that was counted: nobody has refused the picture."""
        with Session(self.database) as db, db.begin():
            tried = (Photo.id == photo_id) & (Photo.state == "owed") & (Photo.tries > 0)
            db.execute(update(Photo).where(tried).values(tries=Photo.tries - 1))
        log.warning("photo.put_off", photo=photo_id, why=why)

    def forget(self, photo_id: int) -> None:
        """Delete the file and the print of a photo whose owner was erased or whose draft is gone."""
        with Session(self.database) as db, db.begin():
            # Locked: a file that is being sealed anew would be there again.
            photo = db.get(Photo, photo_id, with_for_update=True)
            if photo is not None and photo.state == "gone" and photo.path:
                self.files.delete(photo.path)
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
            self.files.delete(path)

    def _keep(self, photo_id: int, content: bytes) -> tuple[str, int | None]:
        """Save a picture anew from its pixels, upright, so that nothing else is kept. Return its path and print.

        Raises NotAPicture or StorageTrouble.
        """
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise NotAPicture("too many pixels")
                picture.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
                upright = ImageOps.exif_transpose(picture)
                upright.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
                pixels = upright.convert("RGBA")
        except (NotAPicture, BaseTimeoutException):  # the job's time ran out, which says nothing about the file
            raise
        except Exception as error:  # on a file made to break them, Pillow's readers raise anything
            raise NotAPicture(type(error).__name__) from None
        plain = Image.new("RGB", pixels.size, "white")
        plain.paste(pixels, mask=pixels)
        written = io.BytesIO()
        plain.save(written, "JPEG", quality=85)
        name = f"{photo_id % 1000:03}/{photo_id}-{secrets.token_hex(8)}.jpg"
        return self.files.write(name, written.getvalue()), fingerprint_of(plain)


def owed_photos(connection: Connection, now: datetime, most: int) -> list[int]:
    """List photos whose next try is due, the longest due first."""
    owed = (Photo.state == "owed") & (Photo.try_at <= now)
    if account := own_account(connection):
        owed &= Photo.account.is_(None) | (Photo.account == account)
    return list(connection.scalars(select(Photo.id).where(owed).order_by(Photo.try_at, Photo.id).limit(most)))


def gone_photos(connection: Connection, most: int) -> list[int]:
    """List photos to be deleted from the storage."""
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
