"""The door for WeChat Pay's callbacks: what the platform signed and sealed gets in, once opened; nothing else does."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st

from bot.pay.callback import LARGEST_CALLBACK, BadCallback, CallbackVerifier, PaymentCallback, RefundCallback
from bot.pay.signatures import PlatformKeys
from bot.simulator.pay.options import Kind as Merchants
from bot.simulator.pay.phone import OK
from bot.simulator.pay.refunds import Outcome
from bot.simulator.serving import serving
from config.pay import PlatformKey
from tests.harness.money.merchant import MCHID, NOON, OPTIONS, PIN, Json, Merchant, outcomes, trading
from tests.pay.pay_client import AT, keys_of

Headers = dict[str, str]
SIGNED = ("Wechatpay-Serial", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature")


def door_of(merchant: Merchant, **changes: Any) -> CallbackVerifier:
    given: Json = {
        "keys": keys_of(merchant),
        "api_v3_key": merchant.own.apiv3_key,
        "mch_id": MCHID,
        "app_id": OPTIONS.app_id,
    }
    return CallbackVerifier(**given | changes)


@pytest.fixture(scope="module")
def merchant() -> Iterator[Merchant]:
    with trading(Merchants.CERTIFICATE) as merchant:
        merchant.simulator.pay.notices.lag = 1e9
        yield merchant


@pytest.fixture(scope="module")
def door(merchant: Merchant) -> CallbackVerifier:
    return door_of(merchant)


@pytest.fixture(scope="module")
def paid(merchant: Merchant) -> tuple[Headers, bytes]:
    """A payment's callback as the simulator would send it, under the public key."""
    merchant.paid(out_trade_no="GIFT000001")
    return signed(merchant, merchant.simulator.pay.notices.all()[-1].body.encode())


def signed(merchant: Merchant, body: bytes, serial: str = "") -> tuple[Headers, bytes]:
    return merchant.simulator.pay.signer.headers(body, serial or merchant.own.public_id), body


def sealed(merchant: Merchant, plain: Any, **changes: Any) -> tuple[Headers, bytes]:
    """A callback with this in it, and with these fields of its own. ``resource``: changes of that part."""
    written = plain if isinstance(plain, bytes) else json.dumps(plain).encode()
    associated = changes.pop("associated", "transaction")
    secret = AESGCM(merchant.own.apiv3_key.encode()).encrypt(b"0123456789ab", written, (associated or "").encode())
    resource = {
        "original_type": "transaction",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(secret).decode(),
        "associated_data": associated,
        "nonce": "0123456789ab",
    }
    body = {
        "id": "EV-2018022511223320873",
        "create_time": "2026-11-25T12:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": resource | changes.pop("resource", {}),
    }
    return signed(merchant, json.dumps(body | changes).encode())


def trade(**changes: Any) -> Json:
    return {
        "mchid": MCHID,
        "appid": OPTIONS.app_id,
        "out_trade_no": "GIFT000001",
        "transaction_id": "4200001234202611251234567890",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "bank_type": "CMC",
        "attach": "",
        "success_time": "2026-11-25T12:00:00+08:00",
        "payer": {"openid": "oAunt"},
        "amount": {"total": 100, "payer_total": 90, "currency": "CNY", "payer_currency": "CNY"},
    } | changes


def refund(**changes: Any) -> Json:
    return {
        "mchid": MCHID,
        "out_trade_no": "GIFT000001",
        "transaction_id": "4200001234202611251234567890",
        "out_refund_no": "R1",
        "refund_id": "50300001234",
        "refund_status": "SUCCESS",
        "success_time": "2026-11-25T12:01:00+08:00",
        "user_received_account": "招商银行信用卡0403",
        "amount": {"total": 100, "refund": 40, "payer_total": 100, "payer_refund": 40},
    } | changes


def reason(door: CallbackVerifier, notice: tuple[Headers, bytes], now: datetime = AT) -> str:
    with pytest.raises(BadCallback) as bad:
        door.open_callback(*notice, now)
    return bad.value.reason


# --- What gets in


def test_a_payment_is_opened(merchant: Merchant, door: CallbackVerifier, paid: tuple[Headers, bytes]) -> None:
    notice = door.open_callback(*paid, AT)
    order = merchant.simulator.pay.orders.by_number("GIFT000001")
    assert isinstance(notice, PaymentCallback)
    assert notice.id == json.loads(paid[1])["id"]
    assert (notice.trade.out_trade_no, notice.trade.fen, notice.trade.openid) == ("GIFT000001", 10_000, "oAunt")
    assert (notice.trade.transaction_id, notice.trade.paid_at, notice.at) == (order.transaction_id, AT, AT)
    assert notice.trade.is_paid


@pytest.mark.parametrize("end", list(Outcome))
def test_a_refund_is_opened(merchant: Merchant, door: CallbackVerifier, end: Outcome) -> None:
    plain = refund(refund_status=end.value, **{} if end is Outcome.SUCCESS else {"success_time": ""})
    notice = door.open_callback(*sealed(merchant, plain, event_type=f"REFUND.{end}"), AT)
    assert isinstance(notice, RefundCallback)
    assert (notice.refund.out_refund_no, notice.refund.state, notice.refund.fen) == ("R1", end.value, 40)
    assert notice.refund.done_at == (AT + timedelta(minutes=1) if end is Outcome.SUCCESS else None)


@pytest.mark.parametrize("associated", ["", None, "transaction"])
def test_what_is_sealed_may_be_bound_to_nothing(
    merchant: Merchant, door: CallbackVerifier, associated: str | None
) -> None:
    assert door.open_callback(*sealed(merchant, trade(), associated=associated), AT)


def test_each_key_of_the_migration_opens_the_door(merchant: Merchant, door: CallbackVerifier) -> None:
    for serial in merchant.own.platform:
        _, body = sealed(merchant, trade())
        assert door.open_callback(*signed(merchant, body, serial), AT)
        others = PlatformKeys(PlatformKey(each, key) for each, key in merchant.own.platform.items() if each != serial)
        assert reason(door_of(merchant, keys=others), signed(merchant, body, serial)) == "serial"


@pytest.mark.parametrize("off", [-300, 0, 300])
def test_five_minutes_off_is_in_time(door: CallbackVerifier, paid: tuple[Headers, bytes], off: int) -> None:
    assert door.open_callback(*paid, AT + timedelta(seconds=off))


# --- What does not


@pytest.mark.parametrize("off", [-301, 301, 10**6])
def test_a_signature_of_another_time_is_refused(door: CallbackVerifier, paid: tuple[Headers, bytes], off: int) -> None:
    assert reason(door, paid, AT + timedelta(seconds=off)) == "timestamp"


def test_a_probe_is_refused(merchant: Merchant, door: CallbackVerifier, paid: tuple[Headers, bytes]) -> None:
    headers = merchant.simulator.pay.signer.headers(paid[1], merchant.own.public_id, probe=True)
    assert reason(door, (headers, paid[1])) == "probe"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Wechatpay-Serial", "", "serial"),
        ("Wechatpay-Serial", "PUB_KEY_ID_0", "serial"),
        ("Wechatpay-Timestamp", "", "timestamp"),
        ("Wechatpay-Timestamp", "1e9", "timestamp"),
        ("Wechatpay-Timestamp", f"{int(NOON)}000", "timestamp"),
        ("Wechatpay-Timestamp", "１７９５５７９２００", "timestamp"),
        ("Wechatpay-Nonce", "", "headers"),
        ("Wechatpay-Nonce", "a\nb", "headers"),
        ("Wechatpay-Signature", "", "signature"),
        ("Wechatpay-Signature", "AAAA", "signature"),
        ("Wechatpay-Signature", "不是", "signature"),
        ("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3", "headers"),
    ],
)
def test_headers_that_prove_nothing_are_refused(
    door: CallbackVerifier, paid: tuple[Headers, bytes], name: str, value: str, expected: str
) -> None:
    assert reason(door, (paid[0] | {name: value}, paid[1])) == expected
    if not value:
        assert reason(door, ({key: kept for key, kept in paid[0].items() if key != name}, paid[1])) == expected


def test_a_nonce_cannot_swallow_the_body(
    door: CallbackVerifier, paid: tuple[Headers, bytes], merchant: Merchant
) -> None:
    """The signed text is the same, cut up in another way."""
    body = b"x\n" + paid[1]
    headers, _ = signed(merchant, body)
    assert reason(door, (headers | {"Wechatpay-Nonce": headers["Wechatpay-Nonce"] + "\nx"}, paid[1])) == "headers"


def test_an_ended_certificate_proves_nothing(merchant: Merchant, paid: tuple[Headers, bytes]) -> None:
    for until, expected in ((AT - timedelta(seconds=1), "key_expired"), (AT + timedelta(seconds=1), "")):
        keys = PlatformKeys(PlatformKey(serial, key, until) for serial, key in merchant.own.platform.items())
        door = door_of(merchant, keys=keys)
        if expected:
            assert reason(door, paid) == expected
        else:
            assert door.open_callback(*paid, AT)


def test_what_is_too_large_is_not_even_hashed(merchant: Merchant, door: CallbackVerifier) -> None:
    assert reason(door, signed(merchant, b" " * (LARGEST_CALLBACK + 1))) == "size"
    assert reason(door, signed(merchant, b" " * LARGEST_CALLBACK)) == "body"


def test_only_our_key_opens_it(merchant: Merchant, paid: tuple[Headers, bytes]) -> None:
    assert reason(door_of(merchant, api_v3_key="0" * 32), paid) == "seal"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": ""}, "body"),
        ({"id": 7}, "body"),
        ({"create_time": "yesterday"}, "body"),
        ({"create_time": "2026-11-25T12:00:00"}, "body"),
        ({"create_time": "0001-01-01T00:00:00+08:00"}, "body"),
        ({"resource_type": "plain"}, "body"),
        ({"resource": None}, "body"),
        ({"resource": {"algorithm": "AEAD_SM4_GCM"}}, "body"),
        ({"resource": {"nonce": "short"}}, "body"),
        ({"resource": {"nonce": "0123456789a\u0142"}}, "body"),
        ({"resource": {"nonce": "0123456789ac"}}, "seal"),
        ({"resource": {"associated_data": "refund"}}, "seal"),
        ({"resource": {"ciphertext": "!"}}, "body"),
        ({"resource": {"ciphertext": "AAA"}}, "seal"),
        ({"resource": {"ciphertext": "AAAA"}}, "seal"),
        ({"event_type": "REFUND.SUCCESS"}, "fields"),
        ({"event_type": "REFUND.PARTLY"}, "event"),
        ({"event_type": "REFUND.PROCESSING"}, "event"),
        ({"event_type": "PAYSCORE.USER_PAID"}, "event"),
        ({"event_type": "transaction.success"}, "body"),
    ],
)
def test_a_body_that_the_platform_would_not_send_is_refused(
    merchant: Merchant, door: CallbackVerifier, changes: Json, expected: str
) -> None:
    if changes.get("resource", 0) is None:
        assert reason(door, signed(merchant, b'{"id":"1","resource":null}')) == expected
    else:
        assert reason(door, sealed(merchant, trade(), **changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mchid": "1900000000"}, "payee"),
        ({"appid": "wx0"}, "payee"),
        ({"appid": None}, "fields"),
        ({"out_trade_no": "x"}, "fields"),
        ({"out_trade_no": "GIFT000001\n"}, "fields"),
        ({"trade_state": "NOTPAY"}, "fields"),
        ({"trade_state": "PAID"}, "fields"),
        ({"transaction_id": ""}, "fields"),
        ({"success_time": None}, "fields"),
        ({"amount": {"total": 100.5}}, "fields"),
        ({"amount": {"total": 100.0}}, "fields"),
        ({"amount": {"total": "100"}}, "fields"),
        ({"amount": {"total": True}}, "fields"),
        ({"amount": {"total": 0}}, "fields"),
        ({"amount": {"total": -1}}, "fields"),
        ({"amount": {"total": 10**30}}, "fields"),
        ({"amount": {"total": 100, "currency": "USD"}}, "fields"),
        ({"amount": {}}, "fields"),
        ({"amount": []}, "fields"),
        ({"payer": {}}, "fields"),
        ({"attach": "\ud800"}, "fields"),
        ({"attach": "x" * 129}, "fields"),
    ],
)
def test_a_payment_that_does_not_say_what_it_must_is_refused(
    merchant: Merchant, door: CallbackVerifier, changes: Json, expected: str
) -> None:
    assert reason(door, sealed(merchant, trade(**changes))) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mchid": "1900000000"}, "payee"),
        ({"refund_status": "ABNORMAL"}, "event"),
        ({"refund_status": "DONE"}, "fields"),
        ({"success_time": ""}, "fields"),
        ({"out_refund_no": ""}, "fields"),
        ({"amount": {"total": 100, "refund": 101}}, "fields"),
        ({"amount": {"total": 100}}, "fields"),
    ],
)
def test_a_refund_that_does_not_say_what_it_must_is_refused(
    merchant: Merchant, door: CallbackVerifier, changes: Json, expected: str
) -> None:
    assert reason(door, sealed(merchant, refund(**changes), event_type="REFUND.SUCCESS")) == expected


@pytest.mark.parametrize("plain", [b"", b"null", b"[]", b"\xff", b"[" * 50_000, b'{"a":' * 5_000, b"1" * 5_000])
def test_what_was_sealed_may_be_anything(merchant: Merchant, door: CallbackVerifier, plain: bytes) -> None:
    assert reason(door, sealed(merchant, plain)) in {"fields", "size"}
    assert reason(door, signed(merchant, plain)) == "body"


def test_a_refusal_says_nothing_of_what_came(merchant: Merchant, door: CallbackVerifier) -> None:
    said: list[str] = []
    for notice in (sealed(merchant, trade(payer={"openid": "oSecret"}, amount={})), sealed(merchant, b"oSecret")):
        with pytest.raises(BadCallback) as bad:
            door.open_callback(*notice, AT)
        error: BaseException | None = bad.value
        while error is not None:
            said += [str(error), repr(error), repr(vars(error))]
            error = error.__cause__ or error.__context__
    assert said
    assert not [text for text in said if "oSecret" in text]


# --- Whatever comes


@given(part=st.sampled_from([*SIGNED, "body"]), at=st.integers(0, 10**6), bit=st.integers(0, 6))
def test_a_flipped_bit_anywhere_is_refused(
    door: CallbackVerifier, paid: tuple[Headers, bytes], part: str, at: int, bit: int
) -> None:
    headers, body = paid
    changed = bytearray(body if part == "body" else headers[part].encode())
    changed[at % len(changed)] ^= 1 << bit
    notice = (headers, bytes(changed)) if part == "body" else (headers | {part: changed.decode("latin-1")}, body)
    assert reason(door, notice) in {"headers", "serial", "timestamp", "probe", "signature"}


def test_every_last_sign_of_a_signature_counts(door: CallbackVerifier, paid: tuple[Headers, bytes]) -> None:
    """Base64 leaves four bits of the last sign unused: sixteen ways to write one signature, and one is right."""
    whole = paid[0]["Wechatpay-Signature"]
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert (len(whole), whole[-2:]) == (344, "==")
    for sign in set(signs) - {whole[341]}:
        forged = paid[0] | {"Wechatpay-Signature": f"{whole[:341]}{sign}=="}
        assert reason(door, (forged, paid[1])) == "signature"


@given(
    headers=st.dictionaries(st.sampled_from([*SIGNED, "Wechatpay-Signature-Type"]), st.text(max_size=40)),
    body=st.binary(max_size=200),
    whole=st.booleans(),
)
def test_under_any_bytes_nothing_but_a_refusal(
    door: CallbackVerifier, paid: tuple[Headers, bytes], headers: Headers, body: bytes, whole: bool
) -> None:
    given_headers = paid[0] | headers if whole else headers
    try:
        door.open_callback(given_headers, paid[1] if headers else body, AT)
    except BadCallback:
        return
    assert {name: given_headers.get(name) for name in SIGNED} == {name: paid[0][name] for name in SIGNED}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(field=st.sampled_from([*trade()]), value=JSON, inner=st.sampled_from(["total", "currency", "openid", ""]))
def test_whatever_a_payment_says_is_read_or_refused(
    merchant: Merchant, door: CallbackVerifier, field: str, value: Any, inner: str
) -> None:
    changed = trade()
    if isinstance(changed[field], dict) and inner in changed[field]:
        changed[field][inner] = value
    else:
        changed[field] = value
    try:
        notice = door.open_callback(*sealed(merchant, changed), AT)
    except BadCallback:
        return
    assert isinstance(notice, PaymentCallback)
    assert isinstance(notice.trade.fen, int)
    assert notice.trade.fen >= 1


@given(body=JSON)
def test_whatever_the_platform_signs_is_read_or_refused(merchant: Merchant, door: CallbackVerifier, body: Any) -> None:
    assert reason(door, signed(merchant, json.dumps(body).encode())) == "body"


# --- Over the wire


@pytest.mark.parametrize("kind", list(Merchants))
def test_the_simulators_callbacks_arrive_and_its_probes_do_not(kind: Merchants) -> None:
    heard: list[PaymentCallback | RefundCallback] = []
    refused: list[str] = []
    shop = Flask(__name__)
    with trading(kind, callbacks=True) as merchant, serving(shop) as url:
        door = door_of(merchant)

        @shop.post("/pay/notify")
        def notify() -> tuple[str, int]:
            try:
                heard.append(door.open_callback(request.headers, request.get_data(), datetime.fromtimestamp(NOON, UTC)))
            except BadCallback as bad:
                refused.append(bad.reason)
                return "", 401
            return "", 204

        if kind is Merchants.CERTIFICATE:
            merchant.simulator.pay.signer.share = 0.5
        pay = merchant.simulator.pay
        for number in range(8):
            _, prepay_id = merchant.ordered(out_trade_no=f"GIFT{number:06}", notify_url=f"{url}/pay/notify")
            assert pay.pay("oAunt", prepay_id, PIN).err_msg == OK
        merchant.simulator.timeline.move(0)
        notices = pay.notices.all()
        assert [outcomes(notice) for notice in notices] == [["taken"]] * 8
        assert {type(notice) for notice in heard} == {PaymentCallback}
        serials = {attempt.serial for notice in notices for attempt in notice.attempts}
        assert len(serials) == (2 if kind is Merchants.CERTIFICATE else 1)
        assert not pay.notices.probe(notices[0]).probe_accepted
        assert refused == ["probe"]
        order = pay.orders.by_number("GIFT000000")
        assert merchant.refund(order, "R1", 1, notify_url=f"{url}/pay/notify").status_code == 200
        merchant.simulator.timeline.move(60)
        assert isinstance(heard[-1], RefundCallback)
