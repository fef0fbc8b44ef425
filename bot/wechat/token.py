"""The access token: one for all processes, fetched by one of them at a time, never written to a log.

Redis holds it with its life as the key's own, so no two clocks are compared.
With Redis gone each process fetches for itself: ``stable_token`` gives
everybody the same token, so the only cost is a few calls more.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from uuid import uuid4

import requests
import structlog
from pydantic import SecretStr
from redis import Redis, RedisError

from bot.wechat.policy import Action, Unreachable, WeChatError, exchange, rule_for
from flows.world import CHINA

log = structlog.get_logger()

CALL = "stable_token"

# doc/service/api/base/api_getstableaccesstoken: a token asked for in the old one's last five minutes is a new
# one, and both are good meanwhile. Asking after four minutes are left is therefore never in vain.
RENEW_EARLY = 240.0
# Same page: a forced refresh at most 20 times a day and at least 30 s after the one before.
FORCED_PER_DAY = 20
FORCED_APART = 30.0

# After a failed fetch everybody else fails at once for this long (seconds), instead of queueing up to ask again.
TROUBLE_LASTS = 3.0
# A token found dead is remembered this long, to know it again if the platform should hand it out once more.
DEAD_REMEMBERED = 600.0
# With Redis gone, how long until it is tried again.
REDIS_PAUSE = 5.0
# How often a process looks whether its turn has come.
POLL = 0.05
_UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Held:
    """A token, the seconds it is still good for, and when (seconds left) it should be renewed."""

    token: str = field(repr=False)
    left: float
    early: float

    @property
    def ripe(self) -> bool:
        return self.left <= self.early


# Only who has the turn replaces a token; one who came back too late may still fill an empty place.
_KEEP = """
if redis.call('exists', KEYS[1]) == 1 and redis.call('get', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('hset', KEYS[1], 'token', ARGV[2], 'early', ARGV[3])
return redis.call('pexpire', KEYS[1], ARGV[4])
"""
_DISCARD = """
if redis.call('hget', KEYS[1], 'token') ~= ARGV[1] or redis.call('exists', KEYS[3]) == 1 then return 0 end
redis.call('set', KEYS[2], ARGV[1], 'PX', ARGV[2])
return redis.call('del', KEYS[1])
"""
_FORCE = """
if not redis.call('set', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return 0 end
local used = redis.call('incr', KEYS[2])
redis.call('expire', KEYS[2], 2 * 86400)
return used <= tonumber(ARGV[2]) and 1 or 0
"""
_END_TURN = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0"


class RedisShelf:
    """The token and what must be agreed about it, for every process of every host.

    Every method may raise RedisError.
    """

    def __init__(self, redis: Redis, app_id: str, turn_seconds: float) -> None:
        self._redis, self._turn_ms = redis, int(turn_seconds * 1000)
        self._key = f"wechat:{{{app_id}}}:token"  # the braces keep all of it on one node of a cluster
        self._turn, self._dead = f"{self._key}:turn", f"{self._key}:dead"
        self._trouble, self._pause = f"{self._key}:trouble", f"{self._key}:pause"
        self._keep, self._discard = redis.register_script(_KEEP), redis.register_script(_DISCARD)
        self._force, self._end_turn = redis.register_script(_FORCE), redis.register_script(_END_TURN)

    def read(self) -> Held | None:
        with self._redis.pipeline(transaction=True) as both:
            both.hmget(self._key, "token", "early")
            both.pttl(self._key)
            (token, early), left_ms = both.execute()
        known = _text(token)
        return Held(known, left_ms / 1000, float(early)) if known and left_ms > 0 else None

    def keep(self, held: Held, owner: str) -> None:
        self._keep([self._key, self._turn], [owner, held.token, held.early, int(held.left * 1000)])

    def discard(self, token: str) -> None:
        """Drop this token if it is still the one kept, and a better one may be had (see ``may_force``)."""
        self._discard([self._key, self._dead, self._pause], [token, int(DEAD_REMEMBERED * 1000)])

    def found_dead(self, token: str) -> bool:
        return _text(self._redis.get(self._dead)) == token

    def may_force(self) -> bool:
        """Take one forced refresh from the budget. Either way no token is discarded for the next 30 s."""
        today = f"{self._key}:forced:{datetime.now(CHINA):%Y%m%d}"
        return bool(self._force([self._pause, today], [int(FORCED_APART * 1000), FORCED_PER_DAY]))

    def trouble(self) -> str | None:
        return _text(self._redis.get(self._trouble))

    def note_trouble(self, trouble: str) -> None:
        self._redis.set(self._trouble, trouble, px=int(TROUBLE_LASTS * 1000))

    def take_turn(self, owner: str) -> bool:
        return bool(self._redis.set(self._turn, owner, nx=True, px=self._turn_ms))

    def end_turn(self, owner: str) -> None:
        self._end_turn([self._turn], [owner])


class OwnShelf:
    """This process's own, for when Redis is gone. It never forces: the budget is everybody's."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._held: Held | None = None
        self._until = self._trouble_until = self._pause_until = 0.0
        self._dead: str | None = None
        self._trouble: str | None = None

    def read(self) -> Held | None:
        with self._guard:
            left = self._until - time.monotonic()
            return Held(self._held.token, left, self._held.early) if self._held and left > 0 else None

    def keep(self, held: Held, owner: str = "") -> None:
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

    def trouble(self) -> str | None:
        return self._trouble if time.monotonic() < self._trouble_until else None

    def note_trouble(self, trouble: str) -> None:
        self._trouble, self._trouble_until = trouble, time.monotonic() + TROUBLE_LASTS

    def take_turn(self, owner: str) -> bool:
        return True

    def end_turn(self, owner: str) -> None: ...


Shelf = RedisShelf | OwnShelf


class TokenManager:
    """Hands out a good token. A holder of the turn that dies costs the others at most ``turn_seconds``.

    ``redis`` should have short time-outs and no retries of its own; ``timeout``
    is seconds to connect and to answer.
    """

    def __init__(
        self,
        api_url: str,
        app_id: str,
        app_secret: SecretStr,
        redis: Redis,
        http: requests.Session,
        *,
        timeout: tuple[float, float] = (2.0, 4.0),
        turn_seconds: float = 12.0,
    ) -> None:
        self._url = f"{api_url.rstrip('/')}/cgi-bin/stable_token"
        self._app_id, self._app_secret = app_id, app_secret
        self._http, self._timeout = http, timeout
        self._patience = turn_seconds + 1  # beyond a dead holder's turn, or nobody would outwait it
        self._shared, self._own = RedisShelf(redis, app_id, turn_seconds), OwnShelf()
        self._redis_again_at = 0.0
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"TokenManager({self._app_id!r})"

    def current(self) -> str:
        """A token that is good as far as anybody knows. Raises WeChatError, or Unreachable (nothing was sent)."""
        held = self._from_redis() or self._obtain(self._own)
        return held.token

    def invalidate(self, token: str) -> None:
        """The platform called this token dead. Nothing happens if it has been replaced meanwhile."""
        self._own.discard(token)
        if time.monotonic() >= self._redis_again_at:
            try:
                self._shared.discard(token)
            except RedisError as error:
                self._leave_redis(error)

    def _from_redis(self) -> Held | None:
        """None: Redis is gone."""
        if time.monotonic() < self._redis_again_at:
            return None
        try:
            held = self._obtain(self._shared)
        except RedisError as error:
            self._leave_redis(error)
            return None
        self._own.keep(held)
        return held

    def _leave_redis(self, error: RedisError) -> None:
        self._redis_again_at = time.monotonic() + REDIS_PAUSE
        log.warning("token.store_down", error=type(error).__name__)

    def _obtain(self, shelf: Shelf) -> Held:
        held = shelf.read()
        if held is None:
            return self._first(shelf)
        return self._renewed(shelf, held) if held.ripe and not shelf.trouble() else held

    def _first(self, shelf: Shelf) -> Held:
        """There is none: everybody needs it, one fetches, the others wait for that one."""
        with self._turn(shelf, self._patience) as (owner, _):
            # Without the turn, even after all that patience, we fetch none the less: twice is harmless.
            held, trouble = shelf.read(), shelf.trouble()
            if held is None and trouble:
                raise _failure(trouble)
            return held or self._fetch(shelf, owner)

    def _renewed(self, shelf: Shelf, old: Held) -> Held:
        """It will end soon: whoever gets the turn at once renews it, the others go on with the old one."""
        with self._turn(shelf, patience=0) as (owner, mine):
            held = shelf.read() or old
            if not mine or not held.ripe:
                return held
            try:
                return self._fetch(shelf, owner)
            except (WeChatError, Unreachable):  # logged by _fetch; the old one is still good
                return held

    @contextmanager
    def _turn(self, shelf: Shelf, patience: float) -> Iterator[tuple[str, bool]]:
        """The owner's name, and whether the turn came within ``patience`` seconds."""
        owner, deadline = uuid4().hex, time.monotonic() + patience
        alone = self._lock.acquire(timeout=patience)
        try:
            mine = alone and shelf.take_turn(owner)
            while alone and not mine and time.monotonic() < deadline:
                time.sleep(POLL)
                mine = shelf.take_turn(owner)
            try:
                yield owner, mine
            finally:
                shelf.end_turn(owner)
        finally:
            if alone:
                self._lock.release()

    def _fetch(self, shelf: Shelf, owner: str) -> Held:
        try:
            held = self._ask(force=False)
            if shelf.found_dead(held.token) and shelf.may_force():
                held = self._forced() or held
        except WeChatError as refused:
            trouble = str(refused.code)
        except Unreachable:
            trouble = _UNREACHABLE
        else:
            shelf.keep(held, owner)
            log.info("token.fetched", seconds=held.left)
            return held
        log.warning("token.fetch_failed", trouble=trouble)
        shelf.note_trouble(trouble)
        raise _failure(trouble)

    def _forced(self) -> Held | None:
        """In place of a dead token that the platform still hands out. None: refused, as its own budget is used up."""
        try:
            return self._ask(force=True)
        except WeChatError as refused:
            log.warning("token.not_forced", code=refused.code)
            return None

    def _ask(self, force: bool) -> Held:
        account = {"appid": self._app_id, "secret": self._app_secret.get_secret_value()}
        body = {"grant_type": "client_credential", "force_refresh": force, **account}
        answer = exchange(self._http, "POST", self._url, call=CALL, timeout=self._timeout, repeatable=True, json=body)
        fields = answer.fields or {}
        token, seconds = fields.get("access_token"), fields.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(seconds, int) or seconds <= 0:
            raise Unreachable(False, CALL, "an answer without a token")
        held = Held(token, float(seconds), min(RENEW_EARLY, seconds / 2))
        self._own.keep(held)  # so that Redis failing from here on loses nothing
        return held


def _failure(trouble: str) -> WeChatError | Unreachable:
    """For whoever wanted the token: nothing of theirs has been sent."""
    if trouble == _UNREACHABLE:
        return Unreachable(False, CALL, "no token to be had")
    code = int(trouble)
    # What elsewhere means a dead token means a wrong AppSecret here: renewing would not help.
    action = rule_for(code).action
    return WeChatError(code, Action.DISABLE_FEATURE if action is Action.RENEW_TOKEN else action, CALL)


def _text(value: bytes | str | None) -> str | None:
    """Whichever way the connection was told to answer."""
    return value.decode() if isinstance(value, bytes) else value
