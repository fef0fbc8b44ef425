"""Identify the visitor of a page by OAuth2: WeChat sends them back with a code, which it exchanges for their openid.

Source: doc/service/api/webdev/access. ``snsapi_base`` asks the person nothing. A visitor who has not acted yet may
come as an invented person (``is_snapshotuser``), who must not be bound or charged.
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
class PageVisitor:
    openid: str = field(repr=False)
    is_snapshot: bool


class WebAuthorization:
    """Identifies visitors; safe to share between threads. ``pages_url``: the root of WeChat's own pages."""

    def __init__(
        self, api_url: str, pages_url: str, app_id: str, app_secret: SecretStr, http: requests.Session
    ) -> None:
        self._api_url, self._pages_url, self._app_id = api_url.rstrip("/"), pages_url.rstrip("/"), app_id
        self._app_secret, self._http = app_secret, http

    def authorize_url(self, back_to: str, state: str) -> str:
        """Return where to redirect the browser; it comes ``back_to`` with ``code`` and ``state``.

        ``state``: [a-zA-Z0-9], at most 128."""
        # The platform requires this order, and the fragment at the end.
        asked = {
            "appid": self._app_id,
            "redirect_uri": back_to,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
        }
        return f"{self._pages_url}/connect/oauth2/authorize?{urlencode(asked)}#wechat_redirect"

    def identify(self, code: str) -> PageVisitor:
        """Exchange a code for the visitor. Raises WeChatError (RESTART_OAUTH: code used or too old) or Unreachable."""
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
        return PageVisitor(openid, bool(fields.get("is_snapshotuser")))
