"""Enqueue work after the commit: RQ jobs by name and id, each safe to run twice.

Redis may lose them: the sweeps find what is owed.
Only a job's name (``bot.work.jobs``) and its ids go to Redis, as JSON.
"""

from collections.abc import Iterable, Sequence

import structlog
from redis.exceptions import RedisError
from rq import Retry
from rq.queue import EnqueueData

from bot.work.job import Named
from bot.work.jobs import JOBS
from bot.work.redis_client import open_redis
from bot.work.rq_queue import FAILED_LASTS, JobQueue, QueuedJob
from bot.work.stored_job import MOST_IDS

log = structlog.get_logger()

# By urgency. The workers of SENDING do not fork, so that their connections stay open.
QUEUES = ("push", "bulk", "voice", "default", "slow")
SENDING = ("push", "bulk")
# Notifications in one job.
BATCH = MOST_IDS
# The sweep fills a queue up to so many waiting jobs, and leaves what else is owed in the database.
MOST_WAITING = 50
# Seconds after which a job that the sweep enqueued and no worker has begun expires, to be put there again.
SWEPT_LASTS = 120
# Urgency of notifications -> the job that delivers them.
DELIVERING = {"push": "deliver", "bulk": "deliver_bulk"}


def _prepare(name: str, argument: int | list[int], job_id: str | None = None) -> tuple[str, EnqueueData]:
    """Return the job's queue and RQ's data for it. ``job_id``: an id in Redis, so that only one such job exists."""
    job = JOBS[name]
    return job.queue, JobQueue.prepare_data(
        name,
        (argument,),
        timeout=job.seconds,
        retry=Retry(len(job.backoff), list(job.backoff)),
        result_ttl=0,
        failure_ttl=FAILED_LASTS,
        description=name,
        job_id=job_id,
        ttl=SWEPT_LASTS if job_id else None,
    )


class JobQueues:
    """The queues. Redis being down never fails a turn."""

    def __init__(self, redis_url: str) -> None:
        self.redis = open_redis(redis_url)
        self.queues = {name: JobQueue(name, self.redis) for name in QUEUES}

    def enqueue(self, jobs: Sequence[Named], notifications: Sequence[int] = ()) -> None:
        """Enqueue (job, id) pairs and notifications; the sweep finds what cannot be enqueued now."""
        try:
            self.put(jobs, notifications)
        except RedisError as error:
            log.warning("jobs.not_enqueued", count=len(jobs) + len(notifications), error=type(error).__name__)

    def deliver(self, ids: Sequence[int], urgency: str = "push") -> None:
        """Enqueue the delivery of notifications of ``urgency`` push or bulk, as ``enqueue`` does."""
        try:
            self.put((DELIVERING[urgency], batch) for batch in batches(ids))
        except RedisError as error:
            log.warning("jobs.not_enqueued", count=len(ids), error=type(error).__name__)

    def put(self, jobs: Iterable[Named], notifications: Sequence[int] = ()) -> None:
        """Enqueue as ``enqueue`` does, but raise RedisError on failure; then probably nothing was enqueued."""
        named: list[Named] = [*jobs, *(("deliver", batch) for batch in batches(notifications))]
        self._put(_prepare(name, argument) for name, argument in named)

    def room(self, queue: str) -> int:
        """Return how many more jobs the sweep may put into the queue. Raises RedisError."""
        return max(MOST_WAITING - self.queues[queue].count, 0)

    def enqueue_due(self, urgency: str, ids: Sequence[int], most: int = MOST_WAITING) -> int:
        """Enqueue owed notifications in at most ``most`` jobs; return how many are new. Raises RedisError.

        Notifications are grouped by hundreds of their ids, and the job's id names the hundred: while such a job
        waits or runs, no second one is enqueued.
        """
        hundreds: dict[int, list[int]] = {}
        for number in ids:
            hundreds.setdefault(number // BATCH, []).append(number)
        names = {hundred: f"deliver-{urgency}-{hundred}" for hundred in hundreds}
        existing = self._existing(names.values())
        new = [hundred for hundred, name in names.items() if name not in existing][:most]
        self._put(_prepare(DELIVERING[urgency], hundreds[hundred], names[hundred]) for hundred in new)
        return len(new)

    def enqueue_once(self, name: str, argument: int) -> None:
        """Enqueue the job, unless one enqueued this way waits or runs already. Raises RedisError."""
        if not self._existing([name]):
            self._put([_prepare(name, argument, name)])

    def _existing(self, names: Iterable[str]) -> set[str]:
        """Return those of these job ids that exist in Redis."""
        wanted = list(names)
        with self.redis.pipeline(transaction=False) as pipeline:
            for name in wanted:
                pipeline.exists(QueuedJob.key_for(name))
            found = pipeline.execute()
        return {name for name, one in zip(wanted, found, strict=True) if one}

    def reachable(self) -> bool:
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False

    def _put(self, prepared: Iterable[tuple[str, EnqueueData]]) -> None:
        by_queue: dict[str, list[EnqueueData]] = {}
        for queue, data in prepared:
            by_queue.setdefault(queue, []).append(data)
        if by_queue:
            with self.redis.pipeline() as pipeline:
                for queue, datas in by_queue.items():
                    self.queues[queue].enqueue_many(datas, pipeline=pipeline)
                pipeline.execute()


def batches(ids: Sequence[int]) -> list[list[int]]:
    return [list(ids[start : start + BATCH]) for start in range(0, len(ids), BATCH)]
