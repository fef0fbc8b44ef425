"""jsapi_ticket, and the signature that a page makes with it.

Source: the JS-SDK page, appendix 1.
"""

import hashlib
import secrets
import threading
from collections.abc import Callable

from bot.simulator.errors import ApiError
from bot.simulator.sealing import same

LIFE = 7200
KINDS = {"jsapi", "wx_card"}


def jsapi_signature(ticket: str, nonce: str, timestamp: str, url: str) -> str:
    """The page's URL counts without what follows its ``#``."""
    signed = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url.partition('#')[0]}"
    return hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()


class Tickets:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tickets: dict[str, tuple[str, float]] = {}

    def get(self, kind: str) -> tuple[str, int]:
        """(ticket, seconds that it still lives): the one that lives, or a new one. Raises ApiError 40097."""
        if kind not in KINDS:
            raise ApiError(40097)
        with self._lock:
            now = self._clock()
            ticket, ends = self._tickets.get(kind, ("", 0.0))
            if ends <= now:
                ticket, ends = f"kgt8{secrets.token_urlsafe(60)}", now + LIFE
                self._tickets[kind] = ticket, ends
            return ticket, int(ends - now)

    def verify(self, signature: str, nonce: str, timestamp: str, url: str) -> bool:
        """Whether a page's wx.config would be taken: signed with the ticket that lives now."""
        with self._lock:
            ticket, ends = self._tickets.get("jsapi", ("", 0.0))
        return ends > self._clock() and same(signature, jsapi_signature(ticket, nonce, timestamp, url))
