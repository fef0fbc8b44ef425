"""An account's server beside the simulator: hears every delivery, and calls the API over real loopback sockets."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree

import requests

from bot.simulator.app import create_simulator
from bot.simulator.options import Mode, Options, Person
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator

MORNING = 1_795_600_000.0
OPTIONS = Options(
    bot_url="http://127.0.0.1:9/wechat",
    app_id="wx00000000000000aa",
    app_secret="right-secret",
    token="t",
    aes_key="c2FtcGxlYWVza2V5c2FtcGxlYWVza2V5c2FtcGxlYWU",
    mode=Mode.PLAIN,
    people=(Person("oAunt", "秀英", following=True), Person("oUncle", "建国", following=True), Person("oNew", "小满")),
)
Json = dict[str, Any]


@dataclass
class Account:
    url: str
    simulator: Simulator
    heard: list[ElementTree.Element] = field(default_factory=list)

    def get(self, path: str, **query: str) -> Json:
        """``path`` below /cgi-bin, or a whole one that starts with /sns or /wxaapi."""
        return self._answer("GET", path, params=query)

    def post(self, path: str, body: Json) -> Json:
        return self._answer("POST", path, json=body)

    def say(self, openid: str = "oAunt", content: str = "到账了") -> int:
        """The error code of a customer-service message."""
        body = {"touser": openid, "msgtype": "text", "text": {"content": content}}
        return int(self.post("/message/custom/send", body)["errcode"])

    def events(self, name: str) -> list[ElementTree.Element]:
        return [heard for heard in self.heard if heard.findtext("Event") == name]

    def entries(self, openid: str = "oAunt") -> list[Json]:
        return [entry for entry in self.simulator.chat.newer_than(0)["entries"] if entry["openid"] == openid]

    def _answer(self, method: str, path: str, **call: Any) -> Json:
        root = "" if path.startswith(("/sns/", "/wxaapi/")) else "/cgi-bin"
        token, _ = self.simulator.tokens.stable()
        query = {"access_token": token} | call.pop("params", {})
        return dict(requests.request(method, f"{self.url}{root}{path}", params=query, timeout=10, **call).json())


@contextmanager
def account(**changes: Any) -> Iterator[Account]:
    """``changes``: of the simulator's options."""
    options = replace(OPTIONS, **changes)
    heard: list[ElementTree.Element] = []

    def hear(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
        heard.append(ElementTree.fromstring(body))
        return 200, b"success"

    simulator = Simulator(options, post=hear, clock=lambda: MORNING)
    try:
        with serving(create_simulator(options, simulator)) as url:
            yield Account(url, simulator, heard)
    finally:
        simulator.close()
