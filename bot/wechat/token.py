"""Provide the access token: one for all processes, fetched by one of them at a time, never written to a log.

Redis holds it in a key that expires with it, so no two clocks are compared.
With Redis away each process fetches for itself: ``stable_token`` gives
all of them the same token, so the only cost is a few more calls.
``SharedToken`` also keeps other shared values of the platform (bot.wechat.ticket).
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
from bot.wechat.token_store import HeldToken, LocalTokenStore, RedisTokenStore, TokenStore

log = structlog.get_logger()

CALL = "stable_token"

# doc/service/api/base/api_getstableaccesstoken: in the old token's last five minutes the platform returns a new
# one, and both are valid meanwhile. So a request with four minutes left always gets a new one.
RENEW_EARLY = 240.0
# Seconds before Redis is tried again after a failure.
REDIS_PAUSE = 5.0
# Seconds that a process caches what it has read, so that a thousand sends are not a thousand reads. A stale token
# does no harm: the platform calls it dead, and the call is made once more.
GLANCE = 1.0
# Seconds between a process's checks whether the lock is free.
POLL = 0.05
_UNREACHABLE = "unreachable"


class SharedToken:
    """Provides a valid token. If the process that fetches it dies, the others wait at most ``lock_seconds``.

    ``name``: what it is, also in the keys in Redis. ``redis`` should have short time-outs and no retries of its own.
    """

    def __init__(self, name: str, app_id: str, redis: Redis, lock_seconds: float = 12.0) -> None:
        self._name = name
        self._patience = lock_seconds + 1  # longer than the lock, to outlast a dead holder's
        self._shared, self._own = RedisTokenStore(redis, app_id, lock_seconds, name), LocalTokenStore()
        self._redis_again_at = 0.0
        self._seen: tuple[str, float] = ("", 0.0)
        self._lock = Lock()

    def current(self) -> str:
        """Return a token that is valid as far as known. Raises WeChatError, or Unreachable (nothing was sent)."""
        token, until = self._seen
        if time.monotonic() < until:
            return token
        held = self._from_redis() or self._obtain(self._own)
        self._seen = held.token, time.monotonic() + min(GLANCE, held.left / 2)
        return held.token

    def invalidate(self, token: str) -> None:
        """Drop a token that the platform called dead, unless it has been replaced meanwhile."""
        self._seen = "", 0.0
        self._own.discard(token)
        if time.monotonic() >= self._redis_again_at:
            try:
                self._shared.discard(token)
            except RedisError as error:
                self._leave_redis(error)

    def _from_redis(self) -> HeldToken | None:
        """Return the token by way of Redis; None if Redis is away."""
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

    def _obtain(self, store: TokenStore) -> HeldToken:
        held = store.read()
        if held is None:
            return self._first(store)
        return self._renewed(store, held) if held.is_due and not store.failure() else held

    def _first(self, store: TokenStore) -> HeldToken:
        """Get the first token: one process fetches it, the others wait for it."""
        with self._fetch_lock(store, self._patience) as (owner, _):
            # Without the lock after this wait, we fetch nevertheless: fetching twice is harmless.
            held, failure = store.read(), store.failure()
            if held is None and failure:
                raise _failure(failure)
            return held or self._fetch(store, owner)

    def _renewed(self, store: TokenStore, old: HeldToken) -> HeldToken:
        """Renew a token that expires soon: a process that gets the lock at once does it, the others use the old one."""
        with self._fetch_lock(store, patience=0) as (owner, mine):
            held = store.read() or old
            if not mine or not held.is_due:
                return held
            try:
                return self._fetch(store, owner)
            except (WeChatError, Unreachable):  # logged by _fetch; the old one is still good
                return held

    @contextmanager
    def _fetch_lock(self, store: TokenStore, patience: float) -> Iterator[tuple[str, bool]]:
        """Wait for the lock up to ``patience`` seconds; yield our name and whether we have the lock."""
        owner, deadline = uuid4().hex, time.monotonic() + patience
        alone = self._lock.acquire(timeout=patience)
        try:
            mine = alone and store.take_lock(owner)
            while alone and not mine and time.monotonic() < deadline:
                time.sleep(POLL)
                mine = store.take_lock(owner)
            try:
                yield owner, mine
            finally:
                store.release_lock(owner)
        finally:
            if alone:
                self._lock.release()

    def _fetch(self, store: TokenStore, owner: str) -> HeldToken:
        try:
            held = self._asked(force=False)
            if store.found_dead(held.token) and store.may_force():
                held = self._forced() or held
        except WeChatError as refused:
            failure = str(refused.code)
        except Unreachable:
            failure = _UNREACHABLE
        else:
            store.keep(held, owner)
            log.info("token.fetched", what=self._name, seconds=held.left)
            return held
        log.warning("token.fetch_failed", what=self._name, failure=failure)
        store.note_failure(failure)
        raise _failure(failure)

    def _forced(self) -> HeldToken | None:
        """Force a new token in place of a dead one that the platform still returns. None: its quota is used up."""
        try:
            return self._asked(force=True)
        except WeChatError as refused:
            log.warning("token.not_forced", what=self._name, code=refused.code)
            return None

    def _asked(self, force: bool) -> HeldToken:
        held = self._ask(force)
        self._own.keep(held)  # so that Redis failing from here on loses nothing
        return held

    def _ask(self, force: bool) -> HeldToken:
        """Fetch from the platform. Raises WeChatError or Unreachable."""
        raise NotImplementedError


class TokenManager(SharedToken):
    """Holds the access token. ``timeout``: to connect, to answer; ``redis``, ``lock_seconds``: see ``SharedToken``."""

    def __init__(
        self,
        api_url: str,
        app_id: str,
        app_secret: SecretStr,
        redis: Redis,
        http: requests.Session,
        *,
        timeout: tuple[float, float] = (2.0, 4.0),
        lock_seconds: float = 12.0,
    ) -> None:
        super().__init__("token", app_id, redis, lock_seconds)
        self._url = f"{api_url.rstrip('/')}/cgi-bin/stable_token"
        self._app_id, self._app_secret = app_id, app_secret
        self._http, self._timeout = http, timeout

    def __repr__(self) -> str:
        return f"TokenManager({self._app_id!r})"

    def probe(self) -> None:
        """Ask for the token past what is kept, as a proof that the platform knows account, secret and this machine.

        Raises WeChatError or Unreachable.
        """
        self._ask(force=False)

    def _ask(self, force: bool) -> HeldToken:
        account = {"appid": self._app_id, "secret": self._app_secret.get_secret_value()}
        body = {"grant_type": "client_credential", "force_refresh": force, **account}
        answer = exchange(self._http, "POST", self._url, call=CALL, timeout=self._timeout, repeatable=True, json=body)
        fields = answer.fields or {}
        token, seconds = fields.get("access_token"), fields.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(seconds, int) or seconds <= 0:
            raise Unreachable(False, CALL, "an answer without a token")
        return HeldToken(token, float(seconds), min(RENEW_EARLY, seconds / 2))


def _failure(failure: str) -> WeChatError | Unreachable:
    """Make the error for a caller that needs the token: their own call has not been sent."""
    if failure == _UNREACHABLE:
        return Unreachable(False, CALL, "no token to be had")
    code = int(failure)
    # A code that elsewhere means a dead token means a wrong AppSecret here: renewing would not help.
    action = rule_for(code).action
    return WeChatError(code, Action.DISABLE_FEATURE if action is Action.RENEW_TOKEN else action, CALL)
