"""Give each kind of request a lane of its own: threads of its own, and a bounded queue before them.

What finds its lane full is refused at once, so that what was let in is answered in time; what waited too long in it is
not begun, because its caller has hung up. A flood in one lane takes no thread of another: payments are recorded, and
the process says how it is, however many messages come. A refusal is a 503, after which WeChat delivers the message
again and WeChat Pay the callback; a page's reader gets a page that says so.
"""

import time
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Generic, TypeVar

import structlog
from flask import Response

from bot.pay.factory import NOTIFY_PATH, PARTNER_NOTIFY_PATH
from bot.web.metrics import REFUSED, WAITING

log = structlog.get_logger()

Request = TypeVar("Request")

# A flood refuses thousands a second: the figures count them, and the log names the lane this often.
LOG_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Lane:
    """``most``: how many requests may wait for one of the ``threads``; ``seconds``: after how long one is not begun.

    ``headers`` and ``body`` of a refusal. The threads of all lanes together are no more than the connections to the
    database (models.core.database.connect), so that none waits for a connection that another lane holds."""

    name: str
    threads: int
    most: int
    seconds: float
    headers: tuple[tuple[str, str], ...] = (("retry-after", "5"),)
    body: bytes = b""


# WeChat hangs up after five seconds: a turn that begins within three leaves two for itself and the way back.
MESSAGES = Lane("messages", threads=8, most=1_000, seconds=3.0)
# WeChat Pay hangs up after five seconds, too. The words are for its log.
MONEY = Lane("money", threads=4, most=200, seconds=3.0, body=b'{"code":"FAIL","message":"try again"}')
# What the proxy and the operator ask a process about itself.
HEALTH = Lane("health", threads=2, most=20, seconds=3.0)
PAGES = Lane("pages", threads=6, most=200, seconds=10.0)
LANES = (MESSAGES, MONEY, HEALTH, PAGES)

_OF_PATH = {
    "/wechat": MESSAGES.name,
    **dict.fromkeys((NOTIFY_PATH, PARTNER_NOTIFY_PATH), MONEY.name),
    **dict.fromkeys(("/healthz", "/readyz", "/metrics"), HEALTH.name),
}


def lane_of(path: str) -> str:
    """Return the name of the lane that a request with this path takes."""
    return _OF_PATH.get(path, PAGES.name)


def lanes_with(busy: Response) -> tuple[Lane, ...]:
    """Return the lanes; a reader whose page is refused gets this response."""
    headers = tuple((name.lower(), value) for name, value in busy.headers if name.lower() != "content-length")
    pages = replace(PAGES, headers=(*PAGES.headers, *headers), body=busy.get_data())
    return (MESSAGES, MONEY, HEALTH, pages)


class LaneQueue(Generic[Request]):
    """The requests of a lane that wait. One thread puts, the lane's own threads take."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self._waiting: SimpleQueue[tuple[float, Request]] = SimpleQueue()
        self._logged_at = -LOG_SECONDS
        WAITING.labels(lane.name).set_function(self._waiting.qsize)
        self._refused = {reason: REFUSED.labels(lane.name, reason) for reason in ("full", "late")}

    def is_full(self) -> bool:
        """Tell whether the request that came now is refused; counts it as refused then."""
        if self._waiting.qsize() < self.lane.most:
            return False
        self._count("full")
        return True

    def put(self, came_at: float, request: Request) -> None:
        """Let the request wait. ``came_at``: by time.monotonic()."""
        self._waiting.put((came_at, request))

    def take(self) -> tuple[Request, bool]:
        """Wait for the next request. Returns it, and whether it is too late to begin it; counts it as refused then."""
        came_at, request = self._waiting.get()
        late = time.monotonic() - came_at > self.lane.seconds
        if late:
            self._count("late")
        return request, late

    def _count(self, reason: str) -> None:
        self._refused[reason].inc()
        now = time.monotonic()
        if now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            log.warning("lane.refuses", lane=self.lane.name, reason=reason, waiting=self._waiting.qsize())
