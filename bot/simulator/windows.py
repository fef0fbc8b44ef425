"""When the account may write to a person by itself: the windows that the person's acts open, and their counts.

Source: doc/offiaccount/Customer_Service/Customer_Service_Messages.html, as it
stands after the cuts of 2023. From which of several open windows a message is
taken is nowhere written; here it is the one that closes first.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.simulator.envelope import Content
from bot.simulator.errors import ApiError

TWO_DAYS = 48 * 3600
MINUTE = 60
# doc/offiaccount/Customer_Service/Customer_Service_Messages.html, the part on the typing state.
TYPING = 15
TYPING_AFTER_ACT = 30


class Window(StrEnum):
    MESSAGE = "message"
    MENU = "menu"
    FOLLOW = "follow"
    SCAN = "scan"
    PAID = "paid"


# Window -> (seconds, messages); None: any number.
RULES: dict[Window, tuple[int, int | None]] = {
    Window.MESSAGE: (TWO_DAYS, 5),
    Window.MENU: (MINUTE, 3),
    Window.FOLLOW: (MINUTE, 3),
    Window.SCAN: (MINUTE, 3),
    Window.PAID: (TWO_DAYS, None),
}
EVENTS = {
    "CLICK": Window.MENU,
    "scancode_push": Window.MENU,
    "scancode_waitmsg": Window.MENU,
    "subscribe": Window.FOLLOW,
    "SCAN": Window.SCAN,
}


@dataclass
class _Open:
    ends: float
    left: int | None


class Windows:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, dict[Window, _Open]] = {}
        self._last_act: dict[str, float] = {}
        self._typing: dict[str, float] = {}

    def act(self, openid: str, content: Content) -> None:
        """What the person did, and which window it opens afresh. Whoever unfollows closes all."""
        if content.event == "unsubscribe":
            with self._lock:
                self._open.pop(openid, None)
        elif window := _opened_by(content):
            self.open(openid, window)

    def paid(self, openid: str) -> None:
        """A payment of theirs has succeeded."""
        self.open(openid, Window.PAID)

    def open(self, openid: str, window: Window) -> None:
        seconds, messages = RULES[window]
        with self._lock:
            now = self._clock()
            self._open.setdefault(openid, {})[window] = _Open(now + seconds, messages)
            self._last_act[openid] = now

    def use(self, openid: str) -> None:
        """One message of the account. Raises ApiError 45015 outside every window, 45047 where all are used up."""
        with self._lock:
            windows = self._now_open(openid)
            if not windows:
                raise ApiError(45015)
            for window in sorted(windows.values(), key=lambda window: window.ends):
                if window.left is None:
                    return
                if window.left:
                    window.left -= 1
                    return
            raise ApiError(45047)

    def shown(self, openid: str) -> list[dict[str, Any]]:
        """``[{"window", "ends", "left"}]``: what is open now; ``left`` is None for any number."""
        with self._lock:
            windows = self._now_open(openid)
            return [{"window": name, "ends": window.ends, "left": window.left} for name, window in windows.items()]

    def type(self, openid: str, typing: bool) -> None:
        """Show, or no longer show, that the account is typing.

        Raises ApiError 45080 unless the person acted within half a minute, 45081 while it is shown already.
        """
        with self._lock:
            now = self._clock()
            if now - self._last_act.get(openid, 0) > TYPING_AFTER_ACT:
                raise ApiError(45080)
            if typing and self._typing.get(openid, 0) > now:
                raise ApiError(45081)
            self._typing[openid] = now + TYPING if typing else 0

    def is_typing(self, openid: str) -> bool:
        with self._lock:
            return self._typing.get(openid, 0) > self._clock()

    def _now_open(self, openid: str) -> dict[Window, _Open]:
        now = self._clock()
        return {name: window for name, window in self._open.get(openid, {}).items() if window.ends > now}


def _opened_by(content: Content) -> Window | None:
    if content.event:
        return EVENTS.get(content.event)
    tapped = any(name == "bizmsgmenuid" for name, _ in content.fields)
    return Window.MENU if tapped else Window.MESSAGE
