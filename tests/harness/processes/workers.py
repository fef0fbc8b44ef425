"""The workers' processes in the tests: started as an operator's are, and killed as no operator would."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database

from bot.processes.leash import leashed
from bot.work.context import WorkerContext
from bot.work.sweeps import apply_deadlines, delete_old_replies, sweep_owed
from config.settings import ROOT
from models.notifications.notification import Notification
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.people.photo import Photo
from tests.harness.stage import Stage

LONGEST = 300.0


def environment(database_url: str, redis_url: str, folder: Path, **more: str) -> dict[str, str]:
    ours = {"BANGFU_ENV": "demo", "DATABASE_URL": database_url, "REDIS_URL": redis_url, "MEDIA_DIR": str(folder)}
    return {**os.environ, **ours, **more}


@contextmanager
def process(
    *arguments: str, settings: dict[str, str], folder: Path = ROOT, log: Path = Path(os.devnull)
) -> Iterator[subprocess.Popen[bytes]]:
    """``python -m`` these, until the block is left. ``folder``: of other code than ours; ``log``: for what they say."""
    command = [sys.executable, "-m", *arguments]
    with log.open("ab") as said:
        started = subprocess.Popen(
            leashed(command), cwd=folder, env=settings, stdout=said, stderr=said, process_group=0
        )
    try:
        yield started
    finally:
        kill(started)


def kill(started: subprocess.Popen[bytes]) -> None:
    """This process and all that it started, without a warning."""
    if started.poll() is None:
        family = [psutil.Process(started.pid), *psutil.Process(started.pid).children(recursive=True)]
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
    started.wait()


def until(holds: Callable[[], bool], longest: float = LONGEST) -> None:
    """Looks until it holds."""
    end = time.monotonic() + longest
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def sweep_all(context: WorkerContext, now: datetime | None = None) -> int:
    """All that the scheduler does each minute and each hour, at once: how many jobs that made."""
    now = now or datetime.now(UTC)
    count = sweep_owed(context.database, context.jobs, now)
    delete_old_replies(context.database, now)
    apply_deadlines(context.database, now)
    return count


def owe(stage: Stage, count: int, person: str = "o-li") -> list[int]:
    """So many notices owed to somebody; their numbers."""
    with Database(stage.database) as db, db.begin():
        to = db.scalars(select(Conversation.id).where(Conversation.openid == person)).one()
        before = set(db.scalars(select(Notification.id)))
        for number in range(count):
            facts = {"number": number, "title": "苗寨修路", "state": "funding", "reasons": [], "resumed": False}
            notify(db, to, "appeal_moved", facts, f"test:{person}:{len(before)}:{number}", stage.clock())
        return sorted(set(db.scalars(select(Notification.id))) - before)


def gone_photo(database: Engine, folder: Path) -> tuple[int, Path]:
    """A picture that is to be deleted: its number, and its file."""
    with Database(database) as db, db.begin():
        photo = Photo(
            subject="appeal", subject_id=1, media_id="m", pic_url="", state="gone", created_at=datetime.now(UTC)
        )
        db.add(photo)
        db.flush()
        photo.path = f"{photo.id}.jpg"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / photo.path
        file.write_bytes(b"picture")
        return photo.id, file
