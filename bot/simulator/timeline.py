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
from typing import Protocol

Act = Callable[[], None]

# Seconds: less than this is what adding to a time and subtracting from it may lose.
_NOTHING = 1e-6


class SharedClock(Protocol):
    """Where the account's server reads by how many seconds the clock is moved, so that both have one time."""

    def read(self) -> float: ...

    def write(self, ahead: float) -> None: ...


class Timeline:
    """Seconds since 1970. ``base`` is the true time, to which the moves are added.

    ``shared``: begins where that stands (it may be behind the true time), and tells it each move before anything is
    done at the new time.
    """

    def __init__(self, base: Callable[[], float] = time.time, shared: SharedClock | None = None) -> None:
        self._base = base
        self._shared = shared
        self._ahead = shared.read() if shared else 0.0
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
        """The time that signatures are made at, here and at the account's server."""
        return self._base()

    @property
    def ahead(self) -> float:
        """By how much the clock has been moved."""
        return self._ahead

    @property
    def is_shared(self) -> bool:
        """Whether the account's server moves along."""
        return self._shared is not None

    @property
    def server_behind(self) -> float:
        """By how much the clock of the account's server is behind this one: by nothing where it is shared."""
        return 0.0 if self._shared else self._ahead

    @property
    def tokens_clock(self) -> Callable[[], float]:
        """The clock of tokens and tickets. The server keeps them for so many true seconds, wherever its clock is."""
        return self.true if self._shared else self

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
            self._put(goal)

    def start(self) -> None:
        """Do what falls due as true time passes, from a thread of its own, until ``close``."""
        self._thread = threading.Thread(target=self._keep, name="timeline", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; what is due and not done yet is left."""
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
            if self._closed or not self._due or self._due[0][0] > until:
                return None
            moment = self._due[0][0]
        self._put(moment)
        with self._changed:
            return heapq.heappop(self._due)[2]

    def _put(self, moment: float) -> None:
        """Put the clock to this time, unless it is there already."""
        ahead = moment - self._base()
        if ahead <= self._ahead + _NOTHING:
            return
        if self._shared:
            self._shared.write(ahead)
        with self._changed:
            self._ahead = ahead
            self._changed.notify_all()


def _do(act: Act) -> None:
    try:
        act()
    except Exception:  # the platform goes on; whoever runs it sees why this was not done
        traceback.print_exc(file=sys.stderr)
