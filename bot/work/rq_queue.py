"""Adapt RQ's jobs and queues, so that only jobs of the table ever leave a queue.

RQ (3.0, by its source) gets jobs out of Redis in four places: a worker that takes the next one, its scheduler that
puts failed ones back, the clean-up that finds abandoned ones, and whoever reads a registry. All of them read a
``QueuedJob`` here, whose content was judged (``bot.work.stored_job``). A malformed one is set aside among the failed
jobs, where the scheduler buries it (``bot.work.dead_jobs``).
"""

import time
from typing import Any, cast

import structlog
from redis import Redis, ResponseError
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer

from bot.work.stored_job import Malformed, read_id, read_stored

log = structlog.get_logger()

# Seconds that Redis keeps a failed job if it is not moved to the database (bot.work.dead_jobs).
FAILED_LASTS = 24 * 3600


class QueuedJob(Job):
    """A job in a queue. ``malformed``: why it may not run, or empty; then nothing else is known of it.

    It has no callback and no webhook, and its content is JSON, whatever stands in Redis or is asked for.
    """

    malformed = ""
    success_callback = failure_callback = stopped_callback = None

    def __init__(self, id: str | None = None, connection: Redis | None = None, serializer: object = None) -> None:
        super().__init__(id, connection, JSONSerializer)

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: object = None) -> "QueuedJob":
        """Read a job, malformed or not. Raises NoSuchJobError, also for what can be no id."""
        if read_id(id.encode(errors="replace")) is None:
            raise NoSuchJobError
        job = cls(id, connection)
        job.refresh()
        return job

    def refresh(self) -> None:
        try:
            super().refresh()  # type: ignore[no-untyped-call]
        except ResponseError as error:
            if not str(error).startswith("WRONGTYPE"):
                raise
            self._refuse("key")

    def restore(self, raw_data: Any) -> None:
        """Take over what Redis holds; time limit, retries and lifetimes are the table's."""
        if b"data" not in raw_data:
            raise NoSuchJobError  # the heartbeat of a job that has just ended may leave a field behind
        try:
            stored = read_stored(raw_data)
            super().restore(raw_data)
        except (Malformed, ValueError) as error:  # ValueError: a day that the calendar does not have
            self._refuse(error.why if isinstance(error, Malformed) else "time")
            return
        self.timeout, self.result_ttl, self.failure_ttl = stored.job.seconds, 0, FAILED_LASTS
        self.retries_left, self.retry_intervals = stored.retries_left, list(stored.job.backoff)

    def send_webhooks(self, status: str | JobStatus, *, exc_string: str | None = None) -> None:
        """Send none."""

    def _refuse(self, why: str) -> None:
        self.data, self.malformed = b"", why


class _Started(StartedJobRegistry):
    def get_queue(self) -> "JobQueue":
        return JobQueue(self.name, connection=self.connection)


class JobQueue(Queue):
    job_class = QueuedJob

    def __init__(self, name: str, connection: Redis, **more: Any) -> None:
        super().__init__(name, connection, **{**more, "serializer": JSONSerializer})

    @property
    def started_job_registry(self) -> StartedJobRegistry:
        return _Started(queue=self, job_class=self.job_class, serializer=self.serializer)

    def read(self, raw_id: bytes) -> QueuedJob | None:
        """Return the job of this id if it may run; a malformed one is set aside."""
        job_id = read_id(raw_id)
        try:
            return self._judge(QueuedJob.fetch(job_id, self.connection)) if job_id else None
        except NoSuchJobError:
            return None

    def move_dependents_to_ready(self, *_: object, **__: object) -> dict[str, list[str]]:
        """Move none: no job of ours waits for another."""
        return {}

    @classmethod
    def _fetch_dequeued_job(cls, *given: Any, **more: Any) -> tuple[Job, Queue] | None:
        """Return the job that a worker has taken; None, and the worker takes the next, if it may not run."""
        found = super()._fetch_dequeued_job(*given, **more)
        if found is None:
            return None
        job, queue = cast("tuple[QueuedJob, JobQueue]", found)
        return found if queue._judge(job) else None

    def _judge(self, job: QueuedJob) -> QueuedJob | None:
        if job.malformed:
            log.warning("job.malformed", queue=self.name, why=job.malformed)
            self._set_aside(job)
        elif job.origin == self.name:
            return job
        else:  # its id was pushed here, and it still lies in its own queue
            log.warning("job.strayed", queue=self.name, job=job.func_name)
            self.intermediate_queue.remove(job.id)
        return None

    def _set_aside(self, job: QueuedJob) -> None:
        with self.connection.pipeline() as pipeline:
            pipeline.lrem(self.intermediate_queue_key, 0, job.id)
            pipeline.zadd(self.failed_job_registry.key, {job.id: time.time() + FAILED_LASTS})
            pipeline.execute()
