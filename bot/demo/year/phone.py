"""What a person of the demo's year does with a phone: types, sends pictures and places, opens pages, pays."""

import io
import re
from collections.abc import Mapping
from random import Random
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.demo.seed_pictures import draw_scene
from bot.demo.year.house import House
from bot.simulator.platform import Status
from models.people.conversation import Conversation

_LINK = re.compile(r"http\S+/(pictures|pay|preview)/[^\s\"<>]+")
# The platform's test password of everybody.
_PIN = "123456"
# The middle of China, in degrees: a place counts by its label.
_HERE = (35.0, 104.2)

Scripts = Mapping[str, list[str]]


class WentAstray(Exception):
    """A conversation did not go as its script is written: its name, the line, and what the bot said to it."""


class Phone:
    """``openid``'s phone. ``scripts``: config/demo/year.toml. ``place``: where they are, as WeChat's map labels it."""

    def __init__(self, house: House, scripts: Scripts, openid: str, place: str, lot: Random) -> None:
        self.house, self.openid, self.place = house, openid, place
        self._scripts, self._lot = scripts, lot
        self.reply = ""

    def meet(self, name: str) -> None:
        """Follow the account."""
        self.house.simulator.new_person(self.openid, name)
        self.house.simulator.follow(self.openid)

    def play(self, script: str, **facts: object) -> None:
        """Say the script's lines, one after the other, until its conversation is over. Raises WentAstray.

        ``[photo]`` sends a picture, ``[place]`` the place, ``[open]`` opens the page that the reply links to.
        """
        for line in self._scripts[script]:
            self._send(line.format(**facts), script)
        with Session(self.house.turns.database) as db:
            if db.scalar(select(Conversation.in_flow).where(Conversation.openid == self.openid)):
                raise WentAstray(f"{script} of {self.openid} is not over:\n{self.reply}")

    def pay(self) -> None:
        """Open the page to pay that the newest reply links to, press its button and enter the PIN."""
        path, browser = self._link(), self._browser()
        browser.get(path)
        answer = browser.post(f"{path}/order", json={"fallback": "refund"}).get_json()
        if answer.get("state") != "ready":
            raise WentAstray(f"no order for {self.openid}: {answer}")
        prepay_id = answer["sheet"]["package"].removeprefix("prepay_id=")
        paid = self.house.simulator.pay.pay(self.openid, prepay_id, _PIN)
        if not paid.err_msg.endswith(":ok"):
            raise WentAstray(f"{self.openid} did not pay: {paid}")
        self.house.simulator.timeline.move(1)

    def _send(self, line: str, script: str) -> None:
        simulator = self.house.simulator
        match line:
            case "[open]":
                self._open()
                return
            case "[photo]":
                delivery = simulator.photo(self.openid, self._picture())
            case "[place]":
                delivery = simulator.place(self.openid, *_HERE, self.place)
            case _:
                delivery = simulator.send_text(self.openid, line)
        if delivery.status is not Status.REPLIED:
            raise WentAstray(f"{script} of {self.openid}: no reply to {line}")
        self.reply = delivery.reply_text

    def _open(self) -> None:
        status = self._browser().get(self._link()).status_code
        if status != 200:
            raise WentAstray(f"a page answers {self.openid} {status}")

    def _link(self) -> str:
        found = _LINK.search(self.reply)
        if not found:
            raise WentAstray(f"no link for {self.openid} in:\n{self.reply}")
        return urlsplit(found[0]).path

    def _browser(self) -> FlaskClient:
        """Return a browser inside WeChat, which has identified its owner."""
        with Session(self.house.turns.database) as db:
            number = db.scalars(select(Conversation.id).where(Conversation.openid == self.openid)).one()
        browser = self.house.app.test_client()
        browser.set_cookie("bangfu_visitor", self.house.links.sign("visitor", number))
        return browser

    def _picture(self) -> bytes:
        written = io.BytesIO()
        draw_scene(self._lot, small=True).save(written, "JPEG")
        return written.getvalue()
