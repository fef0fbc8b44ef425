"""Keep the ticket for WeChat's JS-SDK, like the access token, and sign our web pages with it.

Sources: the JS-SDK page, appendix 1 (the string that is signed); doc/service/api/webdev/jssdk/api_getticket.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from redis import Redis

from bot.wechat.client import WeChatApi
from bot.wechat.token import SharedToken
from bot.wechat.token_store import HeldToken

# The platform returns the old ticket until its end, so renewing earlier only keeps a page valid that was served
# just before.
RENEW_EARLY = 30.0


@dataclass(frozen=True, slots=True)
class Signed:
    """The arguments of wx.config. ``timestamp``: seconds."""

    app_id: str
    timestamp: int
    nonce: str
    signature: str


class TicketManager(SharedToken):
    """Holds the ticket. ``current`` and ``sign`` raise WeChatError or Unreachable."""

    def __init__(self, api: WeChatApi, app_id: str, redis: Redis, lock_seconds: float = 12.0) -> None:
        super().__init__("jsapi_ticket", app_id, redis, lock_seconds)
        self._api, self._app_id = api, app_id

    def sign(self, url: str, clock: Callable[[], float] = time.time) -> Signed:
        """Sign for the page at exactly this address."""
        nonce, timestamp = secrets.token_hex(8), int(clock())
        return Signed(self._app_id, timestamp, nonce, signature(self.current(), nonce, timestamp, url))

    def _ask(self, force: bool) -> HeldToken:
        ticket, seconds = self._api.page_ticket()
        return HeldToken(ticket, float(seconds), min(RENEW_EARLY, seconds / 2))


def signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """Return the JS-SDK's signature; the address is signed without its fragment."""
    signed = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url.partition('#')[0]}"
    return hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()
