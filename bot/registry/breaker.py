"""Provide a circuit breaker that all worker processes share: after some failures in a row, calls stop for a while.

A worker forks a process for each job, so a process's memory is lost with the job: the state is in
Redis, as keys that expire, so that no two clocks are compared. After the pause one caller tries
for all. The maintained library for this lets every process try at once, and does not start without
Redis; here, with Redis away, every call is let through.
"""

import time
from dataclasses import dataclass
from threading import Lock

import structlog
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

# KEYS: open, tripped, trial. One caller at a time is let through between the pause and the first good answer.
_MAY_CALL = """
if redis.call('exists', KEYS[1]) == 1 then return 0 end
if redis.call('exists', KEYS[2]) == 0 then return 1 end
return redis.call('set', KEYS[3], '1', 'NX', 'PX', ARGV[1]) and 1 or 0
"""
# KEYS: open, tripped, trial, failures. Open again after a failed trial, or after so many failures in a row.
_FAILED = """
local count = redis.call('incr', KEYS[4])
redis.call('pexpire', KEYS[4], ARGV[2])
if redis.call('exists', KEYS[2]) == 0 and count < tonumber(ARGV[1]) then return 0 end
redis.call('set', KEYS[1], '1', 'PX', ARGV[3])
redis.call('set', KEYS[2], '1', 'PX', ARGV[2])
redis.call('del', KEYS[3])
return 1
"""


@dataclass(frozen=True, slots=True)
class Patience:
    """``failures`` in a row open the breaker for ``pause`` seconds; they are forgotten ``memory`` seconds later.

    ``trial``: seconds that one caller has to try for all; if it dies meanwhile, the others wait that long.
    """

    failures: int = 5
    pause: float = 30.0
    memory: float = 600.0
    trial: float = 60.0


class Breaker:
    def __init__(self, redis: Redis, name: str, patience: Patience | None = None) -> None:
        self._redis, self._name = redis, name
        self._patience = patience or Patience()
        self._keys = [f"bangfu:{name}:{part}" for part in ("open", "tripped", "trial", "failures")]
        self._may_call = redis.register_script(_MAY_CALL)
        self._failed = redis.register_script(_FAILED)

    def may_call(self) -> bool:
        """Tell whether a call may be made; its caller must then report ``worked`` or ``failed``."""
        try:
            return bool(self._may_call(self._keys[:3], [_ms(self._patience.trial)]))
        except RedisError as error:
            self._without(error)
            return True

    def worked(self) -> None:
        try:
            self._redis.delete(*self._keys)
        except RedisError as error:
            self._without(error)

    def failed(self) -> None:
        ours = self._patience
        try:
            opened = self._failed(self._keys, [ours.failures, _ms(ours.memory), _ms(ours.pause)])
        except RedisError as error:
            self._without(error)
        else:
            if opened:
                log.warning("breaker.opened", breaker=self._name, seconds=ours.pause)

    def _without(self, error: RedisError) -> None:
        log.warning("breaker.store_down", breaker=self._name, error=type(error).__name__)


class LocalBreaker:
    """The same within one process: for Redis itself, which cannot hold its own state while it does not answer.

    The first failure opens it. ``pause`` and ``trial`` are those of ``Patience``. Safe to share between threads.
    """

    def __init__(self, name: str, pause: float, trial: float) -> None:
        self._name, self._pause, self._trial = name, pause, trial
        self._lock = Lock()
        self._is_open = False
        self._next_trial = 0.0

    def may_call(self) -> bool:
        """Tell whether a call may be made; its caller must then report ``worked`` or ``failed``."""
        if not self._is_open:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._next_trial:
                return False
            self._next_trial = now + self._trial
            return True

    def worked(self) -> None:
        if self._is_open:
            with self._lock:
                self._is_open = False

    def failed(self) -> None:
        with self._lock:
            if not self._is_open:
                log.warning("breaker.opened", breaker=self._name, seconds=self._pause)
            self._is_open, self._next_trial = True, time.monotonic() + self._pause


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
