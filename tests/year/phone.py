"""A person's phone: what they send goes by the platform, what comes stands on its screen, links open in its browser."""

import io
from collections.abc import Callable
from random import Random
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bot.demo.seed_pictures import draw_scene
from bot.simulator.platform import Delivery, Status
from bot.simulator.simulator import Simulator
from tests.year.screen import Screen

Found = TypeVar("Found")

# The platform's test password of everybody.
PIN = "123456"
# What is not answered, and a page that does not come, is tried so often.
_TRIES = 5
# From this status on, the page did not come.
_BROKEN = 500
# The middle of China, in degrees: a place counts by its label.
_HERE = (35.0, 104.2)


class Phone:
    """``where``: the place where it is, as WeChat's map labels it. ``screen``: the newest words of the account;
    ``heard``: all of them that nobody has thought about yet. ``shown``: all that ever stood on it, in its order.
    """

    def __init__(self, platform: Simulator, account: Flask, openid: str, where: str, lot: Random) -> None:
        self.platform, self.openid, self.where, self._lot = platform, openid, where, lot
        self.screen = Screen("")
        self.heard: list[Screen] = []
        self.shown: list[str] = []
        self._browser: FlaskClient = account.test_client()

    def follow(self, name: str) -> Screen:
        self.platform.new_person(self.openid, name)
        return self._tell(lambda: self.platform.follow(self.openid))

    def say(self, words: str) -> Screen:
        self.shown.append(f"> {words}")
        return self._tell(lambda: self.platform.send_text(self.openid, words))

    def send_picture(self) -> Screen:
        written = io.BytesIO()
        draw_scene(self._lot, small=True).save(written, "JPEG")
        return self._tell(lambda: self.platform.photo(self.openid, written.getvalue()))

    def send_place(self) -> Screen:
        return self._tell(lambda: self.platform.place(self.openid, *_HERE, self.where))

    def ring(self, screen: Screen) -> None:
        """Show what the account sent by itself."""
        self.screen = screen
        self.heard.append(screen)
        self.shown.append(screen.words)

    def open(self, link: str) -> TestResponse:
        """Open the page, again where it does not come."""
        return _tried(lambda: self._open(link), _came)

    def pay(self, link: str) -> bool:
        """Open the page to pay, press its button and enter the PIN. Returns whether the money went."""
        if self.open(link).status_code != 200:
            return False
        button = f"{_path(link)}/order"
        ordered = _tried(lambda: self._browser.post(button, json={"fallback": "refund"}), _came)
        order = ordered.get_json(silent=True) or {}
        if order.get("state") != "ready":
            return False
        prepay_id = order["sheet"]["package"].removeprefix("prepay_id=")
        paid = self.platform.pay.pay(self.openid, prepay_id, PIN)
        self.platform.timeline.move(1)
        return paid.err_msg.endswith(":ok")

    def _open(self, link: str) -> TestResponse:
        """Open the page; where it asks WeChat who is there, WeChat says so."""
        answer = self._browser.get(_path(link))
        if answer.status_code == 302 and "/connect/oauth2/authorize" in (at := answer.headers["Location"]):
            visit = self.platform.oauth.visit(self.openid, dict(parse_qsl(urlsplit(at).query)))
            answer = self._browser.get(_path(self.platform.oauth.go(visit)))
        while answer.status_code in (302, 303):
            answer = self._browser.get(_path(answer.headers["Location"]))
        return answer

    def _tell(self, deliver: Callable[[], Delivery]) -> Screen:
        """Send it, again while WeChat says that the account cannot serve; no answer leaves the screen as it was."""
        delivery = _tried(deliver, lambda found: found.status is not Status.UNAVAILABLE)
        if delivery.reply_text:
            self.ring(Screen(delivery.reply_text))
        return self.screen


def _tried(act: Callable[[], Found], came: Callable[[Found], bool]) -> Found:
    """Do it until something comes of it, so often as people do; returns what came last."""
    for _ in range(_TRIES):
        found = act()
        if came(found):
            break
    return found


def _came(answer: TestResponse) -> bool:
    return answer.status_code < _BROKEN


def _path(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
