"""The platform's clock, which can be moved, and what the platform will do later.

When days pass in a moment, whatever falls due in them is done in its order and
with the clock at its own time, so that what it leads to falls due as well.
"""

import heapq
import itertools
import sys
import threading
import time
import traceback
from collections.abc import Callable

Act = Callable[[], None]


class Timeline:
    """Seconds since 1970. ``base`` is the true time, to which the moves are added."""

    def __init__(self, base: Callable[[], float] = time.time) -> None:
        self._base = base
        self._ahead = 0.0
        self._due: list[tuple[float, int, Act]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._moving = threading.RLock()
        self._closed = False
        self._thread: threading.Thread | None = None

    def __call__(self) -> float:
        with self._changed:
            return self._base() + self._ahead

    def true(self) -> float:
        """The time that the account's server has, too, and that signatures are made at."""
        return self._base()

    @property
    def ahead(self) -> float:
        """By how much the clock has been moved."""
        return self._ahead

    def after(self, seconds: float, act: Act) -> None:
        """Do this so many seconds from now: when they have passed, or have been moved past."""
        with self._changed:
            heapq.heappush(self._due, (self._base() + self._ahead + seconds, next(self._count), act))
            self._changed.notify_all()

    def move(self, seconds: float) -> None:
        """Let this time pass. Returns when all that fell due has been done; one act's failure stops no other."""
        if seconds < 0:
            raise ValueError("time does not go back")
        with self._moving:
            goal = self() + seconds
            while (act := self._take(goal)) is not None:
                _do(act)
            with self._changed:
                self._ahead = max(self._ahead, goal - self._base())
                self._changed.notify_all()

    def start(self) -> None:
        """Do what falls due as true time passes, from a thread of its own, until ``close``."""
        self._thread = threading.Thread(target=self._keep, name="timeline", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join(5)

    def _keep(self) -> None:
        while True:
            with self._changed:
                wait = self._due[0][0] - (self._base() + self._ahead) if self._due else None
                if self._closed:
                    return
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
            self.move(0)

    def _take(self, until: float) -> Act | None:
        """The next act that is due by then, with the clock put to its time."""
        with self._changed:
            if not self._due or self._due[0][0] > until:
                return None
            moment, _, act = heapq.heappop(self._due)
            self._ahead = max(self._ahead, moment - self._base())
            return act


def _do(act: Act) -> None:
    try:
        act()
    except Exception:  # the platform goes on; whoever runs it sees why this was not done
        traceback.print_exc(file=sys.stderr)
