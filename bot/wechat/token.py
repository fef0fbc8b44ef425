"""The access token: one for all processes, fetched by one of them at a time, never written to a log.

Redis holds it with its life as the key's own, so no two clocks are compared.
With Redis gone each process fetches for itself: ``stable_token`` gives
everybody the same token, so the only cost is a few calls more.

``Kept`` is how it is kept, and whatever else of the platform's all share (bot.wechat.ticket).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from uuid import uuid4

import requests
import structlog
from pydantic import SecretStr
from redis import Redis, RedisError

from bot.wechat.policy import Action, Unreachable, WeChatError, exchange, rule_for
from bot.wechat.shelf import Held, OwnShelf, RedisShelf, Shelf

log = structlog.get_logger()

CALL = "stable_token"

# doc/service/api/base/api_getstableaccesstoken: a token asked for in the old one's last five minutes is a new
# one, and both are good meanwhile. Asking after four minutes are left is therefore never in vain.
RENEW_EARLY = 240.0
# With Redis gone, how long until it is tried again.
REDIS_PAUSE = 5.0
# So long a process goes by what it has just read, so that a thousand sends are not a thousand looks. Longer is no
# harm either: a token that somebody else replaced meanwhile is found dead, and the call is made once more.
GLANCE = 1.0
# How often a process looks whether its turn has come.
POLL = 0.05
_UNREACHABLE = "unreachable"


class Kept:
    """Hands out a good one. A holder of the turn that dies costs the others at most ``turn_seconds``.

    ``name``: what it is, also among the keys in Redis. ``redis`` should have short time-outs and no retries of its own.
    """

    def __init__(self, name: str, app_id: str, redis: Redis, turn_seconds: float = 12.0) -> None:
        self._name = name
        self._patience = turn_seconds + 1  # beyond a dead holder's turn, or nobody would outwait it
        self._shared, self._own = RedisShelf(redis, app_id, turn_seconds, name), OwnShelf()
        self._redis_again_at = 0.0
        self._seen: tuple[str, float] = ("", 0.0)
        self._lock = Lock()

    def current(self) -> str:
        """A token that is good as far as anybody knows. Raises WeChatError, or Unreachable (nothing was sent)."""
        token, until = self._seen
        if time.monotonic() < until:
            return token
        held = self._from_redis() or self._obtain(self._own)
        self._seen = held.token, time.monotonic() + min(GLANCE, held.left / 2)
        return held.token

    def invalidate(self, token: str) -> None:
        """The platform called this token dead. Nothing happens if it has been replaced meanwhile."""
        self._seen = "", 0.0
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
        log.warning("token.store_down", what=self._name, error=type(error).__name__)

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
            held = self._asked(force=False)
            if shelf.found_dead(held.token) and shelf.may_force():
                held = self._forced() or held
        except WeChatError as refused:
            trouble = str(refused.code)
        except Unreachable:
            trouble = _UNREACHABLE
        else:
            shelf.keep(held, owner)
            log.info("token.fetched", what=self._name, seconds=held.left)
            return held
        log.warning("token.fetch_failed", what=self._name, trouble=trouble)
        shelf.note_trouble(trouble)
        raise _failure(trouble)

    def _forced(self) -> Held | None:
        """In place of a dead token that the platform still hands out. None: refused, as its own budget is used up."""
        try:
            return self._asked(force=True)
        except WeChatError as refused:
            log.warning("token.not_forced", what=self._name, code=refused.code)
            return None

    def _asked(self, force: bool) -> Held:
        held = self._ask(force)
        self._own.keep(held)  # so that Redis failing from here on loses nothing
        return held

    def _ask(self, force: bool) -> Held:
        """Ask the platform. Raises WeChatError, or Unreachable."""
        raise NotImplementedError


class TokenManager(Kept):
    """``timeout`` is seconds to connect and to answer; ``redis`` and ``turn_seconds`` as in ``Kept``."""

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
        super().__init__("token", app_id, redis, turn_seconds)
        self._url = f"{api_url.rstrip('/')}/cgi-bin/stable_token"
        self._app_id, self._app_secret = app_id, app_secret
        self._http, self._timeout = http, timeout

    def __repr__(self) -> str:
        return f"TokenManager({self._app_id!r})"

    def _ask(self, force: bool) -> Held:
        account = {"appid": self._app_id, "secret": self._app_secret.get_secret_value()}
        body = {"grant_type": "client_credential", "force_refresh": force, **account}
        answer = exchange(self._http, "POST", self._url, call=CALL, timeout=self._timeout, repeatable=True, json=body)
        fields = answer.fields or {}
        token, seconds = fields.get("access_token"), fields.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(seconds, int) or seconds <= 0:
            raise Unreachable(False, CALL, "an answer without a token")
        return Held(token, float(seconds), min(RENEW_EARLY, seconds / 2))


def _failure(trouble: str) -> WeChatError | Unreachable:
    """For whoever wanted the token: nothing of theirs has been sent."""
    if trouble == _UNREACHABLE:
        return Unreachable(False, CALL, "no token to be had")
    code = int(trouble)
    # What elsewhere means a dead token means a wrong AppSecret here: renewing would not help.
    action = rule_for(code).action
    return WeChatError(code, Action.DISABLE_FEATURE if action is Action.RENEW_TOKEN else action, CALL)
