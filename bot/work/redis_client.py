"""Open connections to Redis that cost their process one time-out, and then nothing for a while.

A Redis that accepts connections and never answers would cost each call of a turn its time-out. The first one that is
not answered in time opens a breaker, and until its pause is over every call fails at once, as if Redis were away; then
one caller tries for all. A Redis that refuses a connection costs nothing, so that opens nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Connection, ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry

from bot.registry.breaker import LocalBreaker

# Seconds to connect, and to answer: one of them together leaves a turn within its budget (bot.turn).
CONNECTS_WITHIN = 1.0
ANSWERS_WITHIN = 1.5
# Seconds without any call after one that was not answered, and for which one caller then tries for all.
PAUSE = 10.0
TRIAL = 5.0


def open_redis(url: str) -> Redis:
    """Open a client without retries of its own, and with a breaker of its own."""
    return Redis.from_pool(
        _Pool.from_url(
            url, socket_timeout=ANSWERS_WITHIN, socket_connect_timeout=CONNECTS_WITHIN, retry=Retry(NoBackoff(), 0)
        )
    )


class _Pool(ConnectionPool):
    """Connections that are given out only while the breaker is closed; each reports to it what it met."""

    def __init__(self, connection_class: type[Connection] = Connection, **options: Any) -> None:
        self._breaker = LocalBreaker("redis", PAUSE, TRIAL)
        super().__init__(_watched(connection_class, self._breaker), **options)

    def get_connection(self, command_name: str | None = None, *keys: Any, **options: Any) -> Connection:
        if not self._breaker.may_call():
            raise NotConnected("Redis did not answer a moment ago")
        return super().get_connection()


def _watched(kind: type[Connection], breaker: LocalBreaker) -> type[Connection]:
    """Make a kind of connection that tells the breaker whether Redis answers, be it with an error."""

    class Watched(kind):  # type: ignore[valid-type, misc]
        def connect(self) -> None:
            with _watching(breaker, answered=False):
                super().connect()

        def send_packed_command(self, *arguments: Any, **options: Any) -> None:
            with _watching(breaker, answered=False):
                super().send_packed_command(*arguments, **options)

        def read_response(self, *arguments: Any, **options: Any) -> Any:
            with _watching(breaker):
                return super().read_response(*arguments, **options)

    return Watched


@contextmanager
def _watching(breaker: LocalBreaker, answered: bool = True) -> Iterator[None]:
    """``answered``: whether to come through proves an answer; to send alone does not."""
    try:
        yield
    except NoAnswer:
        breaker.failed()
        raise
    except RedisError:
        breaker.worked()
        raise
    if answered:
        breaker.worked()
