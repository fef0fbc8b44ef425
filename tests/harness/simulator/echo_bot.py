"""A bot that says back what it hears, and a simulator that talks to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask, Response, request
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature

from bot.simulator.options import Mode, Options, Person
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator

OPTIONS = Options(
    bot_url="",
    app_id="wx00000000000000aa",
    app_secret="secret",
    token="sampletoken",
    aes_key="c2FtcGxlYWVza2V5c2FtcGxlYWVza2V5c2FtcGxlYWU",
    people=(Person("oAunt", "秀英", following=True), Person("oNew", "小满")),
)


JPEG = b"\xff\xd8\xff\xe0" + bytes(40)


@dataclass
class EchoBot:
    """Says what it heard. ``answer`` replaces the reply's XML, ``before`` runs first and may keep everybody waiting."""

    mode: Mode = Mode.SAFE
    answer: Callable[[str], str | Response] | None = None
    before: Callable[[int], object] = lambda _: None
    heard: list[str] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)

    def app(self) -> Flask:
        app = Flask(__name__)
        app.add_url_rule("/wechat", view_func=self.receive, methods=["GET", "POST"])
        return app

    def receive(self) -> str | Response:
        query = request.args
        check_signature(OPTIONS.token, query["signature"], query["timestamp"], query["nonce"])
        if request.method == "GET":
            return str(query["echostr"])
        crypto = WeChatCrypto(OPTIONS.token, OPTIONS.aes_key, OPTIONS.app_id)
        received = request.get_data(as_text=True)
        if self.mode is Mode.SAFE:
            received = crypto.decrypt_message(received, query["msg_signature"], query["timestamp"], query["nonce"])
        self.heard.append(received)
        self.nonces.append(query["nonce"])
        self.before(len(self.heard))
        reply = self.answer(received) if self.answer else echo(received)
        if isinstance(reply, Response) or self.mode is Mode.PLAIN or reply in {"", "success"}:
            return reply
        return str(crypto.encrypt_message(reply, query["nonce"], query["timestamp"]))


def echo(received: str) -> str:
    message = parse_message(received)
    if message.type == "event":
        heard = f"{message.event} {message._data['EventKey'] or ''}".strip()
    else:
        names = {"text": "content", "voice": "recognition", "image": "media_id", "location": "label"}
        heard = getattr(message, names[message.type])
    return str(create_reply(heard, message).render())


@contextmanager
def chatting(bot: EchoBot, **changes: Any) -> Iterator[Simulator]:
    with serving(bot.app()) as url:
        simulator = Simulator(replace(OPTIONS, bot_url=f"{url}/wechat", mode=bot.mode, **changes))
        try:
            yield simulator
        finally:
            simulator.close()


def reply_xml(
    text: str = "好", to: str = "oAunt", by: str = OPTIONS.account, kind: str = "text", more: str = ""
) -> str:
    head = f"<ToUserName>{to}</ToUserName><FromUserName>{by}</FromUserName><CreateTime>17</CreateTime>"
    content = f"<Content><![CDATA[{text}]]></Content>" if kind == "text" else ""
    return f"<xml>{head}<MsgType>{kind}</MsgType>{content}{more}</xml>"


MENU = {
    "button": [
        {"name": "求助", "sub_button": [{"type": "click", "name": "众筹", "key": "众筹"}]},
        {"type": "view", "name": "公示", "url": "http://example.test/ledger"},
        {
            "name": "报",
            "sub_button": [
                {"type": "pic_sysphoto", "name": "拍照", "key": "拍"},
                {"type": "location_select", "name": "位置", "key": "位"},
                {"type": "scancode_waitmsg", "name": "扫码", "key": "码"},
            ],
        },
    ]
}
