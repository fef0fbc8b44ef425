"""Who opens a page of ours, by OAuth2: sent to WeChat and back with a code, which WeChat tells us the person of.

Source: doc/service/api/webdev/access. ``snsapi_base`` asks the person nothing. Somebody who has not acted yet may be
shown the page as a made-up person (``is_snapshotuser``), whom nobody may bind or charge.
"""

from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests
from pydantic import SecretStr

from bot.wechat.client import TIMEOUT
from bot.wechat.policy import Unreachable, exchange

OPEN_WECHAT = "https://open.weixin.qq.com"
_CALL = "sns/oauth2/access_token"
_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Visitor:
    openid: str = field(repr=False)
    is_snapshot: bool


class Visitors:
    """``pages_url``: where WeChat's own pages are. Safe to share between threads."""

    def __init__(
        self, api_url: str, pages_url: str, app_id: str, app_secret: SecretStr, http: requests.Session
    ) -> None:
        self._api_url, self._pages_url, self._app_id = api_url.rstrip("/"), pages_url.rstrip("/"), app_id
        self._app_secret, self._http = app_secret, http

    def way(self, back_to: str, state: str) -> str:
        """Where to send the browser; it comes ``back_to`` with ``code`` and ``state`` ([a-zA-Z0-9], 128 at most)."""
        # The platform wants them in this order, and the mark at the end.
        asked = {
            "appid": self._app_id,
            "redirect_uri": back_to,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
        }
        return f"{self._pages_url}/connect/oauth2/authorize?{urlencode(asked)}#wechat_redirect"

    def who(self, code: str) -> Visitor:
        """Raises WeChatError (Action.RESTART_OAUTH: the code was used, or is too old), or Unreachable."""
        asked = {
            "appid": self._app_id,
            "secret": self._app_secret.get_secret_value(),
            "code": code,
            "grant_type": "authorization_code",
        }
        url = f"{self._api_url}/{_CALL}"
        fields = exchange(self._http, "GET", url, call=_CALL, timeout=TIMEOUT, params=asked).fields or {}
        openid = fields.get("openid")
        if not isinstance(openid, str) or not 0 < len(openid) <= _LONGEST:
            raise Unreachable(True, _CALL, "an answer without openid")
        return Visitor(openid, bool(fields.get("is_snapshotuser")))
