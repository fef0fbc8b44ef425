"""What was said, and what went over the wire for it.

Everything that changes gets the next version number, so that a page asks for
all that is newer than what it has.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from bot.simulator.platform import Delivery

ENTRIES_KEPT = 5000
EXCHANGES_KEPT = 200


@dataclass
class Entry:
    """One bubble or line in a chat. ``by``: person, account or platform. ``state``: sending or done."""

    id: int
    version: int
    openid: str
    by: str
    kind: str
    content: dict[str, Any]
    at: float
    state: str = "done"
    ref: str = ""
    """The page's own name for what it sent, so that it knows its bubble again."""


@dataclass(frozen=True)
class Exchange:
    """One message with all its deliveries, as the log shows it."""

    id: int
    version: int
    openid: str
    label: str
    at: float
    delivery: Delivery


class Chat:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Condition()
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_KEPT)
        self._exchanges: deque[Exchange] = deque(maxlen=EXCHANGES_KEPT)
        self._version = 0
        self.closed = False
        """Nobody need wait for news any more."""

    def add(
        self, openid: str, by: str, kind: str, content: dict[str, Any], state: str = "done", ref: str = ""
    ) -> Entry:
        with self._lock:
            version = self._next()
            entry = Entry(version, version, openid, by, kind, content, self._clock(), state, ref)
            self._entries.append(entry)
            return entry

    def settle(self, entry: Entry) -> None:
        """Its delivery has ended, well or not."""
        with self._lock:
            entry.state = "done"
            entry.version = self._next()

    def record(self, openid: str, label: str, delivery: Delivery) -> None:
        with self._lock:
            version = self._next()
            self._exchanges.append(Exchange(version, version, openid, label, self._clock(), delivery))

    def newer_than(self, version: int) -> dict[str, Any]:
        """``{"version", "entries", "exchanges"}``, oldest first, as JSON has it."""
        with self._lock:
            return {
                "version": self._version,
                "entries": [asdict(entry) for entry in self._entries if entry.version > version],
                "exchanges": [asdict(exchange) for exchange in self._exchanges if exchange.version > version],
            }

    def wait(self, version: int, seconds: float) -> None:
        """Until there is something newer, but not longer than this."""
        with self._lock:
            self._lock.wait_for(lambda: self.closed or self._version > version, seconds)

    def close(self) -> None:
        """Lets go whoever waits."""
        with self._lock:
            self.closed = True
            self._lock.notify_all()

    def _next(self) -> int:
        self._version += 1
        self._lock.notify_all()
        return self._version
