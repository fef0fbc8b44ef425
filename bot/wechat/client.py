"""Call the platform's API as far as this program uses it: one method per call, our own errors, no send made twice.

Every method raises WeChatError (the platform refused; its ``action`` says what
to do) or Unreachable (``outcome_unknown``: never repeat such a send blindly).
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from wechatpy.client import WeChatClient

from bot.wechat.messages import Messages
from bot.wechat.policy import Action, Answer, TooLarge, Unreachable, WeChatError, exchange
from bot.wechat.token import TokenManager

# Seconds to connect and to answer.
TIMEOUT = (3.0, 10.0)
# doc/service/api/usermanage/tag: more in one call is refused with 40032.
PEOPLE_PER_TAGGING = 50

_NO_MENU = 46003

# Idempotent calls: they change nothing, or state the whole result.
# Template messages join them by their client_msg_id (bot.wechat.messages).
_REPEATABLE = frozenset(
    {
        "media/get",
        "media/upload",
        "menu/create",
        "menu/get",
        "menu/trymatch",
        "newtmpl/gettemplate",
        "qrcode/create",
        "tags/get",
        "tags/members/batchtagging",
        "tags/members/batchuntagging",
        "template/get_all_private_template",
        "ticket/getticket",
        "user/info",
    }
)


class _HideTokens(logging.Filter):
    """Hides secrets in urllib3's log: it logs every URL at DEBUG, with the token, or secret and code, in it."""

    _token = re.compile(r"((?:access_token|secret|code)=)[^&\s\"']+")

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._token.sub(r"\1***", record.getMessage()), ()
        return True


def open_session(connections: int = 64) -> requests.Session:
    """Open a pooled session for the platform, safe to share between threads: no cookies, no retries of its own.

    Proxies, certificates and .netrc of the environment are ignored.
    """
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logger = logging.getLogger(name)
        if not any(isinstance(each, _HideTokens) for each in logger.filters):
            logger.addFilter(_HideTokens())
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=connections, max_retries=0))
    return session


@dataclass(frozen=True, slots=True)
class Media:
    content: bytes = field(repr=False)
    content_type: str


class MediaUnusable(Exception):
    """The media exists, but not as a file we take. ``why``: ``too large`` (10 MB) or ``not a file``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class WeChatApi(Messages):
    """The API, safe to share between threads. ``api_url``: the root of the platform or the simulator."""

    _wire: "_Wire"

    def __init__(
        self, api_url: str, tokens: TokenManager, http: requests.Session, timeout: tuple[float, float] = TIMEOUT
    ) -> None:
        self._wire = _Wire(api_url.rstrip("/"), tokens, http, timeout)

    # Media and people

    def download(self, media_id: str) -> Media:
        """Download a photo or a voice that a person sent, at most 10 MB. Raises MediaUnusable besides the usual."""
        try:
            answer = self._wire.answer("GET", "media/get", params={"media_id": media_id})
        except TooLarge:
            answer = None
        if answer is None:
            raise MediaUnusable("too large")
        if answer.fields is not None:  # a video is answered with a link
            raise MediaUnusable("not a file")
        if not answer.body or answer.content_type == "text/html":
            # A page of what stands between us and the platform: it says nothing about the file.
            raise Unreachable(True, "media/get", "no file")
        return Media(answer.body, answer.content_type)

    def upload(self, kind: str, content: bytes, filename: str, content_type: str) -> str:
        """Upload a file and return its media id, valid for three days.

        ``kind``: image, voice, video or thumb; ``filename``: ASCII."""
        # Bytes, never a file: a file read once would be sent empty after a token is renewed.
        answer = self._wire.media.upload(kind, (filename, content, content_type))
        return str(_part("media/upload", answer, "media_id"))

    def person(self, openid: str) -> dict[str, Any]:
        """Return ``subscribe``, ``unionid`` … of a person; no name and no picture since 2021."""
        found: dict[str, Any] = self._wire.user.get(openid)
        return found

    def tags(self) -> dict[str, int]:
        """Return every tag of the account: name -> id."""
        call = "tags/get"
        found = _part(call, self._wire.get(call), "tags")
        return {str(_part(call, tag, "name")): int(_part(call, tag, "id")) for tag in found}

    def create_tag(self, name: str) -> int:
        call = "tags/create"
        return int(_part(call, self._wire.post(call, data={"tag": {"name": name}}), "tag", "id"))

    def tag_people(self, tag_id: int, openids: Sequence[str]) -> None:
        for start in range(0, len(openids), PEOPLE_PER_TAGGING):
            self._wire.tag.tag_user(tag_id, list(openids[start : start + PEOPLE_PER_TAGGING]))

    def untag_people(self, tag_id: int, openids: Sequence[str]) -> None:
        for start in range(0, len(openids), PEOPLE_PER_TAGGING):
            self._wire.tag.untag_user(tag_id, list(openids[start : start + PEOPLE_PER_TAGGING]))

    # Templates

    def templates(self) -> dict[str, str]:
        """Return the account's message templates: id -> content, with its fields as ``{{thing1.DATA}}``."""
        call = "template/get_all_private_template"
        return _contents(call, _part(call, self._wire.get(call), "template_list"), "template_id")

    def subscription_templates(self) -> dict[str, str]:
        """Return the same of its templates of subscription notices."""
        call = "newtmpl/gettemplate"
        return _contents(call, _part(call, self._wire.get(call, root="wxaapi"), "data"), "priTmplId")

    # Codes

    def create_code(self, scene: str, lasts: timedelta | None = None) -> str:
        """Create a QR code for ``scene``, permanent without ``lasts``; return the URL that it encodes."""
        life = {"expire_seconds": int(lasts.total_seconds())} if lasts else {}
        action = "QR_STR_SCENE" if lasts else "QR_LIMIT_STR_SCENE"
        body = {"action_name": action, "action_info": {"scene": {"scene_str": scene}}, **life}
        call = "qrcode/create"
        return str(_part(call, self._wire.post(call, data=body), "url"))

    # Web pages

    def page_ticket(self) -> tuple[str, int]:
        """Return the ticket with which our pages sign to use the JS-SDK (jsapi_ticket), and the seconds it is valid."""
        call = "ticket/getticket"
        answer = self._wire.get(call, params={"type": "jsapi"})
        return str(_part(call, answer, "ticket")), int(_part(call, answer, "expires_in"))

    # Menus

    def menus(self) -> dict[str, Any]:
        """Return ``menu`` and ``conditionalmenu`` as the platform has them; empty if there is none."""
        try:
            found: dict[str, Any] = self._wire.menu.get()
        except WeChatError as error:
            if error.code != _NO_MENU:
                raise
            return {}
        return found

    def create_menu(self, menu: Mapping[str, Any]) -> None:
        self._wire.menu.create(dict(menu))

    def delete_menus(self) -> None:
        """Delete the default menu and every conditional one."""
        self._wire.menu.delete()

    def add_conditional_menu(self, menu: Mapping[str, Any]) -> str:
        """Add a conditional menu and return its id. The platform tries the newest first."""
        return str(_part("menu/addconditional", self._wire.menu.add_conditional(dict(menu)), "menuid"))

    def delete_conditional_menu(self, menu_id: str) -> None:
        self._wire.menu.del_conditional(menu_id)

    def menu_of(self, openid: str) -> dict[str, Any]:
        """Return the menu that this person is shown."""
        found: dict[str, Any] = self._wire.menu.try_match(openid)
        return found


class _Wire(WeChatClient):  # type: ignore[misc]  # it has no types
    """wechatpy's endpoints over our own transport.

    Its own ``_request`` is replaced whole, because it follows a lasting 40001
    until the stack ends, fetches tokens without a time-out and puts secrets into
    its errors. Those of its endpoints that name the platform's host are not used.
    """

    def __init__(
        self, api_url: str, tokens: TokenManager, http: requests.Session, timeout: tuple[float, float]
    ) -> None:
        super().__init__("", "", timeout=timeout)
        self._api_url, self._tokens, self._http = api_url, tokens, http

    def _request(self, method: str, url_or_endpoint: str, **request: Any) -> dict[str, Any]:
        fields = self.answer(method, url_or_endpoint, **request).fields
        if fields is None:
            raise Unreachable(True, url_or_endpoint, "not JSON")
        return fields

    def answer(
        self, method: str, call: str, *, repeatable: bool = False, root: str = "cgi-bin", **request: Any
    ) -> Answer:
        """Make a call and return the answer. A dead token is renewed, and the call made once more, only once."""
        if isinstance(request.get("data"), dict):
            # As UTF-8, or people would read \u escapes; a lone surrogate is replaced instead of failing the call.
            request["data"] = json.dumps(request["data"], ensure_ascii=False).encode("utf-8", "replace")
            request["headers"] = {"Content-Type": "application/json"}
        params = request.pop("params", {})

        def attempt(token: str) -> Answer:
            return exchange(
                self._http,
                method.upper(),
                f"{self._api_url}/{root}/{call}",
                call=call,
                timeout=self.timeout,
                repeatable=repeatable or call in _REPEATABLE,
                params={**params, "access_token": token},
                **request,
            )

        token = self._tokens.current()
        try:
            return attempt(token)
        except WeChatError as error:
            if error.action is not Action.RENEW_TOKEN:
                raise
        self._tokens.invalidate(token)
        return attempt(self._tokens.current())


def _part(call: str, answer: Any, *path: str) -> Any:
    """Return a documented part of the answer. Raises Unreachable if it is missing."""
    for name in path:
        if not isinstance(answer, Mapping) or name not in answer:
            raise Unreachable(True, call, f"an answer without {name}")
        answer = answer[name]
    return answer


def _contents(call: str, listed: Any, key: str) -> dict[str, str]:
    return {str(_part(call, each, key)): str(_part(call, each, "content")) for each in listed}
