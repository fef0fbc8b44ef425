"""Who may call Pay's API, and what proves its answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from bot.simulator.pay.options import Kind as MerchantKind
from tests.harness.money.merchant import NOON, Merchant, code, trading


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with trading() as merchant:
        yield merchant


def test_what_the_platform_answers_is_signed(merchant: Merchant) -> None:
    taken, refused, gone = merchant.order(), merchant.order(description=""), merchant.close("NEVER000")
    assert (taken.status_code, refused.status_code, gone.status_code) == (200, 400, 204)
    for answer in (taken, refused, gone):
        assert merchant.own.is_from_platform(answer.headers, answer.text)
        assert not merchant.own.is_from_platform(answer.headers, answer.text + " ")
        assert answer.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
        assert answer.headers["Wechatpay-Timestamp"] == str(int(NOON))


@pytest.mark.parametrize(
    "wrong",
    [
        {"signature": "AAAA"},
        {"signature": "no base64"},
        {"mchid": "1900000000"},
        {"serial_no": "00"},
        {"nonce_str": "another"},
        {"timestamp": str(int(NOON) + 1)},
        {"signed_timestamp": str(int(NOON) - 301)},
        {"signed_timestamp": str(int(NOON) + 301)},
        {"signed_timestamp": f"{int(NOON)}000"},
        {"signed_timestamp": ""},
        {"signed_nonce": "n" * 33},
        {"signed_nonce": ""},
    ],
)
def test_a_request_that_is_not_proved_is_refused_and_not_signed(merchant: Merchant, wrong: Any) -> None:
    answer = merchant.call("GET", "/v3/certificates", **wrong)
    assert code(answer) == (401, "SIGN_ERROR")
    assert "Wechatpay-Signature" not in answer.headers


@pytest.mark.parametrize("header", ["", "Bearer x", "WECHATPAY2-SHA256-RSA2048", 'WECHATPAY2-SHA256-RSA2048 mchid="1"'])
def test_a_request_without_proof_is_refused(merchant: Merchant, header: str) -> None:
    answer = merchant.client.get("/v3/certificates", headers={"Authorization": header})
    assert code(answer) == (401, "SIGN_ERROR")


def test_a_timestamp_may_be_five_minutes_off_and_a_nonce_comes_once(merchant: Merchant) -> None:
    for off in (-300, 300):
        answer = merchant.call("GET", "/v3/certificates", signed_timestamp=str(int(NOON) + off), signed_nonce=f"n{off}")
        assert answer.status_code == 404
    again = merchant.call("GET", "/v3/certificates", signed_nonce="n300")
    assert code(again) == (401, "SIGN_ERROR")


def test_the_signature_is_over_path_query_and_body(merchant: Merchant) -> None:
    number, _ = merchant.ordered(out_trade_no="A|B*-_9")
    assert merchant.query("A%7CB%2A-_9").json["out_trade_no"] == number  # type: ignore[index]
    asked = merchant.asked()
    headers = merchant.call("POST", "/v3/pay/transactions/jsapi", asked).request.headers
    other = merchant.client.post(
        "/v3/pay/transactions/jsapi", json=asked | {"amount": {"total": 1}}, headers={**headers, "Content-Length": ""}
    )
    assert other.get_json() == {"code": "SIGN_ERROR", "message": "sign not match"}


def test_a_moved_clock_leaves_signatures_at_the_true_time(merchant: Merchant) -> None:
    merchant.simulator.timeline.move(30 * 86400)
    answer = merchant.order()
    assert (answer.status_code, answer.headers["Wechatpay-Timestamp"]) == (200, str(int(NOON)))


def test_the_headers_that_pay_wants(merchant: Merchant) -> None:
    for missing in ("Accept", "User-Agent"):
        assert code(merchant.call("GET", "/v3/certificates", headers={missing: ""})) == (400, "PARAM_ERROR")
    answer = merchant.call("GET", "/v3/certificates", headers={"Wechatpay-Serial": "PUB_KEY_ID_0"})
    assert code(answer) == (400, "PARAM_ERROR")
    assert merchant.own.is_from_platform(answer.headers, answer.text)


@pytest.mark.parametrize("path", ["/v3/nothing", "/v3/pay/transactions/jsapi", "/v3/pay/transactions/id/"])
def test_another_address_or_method_is_not_there(merchant: Merchant, path: str) -> None:
    assert code(merchant.call("GET", path)) == (404, "RESOURCE_NOT_EXISTS")


def test_a_bad_answer_is_a_probe_of_the_merchants_server(merchant: Merchant) -> None:
    merchant.simulator.pay.signer.bad_answers = 1
    bad, good = merchant.order(), merchant.order()
    assert bad.headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    assert not merchant.own.is_from_platform(bad.headers, bad.text)
    assert merchant.own.is_from_platform(good.headers, good.text)


@pytest.mark.parametrize("kind", list(MerchantKind))
def test_answers_are_signed_with_the_key_that_the_request_names(kind: MerchantKind) -> None:
    with trading(kind) as merchant:
        older = kind is MerchantKind.CERTIFICATE
        (certificate,) = set(merchant.own.platform) - {merchant.own.public_id}
        assert merchant.order().headers["Wechatpay-Serial"] == (certificate if older else merchant.own.public_id)
        for serial in {merchant.own.public_id} | ({certificate} if older else set()):
            answer = merchant.call("GET", "/v3/certificates", headers={"Wechatpay-Serial": serial})
            assert answer.headers["Wechatpay-Serial"] == serial
            assert merchant.own.is_from_platform(answer.headers, answer.text)
