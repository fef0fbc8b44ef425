"""Limit how fast all workers together send, and count what they sent by channel and code; both in Redis."""

import time
from collections import Counter
from collections.abc import Callable, Mapping

import structlog
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis import Redis, RedisError

log = structlog.get_logger()

SENT = "bangfu:sent"
# The share of the pace that broadcasts may use; the rest is kept for pushes that a person waits for.
BULK_SHARE = 0.8
# While Redis is away, the number of workers is unknown: each limits itself to this share of the pace.
ALONE_SHARE = 0.25
_POLL = 0.05


class Pace:
    """Limit all workers together to ``per_minute`` sends. Safe to share between threads."""

    def __init__(self, redis: Redis, per_minute: int, sleep: Callable[[float], None] = time.sleep) -> None:
        storage = RedisStorage("redis://", connection_pool=redis.connection_pool, key_prefix="bangfu:pace")
        self._shared = SlidingWindowCounterRateLimiter(storage)
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._per_minute, self._sleep = per_minute, sleep

    @property
    def most(self) -> int:
        """The most sends that can ever be allowed at once."""
        return max(1, int(self._per_minute * BULK_SHARE * ALONE_SHARE))

    def wait(self, count: int, urgency: str, patience: float) -> bool:
        """Wait up to ``patience`` seconds until ``count`` sends (at most ``most``) are allowed; tells whether they are.

        ``urgency``: push or bulk.
        """
        tries = int(patience / _POLL)
        while not (may := self._take(count, urgency)) and tries > 0:
            tries -= 1
            self._sleep(_POLL)
        return may

    def _take(self, count: int, urgency: str) -> bool:
        try:
            return self._hit(self._shared, count, urgency, 1.0)
        except RedisError as error:
            log.warning("pace.store_down", error=type(error).__name__)
            return self._hit(self._own, count, urgency, ALONE_SHARE)

    def _hit(self, limiter: SlidingWindowCounterRateLimiter, count: int, urgency: str, share: float) -> bool:
        whole = RateLimitItemPerMinute(max(count, int(self._per_minute * share)))
        if urgency != "bulk":
            return limiter.hit(whole, "all", cost=count)
        bulk = RateLimitItemPerMinute(max(count, int(self._per_minute * share * BULK_SHARE)))
        room = limiter.test(whole, "all", cost=count) and limiter.hit(bulk, "bulk", cost=count)
        return room and limiter.hit(whole, "all", cost=count)


class SendCounts:
    """Count sends for the metrics by ``channel:code``; code 0 where WeChat accepted it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def add(self, sent: Counter[str]) -> None:
        """Add the counts in one round trip; without Redis they are lost, which is only logged."""
        if not sent:
            return
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for name, count in sorted(sent.items()):
                    pipe.hincrby(SENT, name, count)
                pipe.execute()
        except RedisError as error:
            log.warning("counts.store_down", error=type(error).__name__)

    def read(self) -> Mapping[str, int]:
        """Read all counts. Raises RedisError."""
        found = self._redis.hgetall(SENT)
        return {name.decode(): int(count) for name, count in found.items()}  # type: ignore[union-attr]
