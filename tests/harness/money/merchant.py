"""A merchant of the simulator's Pay, written apart from it: signs requests, opens callbacks, shows the pay sheet."""

import atexit
import base64
import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from flask import Flask, request
from werkzeug.test import Client, TestResponse

from bot.simulator.app import create_simulator
from bot.simulator.options import Options, Person
from bot.simulator.pay.keys import keys_in
from bot.simulator.pay.notify import Notice
from bot.simulator.pay.options import Kind, PayOptions
from bot.simulator.pay.orders import Order
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator

MCHID = "1900000109"
PIN = "123456"
MERCHANT_URL = "https://merchant.example"
NOTIFY = f"{MERCHANT_URL}/pay/notify"
OPTIONS = Options(
    bot_url="http://127.0.0.1:9/wechat",
    app_id="wx00000000000000aa",
    app_secret="s",
    token="t",
    aes_key="c2FtcGxlYWVza2V5c2FtcGxlYWVza2V5c2FtcGxlYWU",
    account_name="帮扶通",
    people=(Person("oAunt", "秀英", following=True), Person("oUncle", "建国", following=True)),
)
NOON = 1_795_579_200.0  # noon in China, 2026-11-25
DAY = 86400.0
Json = dict[str, Any]


def key_folder(mchid: str = MCHID) -> Path:
    """Keys take long to make, so the tests of one process share theirs, as a merchant's server reads them."""
    return _filled_folder(mchid)


@cache
def _filled_folder(mchid: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="bangfu-pay-"))
    atexit.register(shutil.rmtree, folder)
    keys_in(folder, mchid)
    return folder


@dataclass
class Credentials:
    """What is in the folder for a merchant's server; nothing of the platform's own."""

    folder: Path

    def __post_init__(self) -> None:
        listed = json.loads((self.folder / "pay.json").read_text())
        self.mchid: str = listed["mchid"]
        self.serial: str = listed["merchant_serial"]
        self.apiv3_key: str = listed["apiv3_key"]
        self.public_id: str = listed["public_key_id"]
        self.private_pem = (self.folder / "apiclient_key.pem").read_text()
        self.public_pem = (self.folder / "pub_key.pem").read_text()
        self.private: Any = load_pem_private_key(self.private_pem.encode(), None)
        self.platform: dict[str, Any] = {self.public_id: load_pem_public_key(self.public_pem.encode())}
        for serial in listed["platform_serials"]:
            certificate = load_pem_x509_certificate((self.folder / f"wechatpay_{serial}.pem").read_bytes())
            self.platform[serial] = certificate.public_key()

    def sign(self, *lines: str) -> str:
        message = "".join(f"{line}\n" for line in lines).encode()
        return base64.b64encode(self.private.sign(message, PKCS1v15(), SHA256())).decode()

    def is_from_platform(self, headers: Any, body: str) -> bool:
        key = self.platform.get(headers.get("Wechatpay-Serial", ""))
        message = f"{headers.get('Wechatpay-Timestamp')}\n{headers.get('Wechatpay-Nonce')}\n{body}\n"
        try:
            signature = base64.b64decode(headers.get("Wechatpay-Signature", ""), validate=True)
            key.verify(signature, message.encode(), PKCS1v15(), SHA256())  # type: ignore[union-attr]
        except (ValueError, InvalidSignature, AttributeError):
            return False
        return True

    def open(self, resource: Json) -> str:
        nonce, associated = resource["nonce"].encode(), resource["associated_data"].encode()
        sealed = base64.b64decode(resource["ciphertext"])
        return AESGCM(self.apiv3_key.encode()).decrypt(nonce, sealed, associated).decode()


@dataclass
class Merchant:
    """Calls the API as a merchant's server does."""

    simulator: Simulator
    client: Client
    own: Credentials = field(default_factory=lambda: Credentials(key_folder()))
    made: int = 0

    def call(
        self,
        method: str,
        path: str,
        body: Json | str | None = None,
        headers: dict[str, str] | None = None,
        **wrong: str,
    ) -> TestResponse:
        """``wrong`` replaces fields of the Authorization after signing; ``signed_...`` before it."""
        written = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        fields = {
            "mchid": self.own.mchid,
            "nonce_str": wrong.pop("signed_nonce", secrets.token_hex(16)),
            "timestamp": wrong.pop("signed_timestamp", str(int(self.simulator.timeline.true()))),
            "serial_no": self.own.serial,
        }
        fields["signature"] = self.own.sign(method, path, fields["timestamp"], fields["nonce_str"], written)
        fields |= wrong
        authorization = ",".join(f'{name}="{value}"' for name, value in fields.items())
        sent = {
            "Authorization": f"WECHATPAY2-SHA256-RSA2048 {authorization}",
            "Accept": "application/json",
            "User-Agent": "merchant",
            "Content-Type": "application/json",
        }
        return self.client.open(path, method=method, data=written, headers=sent | (headers or {}))

    def asked(self, **changes: Any) -> Json:
        """An order that is taken; a number of its own if none is given."""
        self.made += 1
        return {
            "appid": OPTIONS.app_id,
            "mchid": self.own.mchid,
            "description": "苗寨修路",
            "out_trade_no": f"TEST{self.made:06d}",
            "notify_url": NOTIFY,
            "attach": "pledge 7",
            "amount": {"total": 10_000, "currency": "CNY"},
            "payer": {"openid": "oAunt"},
        } | changes

    def order(self, **changes: Any) -> TestResponse:
        return self.call("POST", "/v3/pay/transactions/jsapi", self.asked(**changes))

    def ordered(self, **changes: Any) -> tuple[str, str]:
        """(out_trade_no, prepay_id)"""
        asked = self.asked(**changes)
        answer = self.call("POST", "/v3/pay/transactions/jsapi", asked)
        assert answer.status_code == 200, answer.text
        return asked["out_trade_no"], answer.json["prepay_id"]  # type: ignore[index]

    def paid(self, total: int = 10_000, **changes: Any) -> Order:
        number, prepay_id = self.ordered(amount={"total": total, "currency": "CNY"}, **changes)
        assert self.simulator.pay.pay("oAunt", prepay_id, PIN).err_msg.endswith(":ok")
        return self.simulator.pay.orders.by_number(number)

    def query(self, number: str) -> TestResponse:
        return self.call("GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={self.own.mchid}")

    def close(self, number: str) -> TestResponse:
        return self.call("POST", f"/v3/pay/transactions/out-trade-no/{number}/close", {"mchid": self.own.mchid})

    def refund(self, order: Order, out_refund_no: str, amount: int, /, **changes: Any) -> TestResponse:
        money = {"refund": amount, "total": order.total, "currency": "CNY"}
        asked = {"transaction_id": order.transaction_id, "out_refund_no": out_refund_no, "amount": money} | changes
        return self.call("POST", "/v3/refund/domestic/refunds", asked)

    def for_bridge(self, prepay_id: str, **changes: str) -> dict[str, str]:
        """What a web page gives to getBrandWCPayRequest; ``changes`` come after signing."""
        asked = {
            "appId": OPTIONS.app_id,
            "timeStamp": str(int(self.simulator.timeline.true())),
            "nonceStr": secrets.token_hex(16),
            "package": f"prepay_id={prepay_id}",
        }
        return asked | {"signType": "RSA", "paySign": self.own.sign(*asked.values())} | changes


@contextmanager
def trading(
    kind: Kind = Kind.PUBLIC_KEY, now: float = NOON, callbacks: bool = False, mchid: str = MCHID, **changes: Any
) -> Iterator[Merchant]:
    """A merchant at a simulator whose clock moves only when it is moved. Without ``callbacks`` none gets through."""
    pay = PayOptions(mchid=mchid, kind=kind, keys_dir=key_folder(mchid), **changes)
    options = replace(OPTIONS, pay=pay)
    simulator = Simulator(options, None if callbacks else _nowhere, clock=lambda: now)
    try:
        yield Merchant(simulator, create_simulator(options, simulator).test_client(), Credentials(key_folder(mchid)))
    finally:
        simulator.close()


def _nowhere(url: str, body: bytes, headers: Any, seconds: float) -> tuple[int, bytes]:
    raise ConnectionError(url)


@dataclass
class Shop:
    """The merchant's server: takes callbacks that the platform has signed. ``status`` is what it answers then."""

    own: Credentials = field(default_factory=lambda: Credentials(key_folder()))
    status: int = 204
    gullible: bool = False
    """Takes callbacks whatever their signature."""
    heard: list[Json] = field(default_factory=list)
    serials: list[str] = field(default_factory=list)
    url: str = ""

    def receive(self) -> tuple[str, int]:
        body = request.get_data(as_text=True)
        if not self.gullible and not self.own.is_from_platform(request.headers, body):
            return '{"code":"FAIL","message":"signature"}', 401
        notice = json.loads(body)
        self.heard.append(notice | {"opened": json.loads(self.own.open(notice["resource"]))})
        self.serials.append(request.headers["Wechatpay-Serial"])
        return "", self.status

    def numbers(self) -> list[str]:
        return [heard["opened"]["out_trade_no"] for heard in self.heard]


@contextmanager
def shopping() -> Iterator[Shop]:
    shop = Shop()
    app = Flask(__name__)
    app.add_url_rule("/pay/notify", view_func=shop.receive, methods=["POST"])
    with serving(app) as url:
        shop.url = f"{url}/pay/notify"
        yield shop


def outcomes(notice: Notice) -> list[str]:
    return [attempt.outcome for attempt in notice.attempts]


def code(answer: Any) -> tuple[int, str]:
    """(HTTP status, Pay's code) of a refusal."""
    return answer.status_code, answer.get_json()["code"]


@pytest.fixture
def shop() -> Iterator[Shop]:
    """The merchant's server."""
    with shopping() as shop:
        yield shop


@pytest.fixture(name="merchant")
def called_back() -> Iterator[Merchant]:
    """A merchant whose server is told of payments."""
    with trading(callbacks=True) as merchant:
        yield merchant


def pay(merchant: Merchant, shop: Shop, times: int = 1) -> list[str]:
    """The numbers of so many paid orders, whose callbacks are due."""
    return [merchant.paid(notify_url=shop.url).out_trade_no for _ in range(times)]
