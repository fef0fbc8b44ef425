"""Keep the access token: in Redis for all processes of all hosts, or in each process while Redis is away.

Other shared values of the platform (the JS-SDK's ticket) are kept likewise, under their own names. Redis holds them
sealed with the data keys and compares them by keyed hash: whoever reads it cannot send as the account.
"""

import time
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

import structlog
from redis import Redis

from models.core.calendar import CHINA
from models.core.encryption import CannotOpen, keyring

log = structlog.get_logger()

# doc/service/api/base/api_getstableaccesstoken: a forced refresh at most 20 times a day, at least 30 s after the last.
FORCED_PER_DAY = 20
FORCED_APART = 30.0

# After a failed fetch all others fail at once for this long (seconds), instead of queueing up to fetch again.
FAILURE_LASTS = 3.0
# Seconds that a dead token is remembered, to recognise it if the platform hands it out again.
DEAD_REMEMBERED = 600.0


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A token, the seconds it is still good for, and when (seconds left) it should be renewed."""

    token: str = field(repr=False)
    left: float
    renew_below: float

    @property
    def is_due(self) -> bool:
        return self.left <= self.renew_below


# Only the holder of the lock replaces a token; a process that lost its lock may still fill an empty place.
_KEEP = """
if redis.call('exists', KEYS[1]) == 1 and redis.call('get', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('del', KEYS[1])
redis.call('hset', KEYS[1], 'sealed', ARGV[2], 'hash', ARGV[3], 'renew_below', ARGV[4])
return redis.call('pexpire', KEYS[1], ARGV[5])
"""
# The hashes of the token under each data key follow the time: it may have been kept under any of them.
_DISCARD = """
if redis.call('exists', KEYS[3]) == 1 then return 0 end
local kept = redis.call('hget', KEYS[1], 'hash')
for number = 2, #ARGV do
  if kept == ARGV[number] then
    redis.call('set', KEYS[2], kept, 'PX', ARGV[1])
    return redis.call('del', KEYS[1])
  end
end
return 0
"""
_FORCE = """
if not redis.call('set', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return 0 end
local used = redis.call('incr', KEYS[2])
redis.call('expire', KEYS[2], 2 * 86400)
return used <= tonumber(ARGV[2]) and 1 or 0
"""
_RELEASE = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0"


class RedisTokenStore:
    """The token in Redis, with the locks and notes that all processes of all hosts share.

    Every method may raise RedisError.
    """

    def __init__(self, redis: Redis, app_id: str, lock_seconds: float, name: str = "token") -> None:
        self._redis, self._name, self._lock_ms = redis, name, int(lock_seconds * 1000)
        self._key = f"wechat:{{{app_id}}}:{name}"  # the braces keep all of it on one node of a cluster
        self._purpose = f"shared {name} of {app_id}"
        self._lock_key, self._dead = f"{self._key}:lock", f"{self._key}:dead"
        self._failure_key, self._pause = f"{self._key}:failure", f"{self._key}:pause"
        self._keep, self._discard = redis.register_script(_KEEP), redis.register_script(_DISCARD)
        self._force, self._release = redis.register_script(_FORCE), redis.register_script(_RELEASE)

    def read(self) -> HeldToken | None:
        """Return the token; None where there is none, or none that a data key opens: then it is fetched anew."""
        with self._redis.pipeline(transaction=True) as both:
            both.hmget(self._key, "sealed", "renew_below")
            both.pttl(self._key)
            (sealed, renew_below), left_ms = both.execute()
        if not sealed or left_ms <= 0:
            return None
        try:
            token = keyring().open(b64decode(sealed), self._purpose)
            return HeldToken(token, left_ms / 1000, float(renew_below or 0))
        except (CannotOpen, ValueError):
            log.warning("token.cannot_open", what=self._name)
            return None

    def keep(self, held: HeldToken, owner: str) -> None:
        sealed = b64encode(keyring().seal(held.token, self._purpose))
        life = int(held.left * 1000)
        self._keep([self._key, self._lock_key], [owner, sealed, self._hashes(held.token)[0], held.renew_below, life])

    def discard(self, token: str) -> None:
        """Drop this token if it is still the one kept, and no forced refresh was just made (see ``may_force``)."""
        lasts = str(int(DEAD_REMEMBERED * 1000))
        self._discard([self._key, self._dead, self._pause], [lasts, *self._hashes(token)])

    def found_dead(self, token: str) -> bool:
        return _text(self._redis.get(self._dead)) in self._hashes(token)

    def _hashes(self, token: str) -> list[str]:
        return keyring().lookup_hashes(token, self._purpose)

    def may_force(self) -> bool:
        """Take one forced refresh from the budget. Either way no token is discarded for the next 30 s."""
        today = f"{self._key}:forced:{datetime.now(CHINA):%Y%m%d}"
        return bool(self._force([self._pause, today], [int(FORCED_APART * 1000), FORCED_PER_DAY]))

    def failure(self) -> str | None:
        return _text(self._redis.get(self._failure_key))

    def note_failure(self, failure: str) -> None:
        self._redis.set(self._failure_key, failure, px=int(FAILURE_LASTS * 1000))

    def take_lock(self, owner: str) -> bool:
        return bool(self._redis.set(self._lock_key, owner, nx=True, px=self._lock_ms))

    def release_lock(self, owner: str) -> None:
        self._release([self._lock_key], [owner])


class LocalTokenStore:
    """The token in this process, for when Redis is away. It never forces a refresh: all processes share that budget."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._held: HeldToken | None = None
        self._until = self._failed_until = self._pause_until = 0.0
        self._dead: str | None = None
        self._failure: str | None = None

    def read(self) -> HeldToken | None:
        with self._guard:
            left = self._until - time.monotonic()
            return HeldToken(self._held.token, left, self._held.renew_below) if self._held and left > 0 else None

    def keep(self, held: HeldToken, owner: str = "") -> None:
        with self._guard:
            self._held, self._until = held, time.monotonic() + held.left

    def discard(self, token: str) -> None:
        with self._guard:
            if self._held and self._held.token == token and time.monotonic() >= self._pause_until:
                self._held, self._dead = None, token

    def found_dead(self, token: str) -> bool:
        return self._dead == token

    def may_force(self) -> bool:
        self._pause_until = time.monotonic() + FORCED_APART
        return False

    def failure(self) -> str | None:
        return self._failure if time.monotonic() < self._failed_until else None

    def note_failure(self, failure: str) -> None:
        self._failure, self._failed_until = failure, time.monotonic() + FAILURE_LASTS

    def take_lock(self, owner: str) -> bool:
        return True

    def release_lock(self, owner: str) -> None: ...


TokenStore = RedisTokenStore | LocalTokenStore


def _text(value: bytes | str | None) -> str | None:
    """Return the text, whether the connection decodes answers or not."""
    return value.decode() if isinstance(value, bytes) else value
