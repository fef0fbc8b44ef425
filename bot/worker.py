"""What the worker does: the jobs themselves, and the sweep that finds what Redis lost.

Every job takes one id and may run twice: it looks at the row first.
"""

import io
import secrets
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import structlog
from PIL import Image, ImageOps
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import Connection, LargeBinary, delete, select, type_coerce, update
from sqlalchemy.orm import Session

from bot import books, cards
from bot.jobs import QUEUE, Jobs, open_redis
from bot.prints import print_of
from bot.registry import make_registry
from bot.tending import tend
from bot.verifying import check_registry as ask_registry
from bot.wechat.client import MediaUnusable, WeChatApi, open_session
from bot.wechat.policy import Unreachable, WeChatError
from bot.wechat.token import TokenManager
from config.settings import Settings
from models.appeal import close_overdue
from models.conversation import Conversation, Turn
from models.database import connect
from models.likeness import flag_look_alikes
from models.photo import Photo, printed
from models.progress import due_for_registry
from models.proxy import sheet_lost
from models.sealing import CannotOpen, Keyring, keyring, use_keyring

log = structlog.get_logger()

# A picture is asked for this often; WeChat keeps it three days.
MOST_TRIES = 20
OWED_AFTER = timedelta(minutes=2)
# WeChat's last delivery of a message comes some fifteen seconds after the first; a day is plenty.
REPLIES_LAST = timedelta(days=1)
TURNS_LAST = timedelta(days=30)
# Of a draft that was never finished; the draft itself lives thirty days.
DRAFT_PHOTOS_LAST = timedelta(days=31)
LARGEST_SIDE = 1_600
# What phones send. Pillow's other readers are more than we need, and some start other programs.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
# Opened, a picture takes up to four bytes a pixel, twice: some 320 MB at this size, more than any phone sends.
MOST_PIXELS = 40_000_000
SWEEP_EVERY = 60
MOST_SWEPT = 500


class NotAPicture(Exception):
    """What came is no image, a broken one, or one made to fill the memory."""


class Errands:
    """The jobs with what they need: database, WeChat's API, and where photos go."""

    def __init__(self, settings: Settings) -> None:
        use_keyring(Keyring.parse(settings.data_keys.get_secret_value()))
        self.database = connect(settings.database_url, pool_size=2)
        self._redis = open_redis(settings.redis_url)
        self.api = make_api(settings, self._redis)
        self.folder = Path(settings.media_dir)
        self.jobs = Jobs(settings.redis_url)
        self.registry = make_registry(settings, self.database, self._redis)

    def close(self) -> None:
        self.database.dispose()
        self._redis.close()
        self.jobs.redis.close()

    def fetch_photo(self, photo_id: int) -> None:
        """Bring a picture from WeChat to our own disk, without what its file tells of place and camera."""
        with Session(self.database) as db, db.begin():
            photo = db.get(Photo, photo_id)
            if photo is None or photo.state != "owed":
                return
            photo.tries += 1
            media_id, tries = photo.media_id, photo.tries
            if tries > MOST_TRIES:
                photo.state = "lost"
                sheet_lost(db, photo_id, datetime.now(UTC))
                log.warning("photo.lost", photo=photo_id)
                return
        try:
            path, found = self._keep(photo_id, self.api.download(media_id).content)
        except (MediaUnusable, NotAPicture) as error:
            log.warning("photo.lost", photo=photo_id, error=type(error).__name__)
            self._settle(photo_id, "lost", None)
        except (WeChatError, Unreachable) as error:
            log.warning("photo.not_fetched", photo=photo_id, error=type(error).__name__, tries=tries)
        else:
            self._settle(photo_id, "kept", path, found)

    def check_registry(self, verification_id: int) -> None:
        """Ask the registry about the resident of a case."""
        ask_registry(self.database, self.registry, verification_id)

    def forget_photo(self, photo_id: int) -> None:
        """Delete a picture whose owner was erased, or whose draft is gone."""
        with Session(self.database) as db, db.begin():
            photo = db.get(Photo, photo_id)
            if photo is not None and photo.state == "gone" and photo.path:
                (self.folder / photo.path).unlink(missing_ok=True)
                photo.path = None
                for column, nothing in printed(None).items():
                    setattr(photo, column, nothing)

    def deliver(self, notice_ids: list[int]) -> None:
        """Until there is a channel, a notice waits for its person's next message."""

    def _settle(self, photo_id: int, state: str, path: str | None, found: int | None = None) -> None:
        """Not if its owner was erased meanwhile; then the file goes again. ``found``: the picture's print."""
        with Session(self.database) as db, db.begin():
            owed = (Photo.id == photo_id) & (Photo.state == "owed")
            wanted = update(Photo).where(owed).values(state=state, path=path, **printed(found)).returning(Photo.id)
            settled = db.scalar(wanted)
            if settled and state == "lost":
                sheet_lost(db, photo_id, datetime.now(UTC))
            if settled and found is not None:
                flag_look_alikes(db, [photo_id], datetime.now(UTC))
        if path and not settled:
            (self.folder / path).unlink(missing_ok=True)

    def _keep(self, photo_id: int, content: bytes) -> tuple[str, int | None]:
        """Written anew from its pixels, upright, so nothing but the picture is kept: its path, and its print.

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
        return name, print_of(plain)

    def sweep(self, now: datetime | None = None) -> int:
        """Enqueue again what is owed and was lost, and let old things go. Returns how many jobs there were."""
        now = now or datetime.now(UTC)
        # Asked before the transaction: on SQLite everybody's turn waits for that, and nobody's should for Redis.
        replies_too = self._once_an_hour()
        books_too = books.is_due(self.jobs.redis, now)
        with self.database.begin() as connection:
            owed = connection.scalars(
                select(Photo.id)
                .where(Photo.state == "owed", Photo.created_at < now - OWED_AFTER)
                .order_by(Photo.tries, Photo.id)
                .limit(MOST_SWEPT)
            ).all()
            self._let_drafts_go(connection, now)
            gone = connection.scalars(
                select(Photo.id).where(Photo.state == "gone", Photo.path.is_not(None)).limit(MOST_SWEPT)
            ).all()
            connection.execute(delete(Turn).where(Turn.received_at < now - TURNS_LAST))
            with Session(connection) as db:
                close_overdue(db, now)
                db.flush()
                unasked = due_for_registry(db, now)
                no_code_yet = cards.owed_codes(db, now, MOST_SWEPT)
            if replies_too:
                old = (Turn.received_at < now - REPLIES_LAST) & Turn.reply.is_not(None)
                connection.execute(update(Turn).where(old).values(reply=None))
        jobs = [("fetch_photo", photo_id) for photo_id in owed] + [("forget_photo", photo_id) for photo_id in gone]
        jobs += [("check_registry", verification_id) for verification_id in unasked]
        jobs += [("make_card_code", card_id) for card_id in no_code_yet]
        jobs += [("check_books", int(f"{now:%Y%m%d}"))] if books_too else []
        if jobs:
            self.jobs.enqueue(jobs)
        tend(self.database, now)
        return len(jobs)

    def _let_drafts_go(self, connection: Connection, now: datetime) -> None:
        """Pictures that no draft holds any more. A draft that is taken up again keeps its own, however old."""
        old = (Photo.subject == "draft") & (Photo.created_at < now - DRAFT_PHOTOS_LAST) & (Photo.state != "gone")
        session = type_coerce(Conversation.session, LargeBinary)
        found = connection.execute(
            select(Photo.id, Photo.media_id, session)
            .join(Conversation, Conversation.id == Photo.subject_id)
            .where(old)
            .limit(MOST_SWEPT)
        )
        left = [photo for photo, media_id, sealed in found if media_id not in _opened(sealed)]
        connection.execute(update(Photo).where(Photo.id.in_(left)).values(state="gone"))

    def _once_an_hour(self) -> bool:
        """For what has to look at a month of turns. With Redis away it is done each time."""
        try:
            return bool(self.jobs.redis.set("bangfu:replies_let_go", 1, nx=True, ex=3600))
        except RedisError:
            return True


def _opened(sealed: bytes) -> str:
    """A session's JSON; one that does not open holds nothing."""
    try:
        return keyring().open(bytes(sealed), "conversations.session") if sealed else ""
    except CannotOpen:
        return ""


def make_api(settings: Settings, redis: Redis | None = None) -> WeChatApi:
    """``redis``: a connection that the caller closes."""
    http = open_session()
    redis = redis or open_redis(settings.redis_url)
    tokens = TokenManager(settings.wechat_api_url, settings.wechat_app_id, settings.wechat_app_secret, redis, http)
    return WeChatApi(settings.wechat_api_url, tokens, http)


@lru_cache(maxsize=1)
def errands() -> Errands:
    """This worker process's own."""
    return Errands(Settings())


def fetch_photo(photo_id: int) -> None:
    errands().fetch_photo(photo_id)


def forget_photo(photo_id: int) -> None:
    errands().forget_photo(photo_id)


def check_registry(verification_id: int) -> None:
    errands().check_registry(verification_id)


def make_card_code(card_id: int) -> None:
    cards.make_code(errands().database, errands().api, card_id)


def deliver(notice_ids: list[int]) -> None:
    """Push these notices."""
    errands().deliver(notice_ids)


def check_books(_day: int) -> None:
    books.check_and_tell(errands().database.url, errands().jobs.redis, datetime.now(UTC))


def sweep() -> None:
    errands().sweep()


class SweepingWorker(Worker):
    """RQ's worker, which also sweeps when it looks after itself."""

    def run_maintenance_tasks(self) -> None:
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        Queue(QUEUE, connection=self.connection, serializer=JSONSerializer).enqueue("bot.worker.sweep", result_ttl=0)


def run(settings: Settings) -> None:
    """Work until told to stop. What a killed worker had begun is still owed, and the sweep asks for it again."""
    connection = Redis.from_url(settings.redis_url)
    worker = SweepingWorker(
        [QUEUE],
        connection=connection,
        serializer=JSONSerializer,
        maintenance_interval=SWEEP_EVERY,
        worker_ttl=90,
    )
    worker.work(logging_level="WARNING")
