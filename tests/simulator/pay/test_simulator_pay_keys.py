"""Pay's keys in a folder, and the simulator against a merchant's server that is written with wechatpayv3."""

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from wechatpayv3 import WeChatPay, WeChatPayType  # type: ignore[import-untyped]

from bot.simulator.app import create_simulator
from bot.simulator.pay.keys import Keys, keys_in, make_keys, write_keys
from bot.simulator.pay.options import Kind, PayOptions
from bot.simulator.pay.phone import OK
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from tests.harness.money.merchant import DAY, MCHID, OPTIONS, PIN, Credentials, key_folder, trading

Json = dict[str, Any]


@pytest.fixture(scope="module")
def keys() -> Keys:
    return keys_in(key_folder(), MCHID)


def test_keys_stay_in_their_folder(keys: Keys) -> None:
    again = keys_in(key_folder(), MCHID)
    assert (again.apiv3_key, again.public_id, again.public_pem) == (keys.apiv3_key, keys.public_id, keys.public_pem)
    assert again.merchant.serial == keys.merchant.serial
    assert [pair.serial for pair in again.certificates] == [pair.serial for pair in keys.certificates]
    assert len(keys.apiv3_key) == 32
    assert all(len(pair.serial) == 40 for pair in (keys.merchant, *keys.certificates))


def test_secrets_are_for_their_owner_and_not_shown(keys: Keys, tmp_path: Path) -> None:
    write_keys(keys, tmp_path / "keys")
    secret = [path for path in (tmp_path / "keys").rglob("*") if path.is_file() and "PRIVATE" in path.read_text()]
    assert len(secret) == 3
    for path in [*secret, tmp_path / "keys" / "pay.json"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.apiv3_key not in repr(keys)


def test_a_folder_of_another_merchant_or_a_broken_one_is_refused(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=MCHID):
        keys_in(key_folder(), "1900000000")
    write_keys(keys, tmp_path)
    (tmp_path / "pay.json").write_text("{}")
    with pytest.raises(ValueError, match=r"pay\.json"):
        keys_in(tmp_path, MCHID)


def test_two_simulators_have_different_keys() -> None:
    first, second = make_keys(MCHID), make_keys(MCHID)
    assert first.apiv3_key != second.apiv3_key
    assert first.public_pem != second.public_pem


def test_it_starts_with_the_keys_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    account = ["--app-id", OPTIONS.app_id, "--app-secret", "s", "--token", "t", "--aes-key", OPTIONS.aes_key]
    command = [sys.executable, "-m", "bot.simulator", "--port", "0", *account, "--pay-kind", "certificate"]
    with subprocess.Popen([*command, "--pay-keys", str(folder)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1].rstrip("/")
            certificates = merchant_of(folder, url).get("/v3/certificates")
        finally:
            process.terminate()
    assert [one["serial_no"] for one in certificates["data"]] == json.loads((folder / "pay.json").read_text())[
        "platform_serials"
    ]
    refused = subprocess.run([*command, "--pay-kind", "coins"], capture_output=True, text=True, check=False)
    assert (refused.returncode, "coins" in refused.stderr) == (1, True)


# --- certificates


def test_certificates_are_for_older_merchants(keys: Keys) -> None:
    with trading() as newer:
        assert newer.call("GET", "/v3/certificates").status_code == 404
    with trading(Kind.CERTIFICATE) as older:
        (listed,) = older.call("GET", "/v3/certificates").json["data"]  # type: ignore[index]
        assert listed["serial_no"] == keys.certificates[0].serial
        assert older.own.open(listed["encrypt_certificate"]) == keys.certificates[0].pem


# --- against wechatpayv3


@dataclass
class OtherMerchant:
    """A merchant's server on wechatpayv3, at a simulator over HTTP with the true time."""

    pay: Any
    url: str
    heard: list[Json] = field(default_factory=list)

    def get(self, path: str) -> Json:
        """Signed by wechatpayv3, and the answer's signature checked by it."""
        status, answer = self.pay._core.request(path)
        assert status == 200, answer
        return dict(json.loads(answer))

    def receive(self) -> tuple[str, int]:
        headers = {name: value for name, value in request.headers.items() if name.startswith("Wechatpay-")}
        notice = self.pay.callback(headers, request.get_data())
        if not notice:
            return "", 401
        self.heard.append(notice)
        return "", 204


def merchant_of(folder: Path, url: str, kind: Kind = Kind.PUBLIC_KEY) -> OtherMerchant:
    own = Credentials(folder)
    public = {"public_key": own.public_pem, "public_key_id": own.public_id}
    pay = WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=own.mchid,
        private_key=own.private_pem,
        cert_serial_no=own.serial,
        apiv3_key=own.apiv3_key,
        appid=OPTIONS.app_id,
        timeout=(5, 5),
        **(public if kind is Kind.PUBLIC_KEY else {"cert_dir": str(folder / "certificates")}),
    )
    pay._core._gate_way = url
    return OtherMerchant(pay, url)


@pytest.fixture(params=list(Kind))
def other(request: pytest.FixtureRequest, tmp_path: Path, keys: Keys) -> Iterator[tuple[OtherMerchant, Simulator]]:
    write_keys(keys, tmp_path)
    (tmp_path / "certificates").mkdir()
    for pair in keys.certificates:  # wechatpayv3 would fetch them from the real platform as soon as it is made
        (tmp_path / "certificates" / f"{pair.serial}.pem").write_text(pair.pem)
    options = replace(OPTIONS, pay=PayOptions(mchid=MCHID, kind=request.param, keys_dir=tmp_path))
    simulator = Simulator(options)
    shop = Flask(__name__)
    with serving(create_simulator(options, simulator)) as url, serving(shop) as shop_url:
        merchant = merchant_of(tmp_path, url, request.param)
        shop.add_url_rule("/pay/notify", view_func=merchant.receive, methods=["POST"])
        merchant.url = f"{shop_url}/pay/notify"
        yield merchant, simulator
    simulator.close()


def test_wechatpayv3_orders_is_told_and_refunds(other: tuple[OtherMerchant, Simulator]) -> None:
    merchant, simulator = other
    status, answer = merchant.pay.pay(
        description="苗寨修路",
        out_trade_no="TEST0001",
        amount={"total": 10_000},
        payer={"openid": "oAunt"},
        notify_url=merchant.url,
    )
    assert status == 200
    package = f"prepay_id={json.loads(answer)['prepay_id']}"
    signed = [OPTIONS.app_id, str(int(simulator.timeline.true())), "nonce", package]
    names = ("appId", "timeStamp", "nonceStr", "package")
    asked = dict(zip(names, signed, strict=True)) | {"signType": "RSA", "paySign": merchant.pay.sign(signed)}
    sheet = simulator.pay.sheet("oAunt", asked)
    assert simulator.pay.pay("oAunt", sheet.prepay_id, PIN).err_msg == OK
    simulator.timeline.move(0)
    (paid,) = merchant.heard
    assert (paid["event_type"], paid["resource"]["amount"]["total"]) == ("TRANSACTION.SUCCESS", 10_000)
    status, answer = merchant.pay.query(out_trade_no="TEST0001")
    assert (status, json.loads(answer)) == (200, paid["resource"])
    status, answer = merchant.pay.refund(
        out_refund_no="R1",
        amount={"refund": 1, "total": 10_000, "currency": "CNY"},
        out_trade_no="TEST0001",
        notify_url=merchant.url,
    )
    assert (status, json.loads(answer)["status"]) == (200, "PROCESSING")
    simulator.timeline.move(60)
    assert merchant.heard[1]["resource"]["refund_status"] == "SUCCESS"
    assert merchant.pay.close("TEST0001")[0] == 400
    status, answer = merchant.pay.query_refund("R1")
    assert (status, json.loads(answer)["status"]) == (200, "SUCCESS")


def test_wechatpayv3_refuses_a_probe(other: tuple[OtherMerchant, Simulator]) -> None:
    merchant, simulator = other
    _, answer = merchant.pay.pay("路", "TEST0001", {"total": 1}, payer={"openid": "oAunt"}, notify_url=merchant.url)
    simulator.pay.pay("oAunt", json.loads(answer)["prepay_id"], PIN)
    simulator.timeline.move(0)
    (notice,) = simulator.pay.notices.all()
    assert not simulator.pay.notices.probe(notice).probe_accepted
    assert len(merchant.heard) == 1
    simulator.pay.signer.bad_answers = 1
    with pytest.raises(Exception, match="failed to verify the signature"):
        merchant.pay.query(out_trade_no="TEST0001")


def test_wechatpayv3_gets_a_bill(other: tuple[OtherMerchant, Simulator]) -> None:
    merchant, simulator = other
    _, answer = merchant.pay.pay("路", "TEST0001", {"total": 1}, payer={"openid": "oAunt"}, notify_url=merchant.url)
    simulator.pay.pay("oAunt", json.loads(answer)["prepay_id"], PIN)
    date = merchant.get(f"/v3/pay/transactions/out-trade-no/TEST0001?mchid={MCHID}")["success_time"][:10]
    simulator.timeline.move(2 * DAY)
    applied = merchant.get(f"/v3/bill/tradebill?bill_date={date}&bill_type=ALL&tar_type=GZIP")
    path = applied["download_url"].removeprefix(OPTIONS.public_url)
    status, data = merchant.pay._core.request(path, skip_verify=True)
    assert (status, data[:2]) == (200, b"\x1f\x8b")


def test_wechatpayv3_fetches_certificates(keys: Keys) -> None:
    with trading(Kind.CERTIFICATE) as older:
        options = older.simulator.options
        simulator = Simulator(options)
        with serving(create_simulator(options, simulator)) as url:
            merchant = merchant_of(key_folder(), url)
            merchant.pay._core._update_certificates()
            (fetched,) = merchant.pay._core._certificates
        simulator.close()
    assert fetched == keys.certificates[0].certificate
