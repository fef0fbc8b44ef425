"""How often each call may come in a second. Source: the pay documentation's guide (ico-guide), per merchant."""

import threading
from collections import Counter
from collections.abc import Callable

from bot.simulator.pay.errors import PayError

PER_SECOND = {"order": 60, "query": 300, "refund": 150, "refused_refund": 6}


class Rates:
    """``limits`` may be changed, as for a merchant with others."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._second = 0
        self._used: Counter[str] = Counter()
        self.limits = dict(PER_SECOND)

    def use(self, name: str) -> None:
        """Count one. Raises PayError RATELIMIT_EXCEEDED."""
        with self._lock:
            second = int(self._clock())
            if second != self._second:
                self._second = second
                self._used.clear()
            if self._used[name] >= self.limits[name]:
                raise PayError("RATELIMIT_EXCEEDED", f"at most {self.limits[name]} a second")
            self._used[name] += 1
