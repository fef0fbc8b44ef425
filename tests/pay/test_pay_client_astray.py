"""A platform that is not what it should be: answers unsigned, old, foreign, odd or endless, none of which counts."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from io import BytesIO
from threading import Event
from typing import Any

import pytest
from flask import Flask, Response, request

from bot.pay.client import PayClient
from bot.pay.errors import Action, BadAnswer, PayError, Refused, Unreachable, rule_for
from bot.pay.signatures import Signer
from bot.pay.wire import LARGEST_ANSWER
from bot.simulator.pay.errors import STATUS
from bot.simulator.serving import serving
from tests.harness.money.merchant import NOTIFY, OPTIONS, Json, Merchant, trading
from tests.pay.pay_client import AT, keys_of

ORDERED = {"prepay_id": "wx201410272009395522657a690389285100"}


@dataclass
class Impostor:
    """Answers calls with ``said``, signed with the platform's key as ``headers`` of the simulator's would be."""

    merchant: Merchant
    app: Flask
    url: str = ""
    said: Any = field(default_factory=dict)
    status: int = 200
    drop: tuple[str, ...] = ()
    change: dict[str, str] = field(default_factory=dict)
    unsigned: bool = False
    heard: list[str] = field(default_factory=list)

    def answer(self, path: str) -> Response:
        self.heard.append(request.path)
        body = self.said if isinstance(self.said, bytes) else json.dumps(self.said).encode()
        response = Response(body, self.status, content_type="application/json")
        response.headers["Request-ID"] = "08F5B8C2B506"
        if not self.unsigned:
            signed = self.merchant.simulator.pay.signer.headers(body, self.merchant.own.public_id)
            kept = {name: value for name, value in signed.items() if name not in self.drop}
            response.headers.extend(kept)
            for name, value in self.change.items():
                response.headers[name] = value
        return response


@pytest.fixture
def platform() -> Iterator[Impostor]:
    app = Flask(__name__)
    with trading() as merchant, serving(app) as url:
        platform = Impostor(merchant, app, url)
        app.add_url_rule("/<path:path>", view_func=platform.answer, methods=["GET", "POST"])
        yield platform


def client(platform: Impostor, timeout: tuple[float, float] = (10.0, 60.0), now: datetime = AT) -> PayClient:
    own = platform.merchant.own
    return PayClient(
        api_url=platform.url,
        app_id=OPTIONS.app_id,
        notify_url=NOTIFY,
        signer=Signer(own.mchid, own.serial, own.private),
        keys=keys_of(platform.merchant),
        clock=lambda: now,
        timeout=timeout,
    )


@pytest.fixture
def pay(platform: Impostor) -> Iterator[PayClient]:
    with client(platform) as pay:
        yield pay


def order(pay: PayClient) -> str:
    return pay.order("GIFT000001", 100, "oAunt", "苗寨修路")


def failing(pay: PayClient, call: Callable[[PayClient], Any] = order) -> PayError:
    with pytest.raises(PayError) as failed:
        call(pay)
    return failed.value


def test_a_whole_answer_is_taken(platform: Impostor, pay: PayClient) -> None:
    platform.said = ORDERED
    assert order(pay) == ORDERED["prepay_id"]


@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_answer_of_another_time_counts_as_none(platform: Impostor, seconds: int) -> None:
    platform.said = ORDERED
    with client(platform, now=AT + timedelta(seconds=seconds)) as pay:
        failed = failing(pay)
    assert (type(failed), failed.why, failed.outcome_unknown) == (BadAnswer, "not proved: timestamp", True)


@pytest.mark.parametrize("name", ["Wechatpay-Serial", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature"])
def test_an_answer_without_its_proof_counts_as_none(platform: Impostor, pay: PayClient, name: str) -> None:
    platform.said, platform.drop = ORDERED, (name,)
    assert isinstance(failing(pay), BadAnswer)


def test_an_unknown_serial_leads_to_no_call(platform: Impostor, pay: PayClient) -> None:
    platform.said, platform.change = ORDERED, {"Wechatpay-Serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"}
    assert failing(pay).why == "not proved: serial"
    assert platform.heard == ["/v3/pay/transactions/jsapi"]


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (401, {"code": "SIGN_ERROR"}, Refused),
        (429, {"code": "RATELIMIT_EXCEEDED"}, Refused),
        (401, b"<html>", BadAnswer),
        (400, {"code": "ORDERPAID"}, BadAnswer),
        (404, {"code": "ORDER_NOT_EXIST"}, BadAnswer),
        (202, {"code": "USERPAYING"}, BadAnswer),
        (200, ORDERED, BadAnswer),
        (204, b"", BadAnswer),
        (302, b"", BadAnswer),
        (500, {"code": "SYSTEM_ERROR"}, Unreachable),
        (502, b"<html>", Unreachable),
    ],
)
def test_what_is_not_signed_decides_nothing(
    platform: Impostor, pay: PayClient, status: int, said: Any, expected: type[PayError]
) -> None:
    """But that we are not known, or too many: nobody takes an order for paid, closed or absent because of these."""
    platform.said, platform.status, platform.unsigned = said, status, True
    failed = failing(pay)
    assert type(failed) is expected
    assert failed.outcome_unknown is (expected is not Refused)


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, b"<html>"), (400, {"code": 7}), (400, {"code": "quoted words"}), (400, []), (404, b"[" * 9999), (302, b"")],
)
def test_a_refusal_without_a_code_is_none(platform: Impostor, pay: PayClient, status: int, said: Any) -> None:
    platform.said, platform.status = said, status
    failed = failing(pay)
    assert (type(failed), failed.why) == (BadAnswer, f"status {status} without a code")


def test_a_refusal_carries_its_code_and_not_its_words(platform: Impostor, pay: PayClient) -> None:
    platform.said = {"code": "NO_SUCH_CODE_YET", "message": "openid oAunt is wrong"}
    for status, action, unknown in ((400, Action.FIX, False), (500, Action.QUERY, True)):
        platform.status = status
        failed = failing(pay)
        assert isinstance(failed, Refused)
        assert (failed.code, failed.action, failed.outcome_unknown) == ("NO_SUCH_CODE_YET", action, unknown)
        assert "oAunt" not in f"{failed} {failed!r} {vars(failed)}"
        assert "08F5B8C2B506" in str(failed)


def test_the_codes_of_the_simulator_all_have_a_rule() -> None:
    assert not [code for code, status in STATUS.items() if "not know" in rule_for(code, status).meaning]


@pytest.mark.parametrize(
    "said",
    [b"", b"null", b"[]", {}, {"prepay_id": ""}, {"prepay_id": 7}, {"prepay_id": "a b"}, {"prepay_id": "x\n"}, b"\xff"],
)
def test_an_order_without_a_prepay_id_is_none(platform: Impostor, pay: PayClient, said: Any) -> None:
    platform.said = said
    assert failing(pay).why == "does not say what it must"


def trade(**changes: Any) -> Json:
    return {
        "appid": OPTIONS.app_id,
        "mchid": "1900000109",
        "out_trade_no": "GIFT000001",
        "trade_state": "NOTPAY",
        "trade_state_desc": "订单未支付",
        "amount": {"payer_currency": "CNY", "total": 100},
        "payer": {"openid": ""},
        "transaction_id": "",
        "success_time": "",
    } | changes


@pytest.mark.parametrize("changes", [{}, {"amount": {}}, {"trade_state": "CLOSED"}, {"payer": {}}])
def test_what_is_not_there_yet_may_be_empty(platform: Impostor, pay: PayClient, changes: Json) -> None:
    platform.said = trade(**changes)
    found = pay.query("GIFT000001")
    assert (found.is_paid, found.transaction_id, found.paid_at, found.openid) == (False, None, None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": "GIFT000002"},
        {"mchid": "1900000000"},
        {"trade_state": "SUCCESS"},
        {"trade_state": "PAID"},
        {"amount": {"total": -1}},
    ],
)
def test_an_answer_about_something_else_counts_as_none(platform: Impostor, pay: PayClient, changes: Json) -> None:
    platform.said = trade(**changes)
    assert isinstance(failing(pay, lambda pay: pay.query("GIFT000001")), BadAnswer)


def test_an_order_that_was_placed_at_another_of_our_accounts_is_known(platform: Impostor, pay: PayClient) -> None:
    """One merchant collects for several official accounts, and the program of each asks about any order."""
    platform.said = trade(appid="wx0")
    assert pay.query("GIFT000001").is_paid is False


def refund(**changes: Any) -> Json:
    return {
        "out_refund_no": "R1",
        "refund_id": "50000000382019052709732678859",
        "transaction_id": "1217752501201407033233368018",
        "out_trade_no": "GIFT000001",
        "status": "PROCESSING",
        "amount": {"refund": 40, "total": 100, "currency": "CNY"},
    } | changes


def test_a_refund_of_other_money_counts_as_none(platform: Impostor, pay: PayClient) -> None:
    def ask(pay: PayClient) -> Any:
        return pay.refund("GIFT000001", "R1", 40, 100)

    platform.said = refund()
    assert ask(pay).fen == 40
    for changes in (
        {"out_refund_no": "R2"},
        {"out_trade_no": "GIFT000002"},
        {"amount": {"refund": 41, "total": 100, "currency": "CNY"}},
        {"amount": {"refund": 40, "total": 101, "currency": "CNY"}},
        {"amount": {"refund": 40, "total": 100, "currency": "USD"}},
        {"status": "SUCCESS"},
        {"status": "DONE"},
    ):
        platform.said = refund(**changes)
        assert isinstance(failing(pay, ask), BadAnswer)
    platform.said = refund(out_refund_no="R2")
    assert isinstance(failing(pay, lambda pay: pay.query_refund("R1")), BadAnswer)


@pytest.mark.parametrize(
    "changes", [{"hash_type": "MD5"}, {"hash_value": "00"}, {"download_url": "https://elsewhere.example/steal"}]
)
def test_a_bill_is_fetched_from_no_strange_place(platform: Impostor, pay: PayClient, changes: Json) -> None:
    place = {
        "hash_type": "SHA1",
        "hash_value": "0" * 40,
        "download_url": "https://x.example/v3/billdownload/file?token=t",
    }
    platform.said = place | changes
    assert isinstance(failing(pay, lambda pay: pay.bill(date(2026, 11, 25), BytesIO())), BadAnswer)
    assert platform.heard == ["/v3/bill/tradebill"]


def test_a_redirect_is_not_followed(platform: Impostor, pay: PayClient) -> None:
    platform.said, platform.status = b"", 307
    platform.change = {"Location": f"{platform.url}/elsewhere"}
    assert isinstance(failing(pay), BadAnswer)
    assert platform.heard == ["/v3/pay/transactions/jsapi"]


def test_an_endless_answer_is_left(platform: Impostor, pay: PayClient) -> None:
    platform.said = b" " * (LARGEST_ANSWER + 1)
    assert failing(pay).why == "too large"


def test_an_answer_that_drips_is_left_in_time() -> None:
    """Each drop comes in time, and the whole never would. The drip ends when the client has hung up."""
    app = Flask(__name__)
    ended = Event()

    def drip() -> Iterator[bytes]:
        try:
            for _ in range(600):
                yield b" "
                time.sleep(0.05)
        finally:
            ended.set()

    app.add_url_rule("/<path:path>", view_func=lambda path: Response(drip()), methods=["POST"])
    with trading() as merchant, serving(app) as url, client(Impostor(merchant, app, url), (0.2, 0.3)) as pay:
        assert isinstance(failing(pay), Unreachable)
        assert ended.wait(60)


def test_threads_share_the_connections(platform: Impostor, pay: PayClient) -> None:
    platform.said = ORDERED
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: order(pay), range(40))) == {ORDERED["prepay_id"]}
