"""Web authorisation: who a visitor of the account's pages is, by code and by tokens of their own.

Source: doc/service/api/webdev/access. Snapshot pages: since 2022-07-12 somebody
who has not acted may be shown a page as a made-up person, ``is_snapshotuser``.
"""

import hashlib
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from bot.simulator.errors import ApiError

CODE_LIFE = 300
TOKEN_LIFE = 7200
REFRESH_LIFE = 30 * 86400
ASKED_LIFE = 600
"""A page that asks for consent is good this long; the platform's own figure is not known."""
BASE, USERINFO = "snsapi_base", "snsapi_userinfo"
SCOPES = {BASE, USERINFO}
STATE = re.compile(r"[a-zA-Z0-9]{0,128}")


class WrongRequest(ValueError):
    """The page that is shown instead: ``code`` names what is wrong with the address."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Visit:
    """What an account's page asks for. ``openid`` is the made-up one where ``snapshot``."""

    person: str
    openid: str
    scope: str
    redirect: str
    state: str
    snapshot: bool = False


@dataclass
class _Code:
    visit: Visit
    ends: float
    used: bool = False


@dataclass
class _Tokens:
    visit: Visit
    ends: float


class OAuth:
    """``domains``: those that redirects may lead to; empty: any."""

    def __init__(self, clock: Callable[[], float], app_id: str, domains: tuple[str, ...]) -> None:
        self._clock = clock
        self._app_id = app_id
        self._domains = domains
        self._lock = threading.Lock()
        self._snapshots: set[str] = set()
        self._asked: dict[str, tuple[Visit, float]] = {}
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, _Tokens] = {}
        self._refresh: dict[str, _Tokens] = {}

    def show_snapshots(self, openid: str, on: bool) -> None:
        """From now on this person's visits are a made-up person's, or no longer."""
        with self._lock:
            (self._snapshots.add if on else self._snapshots.discard)(openid)

    def visit(self, openid: str, query: dict[str, str]) -> Visit:
        """Raises WrongRequest: app_id, response_type, scope, state, redirect_uri."""
        checks = {
            "app_id": query.get("appid") == self._app_id,
            "response_type": query.get("response_type") == "code",
            "scope": query.get("scope") in SCOPES,
            "state": bool(STATE.fullmatch(query.get("state", ""))),
            "redirect_uri": self._may_redirect(query.get("redirect_uri", "")),
        }
        for name, right in checks.items():
            if not right:
                raise WrongRequest(name)
        with self._lock:
            snapshot = openid in self._snapshots
        shown = _made_up(openid) if snapshot else openid
        return Visit(openid, shown, query["scope"], query["redirect_uri"], query.get("state", ""), snapshot)

    def ask(self, visit: Visit) -> str:
        """The name under which the person's yes to this visit is taken, once."""
        with self._lock:
            name = secrets.token_urlsafe(24)
            self._asked[name] = visit, self._clock() + ASKED_LIFE
            return name

    def agree(self, name: str) -> str:
        """Where the person goes after their yes. Raises WrongRequest."""
        with self._lock:
            visit, ends = self._asked.pop(name, (None, 0.0))
        if visit is None or ends <= self._clock():
            raise WrongRequest("asked")
        return self.go(visit)

    def go(self, visit: Visit) -> str:
        """The account's page, with a new code."""
        with self._lock:
            now = self._clock()
            self._codes = {name: code for name, code in self._codes.items() if code.ends > now}
            code = f"0{secrets.token_urlsafe(23)}"
            self._codes[code] = _Code(visit, now + CODE_LIFE)
        parts = urlsplit(visit.redirect)
        query = "&".join(part for part in (parts.query, urlencode({"code": code, "state": visit.state})) if part)
        return urlunsplit(parts._replace(query=query))

    def redeem(self, code: str) -> dict[str, Any]:
        """As access_token answers, without the unionid. Raises ApiError 40029 unknown or too old, 40163 used."""
        with self._lock:
            found = self._codes.get(code)
            if found is None or found.ends <= self._clock():
                raise ApiError(40029)
            if found.used:
                raise ApiError(40163)
            found.used = True
            refresh = f"97_{secrets.token_urlsafe(60)}"
            self._refresh[refresh] = _Tokens(found.visit, self._clock() + REFRESH_LIFE)
            return self._issue(found.visit, refresh)

    def refresh(self, token: str) -> dict[str, Any]:
        """A new access token with the same refresh token. Raises ApiError 40030, 42002."""
        with self._lock:
            found = self._refresh.get(token)
            if found is None:
                raise ApiError(40030)
            if found.ends <= self._clock():
                raise ApiError(42002)
            return self._issue(found.visit, token)

    def check(self, token: str, openid: str) -> Visit:
        """Whom an access token is for. Raises ApiError 41001, 40001, 42001, 41009, 40003."""
        if not token:
            raise ApiError(41001)
        with self._lock:
            found = self._access.get(token)
            if found is None:
                raise ApiError(40001)
            if found.ends <= self._clock():
                raise ApiError(42001)
        if not openid:
            raise ApiError(41009)
        if openid != found.visit.openid:
            raise ApiError(40003)
        return found.visit

    def _issue(self, visit: Visit, refresh: str) -> dict[str, Any]:
        access = f"97_{secrets.token_urlsafe(60)}"
        self._access[access] = _Tokens(visit, self._clock() + TOKEN_LIFE)
        snapshot = {"is_snapshotuser": 1} if visit.snapshot else {}
        return {
            "access_token": access,
            "expires_in": TOKEN_LIFE,
            "refresh_token": refresh,
            "openid": visit.openid,
            "scope": visit.scope,
            **snapshot,
        }

    def _may_redirect(self, address: str) -> bool:
        try:
            parts = urlsplit(address)
        except ValueError:
            return False
        web = parts.scheme in {"http", "https"} and bool(parts.hostname)
        return web and (not self._domains or parts.hostname in self._domains)


def _made_up(openid: str) -> str:
    return f"o{hashlib.sha256(f'snapshot {openid}'.encode()).hexdigest()[:27]}"
