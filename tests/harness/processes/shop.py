"""A worker of this process: it works off the queues once and returns, and its jobs can be made to fail."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from rq.serializers import JSONSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.work.context import WorkerContext, worker_context
from bot.work.jobs import JOBS
from bot.work.queues import QUEUES, JobQueues
from bot.work.schedule import SCHEDULE
from bot.work.scheduler import Scheduler
from bot.work.workers import Forker, Sender
from models.upkeep.dead_job import DeadJob
from tests.harness.processes.workers import gone_photo
from tests.harness.stage import Stage, settings_for

WORDS = "wang-xiaoming-13800138000"


class Shop:
    """A worker of this process, whose folder is no folder, so that deleting a picture fails."""

    def __init__(self, database_url: str, redis_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = Stage(database_url, redis_url=redis_url)
        self.folder = folder / WORDS
        monkeypatch.setenv("BANGFU_ENV", "demo")
        monkeypatch.setenv("DATABASE_URL", database_url)
        monkeypatch.setenv("REDIS_URL", redis_url)
        monkeypatch.setenv("MEDIA_DIR", str(self.folder))
        worker_context.cache_clear()
        self.context = WorkerContext(settings_for(database_url, redis_url))
        self.jobs: JobQueues = self.context.jobs
        self.scheduler = Scheduler(self.context, redis_url, {"dead_jobs": SCHEDULE["dead_jobs"]})
        self.photo, self.file = gone_photo(self.stage.database, self.folder)

    def break_folder(self) -> None:
        self.file.unlink()
        self.folder.rmdir()
        self.folder.write_bytes(b"")

    def mend_folder(self) -> None:
        self.folder.unlink()
        self.folder.mkdir()
        self.file.write_bytes(b"picture")

    def work(self, kind: type[Sender | Forker] = Sender, queues: Sequence[str] = QUEUES) -> None:
        """All that lies in the queues, once."""
        ours = kind(queues, connection=self.jobs.redis, serializer=JSONSerializer)
        ours.asked_to_end = threading.Event()
        ours.work(burst=True, logging_level="WARNING")

    def wait_for_the_next_try(self) -> int:
        """As if its time had come: how many jobs went back into their queue."""
        count = 0
        for queue in self.jobs.queues.values():
            for job_id in queue.scheduled_job_registry.get_job_ids():
                self.jobs.redis.zadd(queue.scheduled_job_registry.key, {job_id: 1})
                count += 1
        self.scheduler.retry()
        return count

    def fail_for_good(self, kind: type[Sender | Forker] = Sender) -> None:
        self.jobs.enqueue([("forget_photo", self.photo)])
        for left in reversed(range(JOBS["forget_photo"].tries)):
            self.work(kind)
            assert self.wait_for_the_next_try() == (1 if left else 0)
        self.scheduler.tick(datetime.now(UTC))

    def rows(self) -> list[DeadJob]:
        with Database(self.stage.database) as db:
            return list(db.scalars(select(DeadJob).order_by(DeadJob.id)))

    def command(self, *arguments: str) -> Result:
        return self.stage.app.test_cli_runner().invoke(args=["dead-jobs", *arguments])

    def close(self) -> None:
        self.scheduler.close()
        worker_context().close()
        worker_context.cache_clear()
        self.context.close()
        self.stage.close()
