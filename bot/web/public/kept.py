"""Keep rendered public pages for some seconds, so that a crowd on one page costs one look at the database.

What is kept is the same for everybody. Each page has a key; the oldest go where there are too many.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock

from flask import Response

# A page that closes is seen closed after this time, and after what caches may keep (max-age) on top of it.
KEPT_FOR = timedelta(seconds=5)
MOST_PAGES = 1_000
_LOCKS = 64


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A rendered page: its body with its headers, and the tag by which a cache asks whether it is still the same."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...]
    etag: str
    at: datetime

    @classmethod
    def of(cls, response: Response, at: datetime) -> "KeptPage":
        body = response.get_data()
        return cls(response.status_code, body, tuple(response.headers.items()), sha256(body).hexdigest()[:32], at)

    def response(self) -> Response:
        made = Response(self.body, self.status, list(self.headers))
        made.set_etag(self.etag)
        return made


class KeptPages:
    """Pages by their keys. Safe to call from several threads: of those that want one page, one renders it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._pages: OrderedDict[Hashable, KeptPage] = OrderedDict()
        self._rendering = [Lock() for _ in range(_LOCKS)]
        self._lock = Lock()

    def get(self, key: Hashable, render: Callable[[datetime], Response]) -> KeptPage:
        """Return the page, rendered within KEPT_FOR; one that was never there (404) is not kept."""
        now = self._clock()
        if (found := self._find(key, now)) is not None:
            return found
        with self._rendering[hash(key) % _LOCKS]:
            if (found := self._find(key, now)) is not None:
                return found
            made = KeptPage.of(render(now), now)
            if made.status != 404:
                self._keep(key, made)
            return made

    def clear(self) -> None:
        with self._lock:
            self._pages.clear()

    def _find(self, key: Hashable, now: datetime) -> KeptPage | None:
        found = self._pages.get(key)
        return found if found and abs(now - found.at) < KEPT_FOR else None

    def _keep(self, key: Hashable, page: KeptPage) -> None:
        with self._lock:
            self._pages[key] = page
            self._pages.move_to_end(key)
            while len(self._pages) > MOST_PAGES:
                self._pages.popitem(last=False)
