"""The number that every refusal carries, and what the platform still knows of the call a week later.

Source: doc/service/guide/dev/api, rid/get.
"""

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from bot.simulator.errors import ApiError

LIFE = 7 * 86400
KEPT = 1000
LONGEST_BODY = 4000
SECRETS = re.compile(r"\b(access_token=.{0,8}|secret=|refresh_token=)[^&]*")
SHAPE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}")


@dataclass(frozen=True)
class Refusal:
    """``url``: the query, with the token cut short."""

    at: int
    url: str
    body: str
    answer: str
    client: str


class Rids:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._refusals: OrderedDict[str, Refusal] = OrderedDict()

    def new(self) -> str:
        return f"{int(self._clock()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"

    def keep(self, rid: str, query: str, body: str, answer: str, client: str) -> None:
        shown = SECRETS.sub(r"\1xxxx", query)
        with self._lock:
            self._refusals[rid] = Refusal(int(self._clock()), shown, body[:LONGEST_BODY], answer, client)
            while len(self._refusals) > KEPT:
                self._refusals.popitem(last=False)

    def find(self, rid: str) -> Refusal:
        """Raises ApiError 76002 for what is no rid, 76001 for one that is unknown or older than a week."""
        if not SHAPE.fullmatch(rid):
            raise ApiError(76002)
        with self._lock:
            refusal = self._refusals.get(rid)
        if refusal is None or self._clock() - refusal.at >= LIFE:
            raise ApiError(76001)
        return refusal
