"""The custom menu: the default one, and those for people with a tag; linted against every limit.

Source: the custom menu and conditional menu pages. Lengths are in UTF-8 bytes.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bot.simulator.errors import ApiError

BUTTONS = 3
SUB_BUTTONS = 5
KEY_BYTES = 128
URL_BYTES = 1024
REDIRECT_DOMAINS = 3

NEEDS_KEY = {
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
}
NEEDS_URL = {"view", "miniprogram"}
NEEDS_MEDIA = {"media_id": "media_id", "view_limited": "media_id", "article_id": "article_id"}
PRIVATE_RULES = ("sex", "country", "province", "city", "language")

Button = dict[str, Any]


@dataclass(frozen=True)
class Codes:
    """Which error each broken limit is; the first level and the second have codes of their own."""

    count: int
    kind: int
    name: int
    key: int
    url: int
    domain: int
    name_bytes: int


FIRST = Codes(40016, 40017, 40018, 40019, 40020, 40055, name_bytes=16)
SECOND = Codes(40023, 40024, 40025, 40026, 40027, 40054, name_bytes=60)


@dataclass(frozen=True)
class _Menu:
    menu_id: int
    buttons: list[Button]
    tag: int = 0
    """0: the default menu."""


class MenuBoard:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._default: _Menu | None = None
        self._conditional: list[_Menu] = []
        self._last_id = 420000000
        self.changes = 0
        """Grows with every change."""

    def create(self, body: dict[str, Any]) -> None:
        """Raises ApiError."""
        buttons = lint(body.get("button"))
        with self._lock:
            self._default = _Menu(self._next_id(), buttons)

    def add_conditional(self, body: dict[str, Any], tag_exists: Callable[[int], bool]) -> int:
        """The new menu's id. Raises ApiError."""
        rule = body.get("matchrule")
        if not isinstance(rule, dict) or not any(rule.values()):
            raise ApiError(65304)
        if any(rule.get(name) for name in PRIVATE_RULES):
            raise ApiError(65320)
        tag = _number(rule.get("tag_id"))
        if not tag_exists(tag):
            raise ApiError(45159)
        buttons = lint(body.get("button"))
        if len(_domains(buttons)) > REDIRECT_DOMAINS:
            raise ApiError(65316)
        with self._lock:
            if self._default is None:
                raise ApiError(65303)
            menu = _Menu(self._next_id(), buttons, tag)
            self._conditional.append(menu)
            return menu.menu_id

    def delete_conditional(self, menu_id: Any) -> None:
        with self._lock:
            left = [menu for menu in self._conditional if menu.menu_id != _number(menu_id)]
            if len(left) == len(self._conditional):
                raise ApiError(65301)
            self._conditional = left
            self.changes += 1

    def delete(self) -> None:
        """The default menu, and with it every other."""
        with self._lock:
            self._default, self._conditional = None, []
            self.changes += 1

    def get(self) -> dict[str, Any]:
        """As menu/get answers: a rule's tag comes back under its old name, group_id. Raises ApiError 46003."""
        with self._lock:
            if self._default is None:
                raise ApiError(46003)
            answer: dict[str, Any] = {"menu": {"button": self._default.buttons, "menuid": self._default.menu_id}}
            if self._conditional:
                answer["conditionalmenu"] = [
                    {"button": menu.buttons, "matchrule": {"group_id": str(menu.tag)}, "menuid": menu.menu_id}
                    for menu in reversed(self._conditional)
                ]
            return answer

    def shown_to(self, tags: Iterable[int]) -> tuple[int, list[Button]]:
        """(menu id, buttons) for somebody with these tags: the newest rule that fits, else the default."""
        worn = set(tags)
        with self._lock:
            fitting = [menu for menu in self._conditional if menu.tag in worn]
            menu = fitting[-1] if fitting else self._default
            return (menu.menu_id, menu.buttons) if menu else (0, [])

    def _next_id(self) -> int:
        self._last_id += 1
        self.changes += 1
        return self._last_id


def lint(buttons: Any) -> list[Button]:
    """The buttons as menu/get gives them back. Raises ApiError for the first limit that is broken."""
    return [_button(button, FIRST) for button in _listed(buttons, BUTTONS, FIRST)]


def _listed(buttons: Any, most: int, codes: Codes) -> list[Any]:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= most:
        raise ApiError(codes.count)
    return buttons


def _button(button: Any, codes: Codes) -> Button:
    if not isinstance(button, dict):
        raise ApiError(47001)
    name = button.get("name")
    if not _fits(name, codes.name_bytes):
        raise ApiError(codes.name)
    if button.get("sub_button"):
        if codes is SECOND:
            raise ApiError(40022)
        subs = [_button(sub, SECOND) for sub in _listed(button["sub_button"], SUB_BUTTONS, SECOND)]
        return {"name": name, "sub_button": subs}
    return {"type": button.get("type"), "name": name, **_target(button, codes), "sub_button": []}


def _target(button: Button, codes: Codes) -> Button:
    """What a tap leads to."""
    kind = button.get("type")
    if kind in NEEDS_KEY:
        if not _fits(button.get("key"), KEY_BYTES):
            raise ApiError(codes.key)
        return {"key": button["key"]}
    if kind in NEEDS_URL:
        if not _fits(button.get("url"), URL_BYTES):
            raise ApiError(codes.url)
        if urlsplit(button["url"]).scheme not in {"http", "https"}:
            raise ApiError(codes.domain)
        return {name: button[name] for name in ("url", "appid", "pagepath") if name in button}
    if kind in NEEDS_MEDIA:
        field = NEEDS_MEDIA[kind]
        if not button.get(field):
            raise ApiError(40007)
        return {field: button[field]}
    raise ApiError(codes.kind)


def _fits(value: Any, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= most


def _domains(buttons: list[Button]) -> set[str]:
    every = [inner for button in buttons for inner in (button, *button["sub_button"])]
    return {urlsplit(button["url"]).hostname or "" for button in every if "url" in button}


def _number(value: Any) -> int:
    """The platform takes ids both as numbers and as text; 0 for what is neither."""
    written = str(value)
    return int(written) if written.isascii() and written.isdigit() else 0
