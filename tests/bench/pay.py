"""``make bench ARGS=pay``: the pay door beside the cryptography that it cannot do without, and beside wechatpayv3's.

One process, one thread, one notice of a payment as the simulator signs and seals it. The bare cost is one RSA
verification and one AES-GCM decryption of the same bytes by cryptography, nothing read. Rounds are interleaved.
"""

import argparse
import base64
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from wechatpayv3 import WeChatPay, WeChatPayType  # type: ignore[import-untyped]

from bot.pay.callback import CallbackVerifier
from bot.pay.signatures import PlatformKeys
from bot.simulator.pay.keys import Keys, make_keys, write_keys
from bot.simulator.pay.signing import Signer, as_json, seal
from config.pay import read_platform_key

MCH_ID, APP_ID = "1900000109", "wx00000000000000aa"


def notice(keys: Keys, now: float, **changes: Any) -> tuple[dict[str, str], bytes]:
    """Make the platform's callback of a paid gift: its headers and its body. ``changes`` of the trade's fields."""
    paid: dict[str, Any] = {
        "mchid": MCH_ID,
        "appid": APP_ID,
        "out_trade_no": "GIFT000001",
        "transaction_id": "4200001234202611251234567890",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "pledge 7",
        "success_time": "2026-11-25T12:00:00+08:00",
        "payer": {"openid": "o-bench-0000000000000000001"},
        "amount": {"total": 10_000, "payer_total": 10_000, "currency": "CNY", "payer_currency": "CNY"},
    } | changes
    body = {
        "id": "d2f5c2a8-37c5-4b5d-9f0e-0c6c8f0f0a11",
        "create_time": "2026-11-25T12:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": {"original_type": "transaction"} | seal(keys.apiv3_key, as_json(paid), "transaction"),
    }
    written = as_json(body).encode()
    signer = Signer(lambda: keys, lambda: now, lambda: now, False, 0)
    return signer.headers(written, keys.public_id), written


def contestants(keys: Keys) -> dict[str, Callable[[], Any]]:
    now = time.time()
    headers, body = notice(keys, now)
    at = datetime.fromtimestamp(now, UTC)
    key, gcm = keys.public.public_key(), AESGCM(keys.apiv3_key.encode())
    signature = base64.b64decode(headers["Wechatpay-Signature"])
    message = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + body + b"\n"
    resource = json.loads(body)["resource"]
    nonce, sealed = resource["nonce"].encode(), base64.b64decode(resource["ciphertext"])
    door = CallbackVerifier(
        PlatformKeys([read_platform_key(keys.public_id, keys.public_pem)]), keys.apiv3_key, MCH_ID, APP_ID
    )
    with tempfile.TemporaryDirectory() as folder:
        other = WeChatPay(
            wechatpay_type=WeChatPayType.JSAPI,
            mchid=MCH_ID,
            private_key=_pem(keys, Path(folder)),
            cert_serial_no=keys.merchant.serial,
            apiv3_key=keys.apiv3_key,
            appid=APP_ID,
            public_key=keys.public_pem,
            public_key_id=keys.public_id,
        )

    def verify() -> None:
        key.verify(signature, message, PKCS1v15(), SHA256())

    def bare() -> bytes:
        verify()
        return gcm.decrypt(nonce, sealed, b"transaction")

    return {
        "(v) one RSA verification": verify,
        "(b) the same, and one AES-GCM decryption": bare,
        "(d) CallbackVerifier.open_callback": lambda: door.open_callback(headers, body, at),
        "(w) wechatpayv3 2.0.4 callback": lambda: other.callback(headers, body),
    }


def _pem(keys: Keys, folder: Path) -> str:
    write_keys(keys, folder)
    return (folder / "apiclient_key.pem").read_text()


def rate(call: Callable[[], Any], seconds: float) -> float:
    """Calls a second of the processor's time, which other programs beside this one do not use up."""
    start, count = time.process_time(), 0
    while (passed := time.process_time() - start) < seconds:
        for _ in range(20):
            call()
        count += 20
    return count / passed


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=pay")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each and round")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    running = contestants(make_keys(MCH_ID))
    rates: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(given.rounds):
        for name, call in running.items():
            rates[name].append(rate(call, given.seconds))
    base = next(each for name, each in rates.items() if name.startswith("(b)"))
    print(f"{'':44} {'a second':>9} {'µs':>7} {'to (b)':>7}")
    for name, theirs in rates.items():
        median = statistics.median(theirs)
        ratio = statistics.median(mine / bare for mine, bare in zip(theirs, base, strict=True))
        print(f"{name:44} {median:9.0f} {1e6 / median:7.1f} {ratio:7.2f}")
