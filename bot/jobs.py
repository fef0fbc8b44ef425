"""Work after the commit: RQ jobs by name and id, each safe to run twice.

Redis may lose them: the sweep finds what is owed.

A job is a function here that takes one row's id. The turn names it; nothing
but the id travels.
"""

from collections.abc import Sequence

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

log = structlog.get_logger()

QUEUE = "default"
JOBS = {
    name: f"bot.worker.{name}"
    for name in ("fetch_photo", "forget_photo", "check_registry", "make_card_code", "check_books", "deliver")
}
# Notices that one job takes along.
BATCH = 100
# Seconds, where RQ's three minutes are too few: the books are read from end to end.
LIMITS = {"check_books": 4 * 3600}


def open_redis(url: str) -> Redis:
    """Without retries of its own: a hung Redis costs a call one time-out and no more."""
    return Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


class Jobs:
    """The queue as web processes use it. Redis being down never fails a turn."""

    def __init__(self, redis_url: str) -> None:
        self.redis = open_redis(redis_url)
        self._queue = Queue(QUEUE, connection=self.redis, serializer=JSONSerializer)

    def enqueue(self, jobs: Sequence[tuple[str, int]], told: Sequence[int] = ()) -> None:
        """Hand (job, id) pairs and notices to the workers; what cannot be handed over now is found by the sweep."""
        batches = [("deliver", list(told[start : start + BATCH])) for start in range(0, len(told), BATCH)]
        try:
            prepared = [
                Queue.prepare_data(JOBS[name], (argument,), timeout=LIMITS.get(name))
                for name, argument in [*jobs, *batches]
            ]
            self._queue.enqueue_many(prepared)
        except RedisError as error:
            log.warning("jobs.not_enqueued", count=len(jobs), error=type(error).__name__)

    def reachable(self) -> bool:
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False
