"""Work after the commit: RQ jobs by name and id, each safe to run twice.

Redis may lose them: the sweeps find what is owed.

The turn names a job (``bot.work.jobs``); nothing but its name and ids travels, as JSON.
"""

from collections.abc import Iterable, Sequence

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry as RedisRetry
from rq import Queue, Retry
from rq.job import Job as Queued
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer

from bot.work.job import Named
from bot.work.jobs import JOBS

log = structlog.get_logger()

# By urgency. Those of SENDING are worked off by processes that do not fork: their connections stay open.
QUEUES = ("push", "bulk", "default", "slow")
SENDING = ("push", "bulk")
# Notices that one job takes along.
BATCH = 100
# So many jobs may wait in a queue before the sweep leaves what else is owed where it is, in the database.
SHORT = 50
# A job that the sweep asked for and that nobody has begun in this time is asked for again (seconds).
ASKED_LASTS = 120
# Urgency of notices -> the job that takes them.
DELIVERING = {"push": "deliver", "bulk": "deliver_bulk"}
# A failed job lies so long in Redis if nobody buries it (seconds).
FAILED_LASTS = 24 * 3600


def open_redis(url: str) -> Redis:
    """Without retries of its own: a hung Redis costs a call one time-out and no more."""
    return Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1, retry=RedisRetry(NoBackoff(), 0))


def _prepare(name: str, argument: int | list[int], asked_as: str | None = None) -> tuple[str, EnqueueData]:
    """Its queue, and the job. ``asked_as``: its id in Redis, of which there is one at a time."""
    job = JOBS[name]
    return job.queue, Queue.prepare_data(
        name,
        (argument,),
        timeout=job.seconds,
        retry=Retry(len(job.backoff), list(job.backoff)),
        result_ttl=0,
        failure_ttl=FAILED_LASTS,
        description=name,
        job_id=asked_as,
        ttl=ASKED_LASTS if asked_as else None,
    )


class Jobs:
    """The queues as web processes use them. Redis being down never fails a turn."""

    def __init__(self, redis_url: str) -> None:
        self.redis = open_redis(redis_url)
        self.queues = {name: Queue(name, connection=self.redis, serializer=JSONSerializer) for name in QUEUES}

    def enqueue(self, jobs: Sequence[Named], told: Sequence[int] = ()) -> None:
        """Hand (job, id) pairs and notices to the workers; what cannot be handed over now is found by the sweep."""
        try:
            self.put(jobs, told)
        except RedisError as error:
            log.warning("jobs.not_enqueued", count=len(jobs) + len(told), error=type(error).__name__)

    def deliver(self, ids: Sequence[int], urgency: str = "push") -> None:
        """Hand over notices of ``urgency`` push or bulk, as ``enqueue`` does."""
        try:
            self.put((DELIVERING[urgency], batch) for batch in batches(ids))
        except RedisError as error:
            log.warning("jobs.not_enqueued", count=len(ids), error=type(error).__name__)

    def put(self, jobs: Iterable[Named], told: Sequence[int] = ()) -> None:
        """Raises RedisError where ``enqueue`` goes on; then nothing was handed over, as far as anybody knows."""
        named: list[Named] = [*jobs, *(("deliver", batch) for batch in batches(told))]
        self._put(_prepare(name, argument) for name, argument in named)

    def room(self, queue: str) -> int:
        """How many more jobs the sweep may put into it. Raises RedisError."""
        return max(SHORT - self.queues[queue].count, 0)

    def ask(self, urgency: str, ids: Sequence[int], most: int = SHORT) -> int:
        """Have owed notices delivered that may lie in Redis already, by ``most`` jobs; how many it made.

        Raises RedisError.

        Notices travel in fixed hundreds of their numbers, and the job's id names the hundred: as long as
        it waits or runs it is not put there a second time.
        """
        hundreds: dict[int, list[int]] = {}
        for number in ids:
            hundreds.setdefault(number // BATCH, []).append(number)
        names = {hundred: f"deliver-{urgency}-{hundred}" for hundred in hundreds}
        there = self._there(names.values())
        new = [hundred for hundred, name in names.items() if name not in there][:most]
        self._put(_prepare(DELIVERING[urgency], hundreds[one], names[one]) for one in new)
        return len(new)

    def ask_once(self, name: str, argument: int) -> None:
        """Have it done, unless a job that was asked for so waits or runs already. Raises RedisError."""
        if not self._there([name]):
            self._put([_prepare(name, argument, name)])

    def _there(self, names: Iterable[str]) -> set[str]:
        """Those of these ids that a job in Redis has."""
        wanted = list(names)
        with self.redis.pipeline(transaction=False) as pipeline:
            for name in wanted:
                pipeline.exists(Queued.key_for(name))
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
