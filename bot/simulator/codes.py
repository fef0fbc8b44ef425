"""The account's QR codes: what each leads to, and for how long.

Source: doc/service/api/qrcode/qrcodes/api_createqrcode.md.
"""

import io
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import segno

from bot.simulator.errors import ApiError

LONGEST_LIFE = 2_592_000
DEFAULT_LIFE = 60
PERMANENT = 100_000
PERMANENT_IDS = 100_000
LARGEST_ID = 2**32 - 1
SCENE_LENGTH = 64
TEMPORARY_ACTIONS = {"QR_SCENE", "QR_STR_SCENE"}
PERMANENT_ACTIONS = {"QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE"}
WITH_NUMBER = {"QR_SCENE", "QR_LIMIT_SCENE"}


class DeadCode(LookupError):
    """There is no such code, or it has expired: whoever scans it is told so, and nothing is delivered."""


@dataclass(frozen=True)
class Code:
    """``url`` is what the picture says. ``ends``: None for ever."""

    ticket: str
    scene: str
    url: str
    ends: float | None


class Codes:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: dict[str, Code] = {}
        self.permanent_limit = PERMANENT

    def create(self, body: dict[str, Any]) -> tuple[Code, int]:
        """(code, seconds it lives; 0 for ever). Raises ApiError 40052, 40053, 45029."""
        action = body.get("action_name")
        if action not in TEMPORARY_ACTIONS | PERMANENT_ACTIONS:
            raise ApiError(40052)
        scene = _scene(str(action), body.get("action_info"))
        lasting = action in PERMANENT_ACTIONS
        seconds = 0 if lasting else _seconds(body.get("expire_seconds", DEFAULT_LIFE))
        with self._lock:
            now = self._clock()
            self._codes = {ticket: code for ticket, code in self._codes.items() if code.ends is None or code.ends > now}
            if lasting:
                kept = [code for code in self._codes.values() if code.ends is None]
                # The same permanent code asked for again is the same code.
                if same := next((code for code in kept if code.scene == scene), None):
                    return same, 0
                if len(kept) >= self.permanent_limit:
                    raise ApiError(45029)
            ticket = f"gQ{secrets.token_urlsafe(68)}"
            url = f"http://weixin.qq.com/q/{secrets.token_urlsafe(16)}"
            code = self._codes[ticket] = Code(ticket, scene, url, None if lasting else now + seconds)
            return code, seconds

    def shown(self) -> list[Code]:
        """Those that still live, the newest first."""
        with self._lock:
            now = self._clock()
            return [code for code in reversed(self._codes.values()) if code.ends is None or code.ends > now]

    def find(self, ticket_or_url: str) -> Code:
        """By its ticket, or by what a scanner reads. Raises DeadCode."""
        with self._lock:
            code = self._codes.get(ticket_or_url)
            code = code or next((code for code in self._codes.values() if code.url == ticket_or_url), None)
            if code is None or (code.ends is not None and code.ends <= self._clock()):
                raise DeadCode(ticket_or_url)
            return code


def picture(code: Code) -> bytes:
    """A PNG."""
    made = io.BytesIO()
    segno.make(code.url, error="m", micro=False).save(made, kind="png", scale=10, border=4)
    return made.getvalue()


def _scene(action: str, info: Any) -> str:
    scene = info.get("scene") if isinstance(info, dict) else None
    if not isinstance(scene, dict):
        raise ApiError(40053)
    if action in WITH_NUMBER:
        number = scene.get("scene_id")
        most = PERMANENT_IDS if action in PERMANENT_ACTIONS else LARGEST_ID
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= most:
            raise ApiError(40053)
        return str(number)
    written = scene.get("scene_str")
    if not isinstance(written, str) or not 1 <= len(written) <= SCENE_LENGTH:
        raise ApiError(40053)
    return written


def _seconds(given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= LONGEST_LIFE:
        raise ApiError(40053)
    return given
