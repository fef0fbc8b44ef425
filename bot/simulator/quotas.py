"""How often each API may be called in a day, and in a minute; the day begins at midnight in China.

Source: doc/service/Message_Management/API_Call_Limits.html, for a verified service account.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable

from bot.simulator.errors import ApiError

CHINA_OFFSET = 8 * 3600
DAY = 86400
CLEARS_PER_MONTH = 10

# Name of a count -> calls a day.
PER_DAY = {
    "token": 2_000,
    "menu_create": 1_000,
    "menu_get": 10_000,
    "menu_delete": 1_000,
    "menu_addconditional": 2_000,
    "menu_delconditional": 2_000,
    "menu_trymatch": 20_000,
    "media_upload": 100_000,
    "media_get": 200_000,
    "custom_send": 500_000,
    "template_send": 100_000,
    "subscribe_send": 100_000,
    "qrcode_create": 100_000,
    "user_info": 5_000_000,
    "user_get": 500,
    "ticket_get": 1_000_000,
}


# The same for a sandbox account, where they differ.
SANDBOX_PER_DAY = {
    "token": 200,
    "menu_create": 100,
    "media_upload": 500,
    "media_get": 1_000,
    "custom_send": 50_000,
    "qrcode_create": 10_000,
    "user_info": 500_000,
}


class Quotas:
    """Counts and limits. ``limits`` may be lowered, to see what a used-up day does without the calls of a day."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._day = 0
        self._used: Counter[str] = Counter()
        self._month = ""
        self._cleared = 0
        self.limits = dict(PER_DAY)

    def use(self, name: str) -> None:
        """Count one call. Raises ApiError 45009 where the day's are used up."""
        with self._lock:
            self._turn_page()
            if self._used[name] >= self.limits[name]:
                raise ApiError(45009)
            self._used[name] += 1

    def used(self, name: str) -> tuple[int, int]:
        """(calls today, calls a day)."""
        with self._lock:
            self._turn_page()
            return self._used[name], self.limits[name]

    def clear(self) -> None:
        """clear_quota: today's counts begin anew, ten times a month. Raises ApiError 48006."""
        with self._lock:
            self._turn_page()
            if self._cleared >= CLEARS_PER_MONTH:
                raise ApiError(48006)
            self._cleared += 1
            self._used.clear()

    def _turn_page(self) -> None:
        now = self._clock() + CHINA_OFFSET
        if int(now // DAY) != self._day:
            self._day = int(now // DAY)
            self._used.clear()
        month = time.strftime("%Y-%m", time.gmtime(now))
        if month != self._month:
            self._month, self._cleared = month, 0
