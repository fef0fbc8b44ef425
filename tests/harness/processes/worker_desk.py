"""A worker's context beside a simulator."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from sqlalchemy.orm import Session as Database

from bot.simulator.options import Options
from bot.simulator.simulator import Simulator
from bot.work.context import WorkerContext
from config.settings import SAMPLE_AES_KEY, SAMPLE_APP_ID, SAMPLE_APP_SECRET, SAMPLE_TOKEN
from models.core.database import connect
from models.people.photo import Photo
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import Stage, settings_for

OPTIONS = Options(
    bot_url="http://127.0.0.1:9/wechat",
    app_id=SAMPLE_APP_ID,
    app_secret=SAMPLE_APP_SECRET,
    token=SAMPLE_TOKEN,
    aes_key=SAMPLE_AES_KEY,
)


class Desk:
    """A worker with its folder, and the platform that holds the pictures."""

    def __init__(self, database_url: str, redis_url: str, folder: Path, simulator: Simulator, url: str) -> None:
        self.simulator, self.folder = simulator, folder
        ours = {"wechat_api_url": url, "media_dir": str(folder)}
        self.context = WorkerContext(settings_for(database_url, redis_url).model_copy(update=ours))
        self.database = connect(database_url)

    def owed(self, content: bytes) -> int:
        media = self.simulator.media.put("image", content)
        with Database(self.database) as db, db.begin():
            now = datetime.now(UTC) - timedelta(minutes=5)
            photo = Photo(subject="appeal", subject_id=1, media_id=media.media_id, pic_url="", created_at=now)
            db.add(photo)
            db.flush()
            return photo.id

    def fetched(self, content: bytes) -> Photo:
        photo = self.owed(content)
        self.context.run_job("fetch_photo", photo)
        return self.row(photo)

    def row(self, photo: int) -> Photo:
        with Database(self.database, expire_on_commit=False) as db:
            return db.get_one(Photo, photo)

    def picture(self, photo: Photo) -> Image.Image:
        assert photo.path
        picture = Image.open(io.BytesIO(self.context.photos.files.read(photo.path)))
        picture.load()
        return picture


def worker_beside(stage: Stage, running: RunningSimulator, redis_url: str) -> WorkerContext:
    """A worker at the stage's time, which talks to this simulator."""
    ours = {"wechat_api_url": running.url, "redis_url": redis_url}
    return WorkerContext(stage.settings.model_copy(update=ours), stage.clock)


def jpeg(size: tuple[int, int] = (60, 30), **more: object) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "orange").save(written, "JPEG", **more)
    return written.getvalue()
