"""Give each kind of request a lane of its own: threads of its own, and a bounded queue before them.

What would not be begun in time, by the pace at which its lane goes, is refused at once, so that what was let in is
answered; what waited too long all the same is not begun, because its caller has hung up. A flood in one lane takes no
thread of another: payments are recorded, and the process says how it is, however many messages come. A refusal is a
503, after which WeChat delivers the message again and WeChat Pay the callback; a page's reader gets a page that says
so.
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
# How much the newest gap between two requests counts in a lane's pace, and how long a gap counts at most: after a
# pause of the database the lane is soon believed to be as fast as before.
_NEWEST, _LONGEST_GAP = 0.05, 0.25


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
# WeChat Pay hangs up after five seconds, too. Gifts that are paid at once are applied together, so that most of these
# threads wait for one. The words are for its log.
MONEY = Lane("money", threads=16, most=1_000, seconds=3.0, body=b'{"code":"FAIL","message":"try again"}')
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
    """Return the lanes, that of the pages with this response for a reader who is refused."""
    headers = tuple((name.lower(), value) for name, value in busy.headers if name.lower() != "content-length")
    pages = replace(PAGES, headers=(*PAGES.headers, *headers), body=busy.get_data())
    return (MESSAGES, MONEY, HEALTH, pages)


class LaneQueue(Generic[Request]):
    """The requests of a lane that wait. One thread puts, the lane's own threads take.

    ``_pace``: the seconds between two that are begun while others wait, on an average of the last.
    """

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self._waiting: SimpleQueue[tuple[float, Request]] = SimpleQueue()
        self._begun_at, self._pace = 0.0, 0.0
        self._logged_at = -LOG_SECONDS
        WAITING.labels(lane.name).set_function(self._waiting.qsize)
        self._refused = {reason: REFUSED.labels(lane.name, reason) for reason in ("full", "late")}

    def is_full(self) -> bool:
        """Tell whether the request that came now is refused; counts it as refused then."""
        waiting = self._waiting.qsize()
        if waiting < self.lane.most and waiting * self._pace <= self.lane.seconds:
            return False
        self._count("full")
        return True

    def put(self, came_at: float, request: Request) -> None:
        """Let the request wait. ``came_at``: by time.monotonic()."""
        self._waiting.put((came_at, request))

    def take(self) -> tuple[Request, bool]:
        """Wait for the next request. Returns it, and whether it is too late to begin it; counts it as refused then."""
        came_at, request = self._waiting.get()
        now = time.monotonic()
        late = now - came_at > self.lane.seconds
        if late:
            self._count("late")
        else:
            self._keep_pace(came_at, now)
        return request, late

    def _keep_pace(self, came_at: float, now: float) -> None:
        if came_at <= self._begun_at:  # it has waited for the one before it
            self._pace += (min(now - self._begun_at, _LONGEST_GAP) - self._pace) * _NEWEST
        self._begun_at = now

    def _count(self, reason: str) -> None:
        self._refused[reason].inc()
        now = time.monotonic()
        if now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            log.warning("lane.refuses", lane=self.lane.name, reason=reason, waiting=self._waiting.qsize())
