"""Access tokens, both kinds, with the platform's lives and overlaps (seconds).

Source: getAccessToken and getStableAccessToken in the service account's API
pages. The two kinds live apart and do not invalidate each other.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

from bot.simulator.errors import ApiError

LIFE = 7200
OVERLAP = 300
"""An ordinary token stays good this long after a newer one was fetched."""
RENEWED_EARLY = 300
"""A stable token this close to its end is replaced; the old one still lives out its time."""
FORCED_PER_DAY = 20
FORCED_APART = 30
DAY = 86400
CHINA_OFFSET = 8 * 3600


@dataclass
class _Token:
    value: str
    ends: float
    replaced: bool = False


class Tokens:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Token] = {}
        self._ordinary: _Token | None = None
        self._stable: _Token | None = None
        self._forced: list[float] = []

    def ordinary(self) -> tuple[str, int]:
        """/cgi-bin/token: always a new token, and its life in seconds."""
        with self._lock:
            now = self._clock()
            if self._ordinary:
                self._ordinary.ends = min(self._ordinary.ends, now + OVERLAP)
                self._ordinary.replaced = True
            self._ordinary = self._new(now)
            return self._ordinary.value, LIFE

    def stable(self, force: bool = False) -> tuple[str, int]:
        """/cgi-bin/stable_token: the one that still lives, or a new one. Raises ApiError 45009."""
        with self._lock:
            now = self._clock()
            if force and self._may_force(now) and self._stable:
                self._stable.ends = now
                self._stable.replaced = True
            if self._stable is None or self._stable.ends - now <= RENEWED_EARLY:
                self._stable = self._new(now)
            return self._stable.value, int(self._stable.ends - now)

    def check(self, value: str) -> None:
        """Raises ApiError: 41001 none given, 40001 unknown or replaced, 42001 expired."""
        if not value:
            raise ApiError(41001)
        with self._lock:
            token = self._known.get(value)
            if token is None:
                raise ApiError(40001)
            if self._clock() >= token.ends:
                raise ApiError(40001 if token.replaced else 42001)

    def _may_force(self, now: float) -> bool:
        """Too soon after the last time nothing happens; too often in a day is an error."""
        if self._forced and now - self._forced[-1] < FORCED_APART:
            return False
        today = [moment for moment in self._forced if _day(moment) == _day(now)]
        if len(today) >= FORCED_PER_DAY:
            raise ApiError(45009)
        self._forced = [*today, now]
        return True

    def _new(self, now: float) -> _Token:
        self._known = {value: token for value, token in self._known.items() if now - token.ends < DAY}
        token = _Token(f"97_{secrets.token_urlsafe(96)}", now + LIFE)
        self._known[token.value] = token
        return token


def _day(moment: float) -> int:
    return int((moment + CHINA_OFFSET) // DAY)
