"""Limit the wrong codes from one address; Redis counts them, under a keyed hash of the address.

While Redis is down there is no limit: a code is too long to be guessed, and the limit only keeps the load low.
"""

import structlog
from flask import Request
from redis import Redis
from redis.exceptions import RedisError

from bot.web.caller import address_of
from models.core.encryption import keyring

log = structlog.get_logger()

_HOUR = 3600


class RateLimit:
    """A counter of tries called ``name``, of which ``most`` are allowed an hour."""

    def __init__(self, redis: Redis, name: str, most: int) -> None:
        self._redis, self._name, self._most = redis, name, most

    def used_up(self, request: Request) -> bool:
        try:
            counted = self._redis.get(self._key(request))
        except RedisError as error:
            log.warning("tries.not_counted", error=type(error).__name__)
            return False
        return isinstance(counted, bytes) and counted.isdigit() and int(counted) >= self._most

    def count(self, request: Request) -> None:
        key = self._key(request)
        try:
            with self._redis.pipeline() as pipeline:
                pipeline.incr(key)
                pipeline.expire(key, _HOUR, nx=True)
                pipeline.execute()
        except RedisError as error:
            log.warning("tries.not_counted", error=type(error).__name__)

    def _key(self, request: Request) -> str:
        return f"bangfu:tries:{self._name}:{keyring().lookup_hashes(address_of(request), 'address')[0][:32]}"
