"""Who takes money is set up for it, or does not start and hears what is wrong; and no key shows in what is said."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import ValidationError
from redis import Redis

from bot.pay.callback import PaymentCallback
from bot.pay.client import PayClient
from bot.pay.demo_keys import settings_in
from bot.pay.errors import Unreachable
from bot.pay.factory import (
    NOTIFY_PATH,
    make_callback_verifiers,
    make_partner_clients,
    make_partner_verifier,
    make_pay_clients,
)
from bot.simulator.app import create_simulator
from bot.simulator.faults import Fault, Kind
from bot.simulator.pay.options import Kind as Merchants
from bot.simulator.pay.options import PayOptions
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from bot.work.clock import true_now
from config.pay import read_private_key
from config.settings import SAMPLE_APP_ID, Environment, PayMode, Settings
from tests.harness.money.merchant import MCHID, OPTIONS, PIN, Credentials, key_folder
from tests.harness.own_secrets import OWN_SECRETS, PRODUCTION

MERCHANT, OTHER = "1234567890", "1900000777"
NAMES = ("PAY_MCH_ID", "PAY_SERIAL", "PAY_PRIVATE_KEY", "PAY_API_V3_KEY", "PAY_PUBLIC_KEYS")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *OWN_SECRETS,
        *NAMES,
        "PAY_MERCHANTS",
        "PAY_PARTNER_MCH_ID",
        "PAY_MODE",
        "PAY_API_URL",
        "BANGFU_ENV",
        "DATABASE_URL",
        "PUBLIC_URL",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def own() -> Credentials:
    return Credentials(key_folder())


def good(own: Credentials, **changes: str) -> dict[str, str]:
    """A production that takes money."""
    (serial,) = set(own.platform) - {own.public_id}
    return {
        **PRODUCTION,
        "PAY_MODE": "on",
        "PAY_MCH_ID": MERCHANT,
        "PAY_SERIAL": own.serial,
        "PAY_PRIVATE_KEY": own.private_pem,
        "PAY_API_V3_KEY": own.apiv3_key,
        "PAY_PUBLIC_KEYS": f"{own.public_id}={own.folder / 'pub_key.pem'},"
        f"{serial}={(own.folder / f'wechatpay_{serial}.pem').read_text()}",
    } | changes


def settings(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> Settings:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


def said(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> str:
    with pytest.raises(ValidationError) as refused:
        settings(monkeypatch, given)
    return f"{refused.value} {refused.value!r}"


def only_client(given: Settings, redis: Redis | None = None) -> PayClient:
    [client] = make_pay_clients(given, redis)
    return client


def others(folder: Path, own: Credentials, **changes: object) -> str:
    """The path of a file with one more merchant."""
    row = {
        "mch_id": OTHER,
        "serial": own.serial,
        "private_key": str(own.folder / "apiclient_key.pem"),
        "api_v3_key": own.apiv3_key,
        "public_keys": {own.public_id: str(own.folder / "pub_key.pem")},
    } | changes
    lines = [f"{name} = {json.dumps(value)}" for name, value in row.items() if not isinstance(value, dict)]
    keys = row["public_keys"]
    assert isinstance(keys, dict)
    lines += ["[merchants.public_keys]", *(f"{json.dumps(serial)} = {json.dumps(pem)}" for serial, pem in keys.items())]
    (folder / "merchants.toml").write_text("\n".join(["[[merchants]]", *lines]), encoding="utf-8")
    return str(folder / "merchants.toml")


def test_a_file_names_the_merchants_of_further_charities(
    monkeypatch: pytest.MonkeyPatch, own: Credentials, tmp_path: Path
) -> None:
    given = settings(monkeypatch, good(own, PAY_MERCHANTS=others(tmp_path, own)))
    assert [client.merchant for client in make_pay_clients(given)] == [given.pay_mch_id, OTHER]
    assert own.apiv3_key not in repr(given.merchants)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"mch_id": "1"}, "PAY_MERCHANTS, merchant 1, as PAY_MCH_ID"),
        ({"api_v3_key": "short"}, "PAY_MERCHANTS, merchant 1, as PAY_API_V3_KEY"),
        ({"private_key": "/nowhere"}, "PAY_MERCHANTS, merchant 1, as PAY_PRIVATE_KEY"),
        ({"mch_id": 7}, "every value is a string"),
        ({"name": "x"}, "and nothing else"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(
    monkeypatch: pytest.MonkeyPatch, own: Credentials, tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    words = said(monkeypatch, good(own, PAY_MERCHANTS=others(tmp_path, own, **changes)))
    assert why in words
    assert own.apiv3_key not in words


def test_the_partner_is_one_of_the_merchants(monkeypatch: pytest.MonkeyPatch, own: Credentials, tmp_path: Path) -> None:
    file = others(tmp_path, own)
    given = settings(monkeypatch, good(own, PAY_MERCHANTS=file, PAY_PARTNER_MCH_ID=OTHER))
    clients = make_partner_clients(given)
    assert clients is not None
    assert clients.of("1900000110").merchant == "1900000110"
    assert clients.of("1900000110") is clients.of("1900000110")
    clients.close()
    assert given.partner is not None
    assert given.partner.mch_id == OTHER
    words = said(monkeypatch, good(own, PAY_MERCHANTS=file, PAY_PARTNER_MCH_ID="1900000199"))
    assert "PAY_PARTNER_MCH_ID: it is the number of one of the merchants" in words


def test_without_a_partner_nobody_signs_for_sellers(monkeypatch: pytest.MonkeyPatch, own: Credentials) -> None:
    given = settings(monkeypatch, good(own))
    assert (given.sells, make_partner_clients(given)) == (False, None)
    with pytest.raises(ValueError, match="PAY_PARTNER_MCH_ID is empty"):
        make_partner_verifier(given)


def test_no_merchant_stands_twice(monkeypatch: pytest.MonkeyPatch, own: Credentials, tmp_path: Path) -> None:
    given = good(own)
    twice = others(tmp_path, own, mch_id=given["PAY_MCH_ID"])
    assert "stands once" in said(monkeypatch, given | {"PAY_MERCHANTS": twice})


def test_of_a_file_of_merchants_that_cannot_be_used_it_says_why_and_nothing_of_what_is_in_it(
    monkeypatch: pytest.MonkeyPatch, own: Credentials, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('[[merchants]]\nprivate_key = "a-secret', encoding="utf-8")
    for path, why in ((tmp_path / "none.toml", "No such file"), (tmp_path, "Is a directory"), (broken, "no TOML")):
        words = said(monkeypatch, good(own) | {"PAY_MERCHANTS": str(path)})
        assert "a TOML file" in words
        assert why in words
        assert "a-secret" not in words


def test_no_name_among_the_public_keys_hides_a_value_that_is_no_string(
    monkeypatch: pytest.MonkeyPatch, own: Credentials, tmp_path: Path
) -> None:
    file = tmp_path / "merchants.toml"
    row = 'mch_id = 1\nserial = "a"\nprivate_key = "b"\napi_v3_key = "c"\n[merchants.public_keys]\nmch_id = "d"'
    file.write_text(f"[[merchants]]\n{row}", encoding="utf-8")
    assert "every value is a string" in said(monkeypatch, good(own, PAY_MERCHANTS=str(file)))


def test_a_merchant_is_a_table(monkeypatch: pytest.MonkeyPatch, own: Credentials, tmp_path: Path) -> None:
    file = tmp_path / "merchants.toml"
    file.write_text('merchants = [1900000100, "1900000100"]', encoding="utf-8")
    assert "merchant 1 needs mch_id" in said(monkeypatch, good(own, PAY_MERCHANTS=str(file)))


def test_with_all_of_it_production_takes_money(monkeypatch: pytest.MonkeyPatch, own: Credentials) -> None:
    given = settings(monkeypatch, good(own))
    assert given.pay_mode is PayMode.ON
    assert make_callback_verifiers(given)
    with only_client(given) as client:
        assert client.pay_sign("wx1")["appId"] == OWN_SECRETS["WECHAT_APP_ID"]


def test_while_it_is_off_nothing_of_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(monkeypatch, PRODUCTION)
    for make in (make_pay_clients, make_callback_verifiers):
        with pytest.raises(ValueError, match="PAY_MODE"):
            make(given)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", ["", " ", "nonsense", "/nowhere/at/all.pem", "a=b"])
@pytest.mark.parametrize("environment", ["production", "demo"])
def test_what_is_missing_or_malformed_is_named_alone(
    monkeypatch: pytest.MonkeyPatch, own: Credentials, name: str, wrong: str, environment: str
) -> None:
    words = said(monkeypatch, good(own, BANGFU_ENV=environment, **{name: wrong}))
    assert name in words or name.lower() in words
    assert not [other for other in NAMES if other != name and (other in words or other.lower() in words)]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("PAY_MCH_ID", MCHID),
        ("PAY_SERIAL", "5157f09efdc096de15ebe81a47057a7232f1b8e1"),
        ("PAY_API_V3_KEY", "钥" * 32),
        ("PAY_API_V3_KEY", "k" * 31),
        ("PAY_API_V3_KEY", "0" * 32),
        ("PAY_API_URL", "http://api.mch.weixin.qq.com"),
        ("PUBLIC_URL", "https://bangfu.example/?a=b"),
    ],
)
def test_production_refuses(monkeypatch: pytest.MonkeyPatch, own: Credentials, name: str, wrong: str) -> None:
    words = said(monkeypatch, good(own, **{name: wrong}))
    assert f"{name}:" in words
    assert words.count("PAY_MODE=on cannot take money") >= 1


def _private(key: Any, password: bytes | None = None) -> str:
    sealing = BestAvailableEncryption(password) if password else NoEncryption()
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing).decode())


def _public(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def test_keys_of_another_kind_are_refused(monkeypatch: pytest.MonkeyPatch, own: Credentials) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - too short on purpose
    curve = ec.generate_private_key(ec.SECP256R1())
    (serial,) = set(own.platform) - {own.public_id}
    certificate = (own.folder / f"wechatpay_{serial}.pem").read_text()
    cases = [
        ("PAY_PRIVATE_KEY", _private(short), "2048"),
        ("PAY_PRIVATE_KEY", _private(curve), "RSA"),
        ("PAY_PRIVATE_KEY", _private(own.private, b"word"), "password"),
        ("PAY_PRIVATE_KEY", own.public_pem, "private key"),
        ("PAY_PRIVATE_KEY", "\n".join(own.private_pem.splitlines()[1:]), "PEM"),
        ("PAY_PUBLIC_KEYS", f"{own.public_id}={_public(short)}", "2048"),
        ("PAY_PUBLIC_KEYS", f"{own.public_id}={_public(curve)}", "RSA"),
        ("PAY_PUBLIC_KEYS", f"{own.public_id}={certificate}", "public key"),
        ("PAY_PUBLIC_KEYS", f"{serial}={own.public_pem}", "certificate"),
        ("PAY_PUBLIC_KEYS", f"{'A' * 40}={certificate}", "another one"),
        ("PAY_PUBLIC_KEYS", f"{serial.lower()}={certificate}", "capitals"),
        ("PAY_PUBLIC_KEYS", f"{own.public_id}={_public(own.private)}", "merchant's own"),
        ("PAY_PUBLIC_KEYS", f"{own.public_id}=a.pem,{own.public_id}=b.pem", "each key once"),
    ]
    for name, wrong, word in cases:
        words = said(monkeypatch, good(own, **{name: wrong}))
        assert word in words, (name, word, words)


def test_no_key_shows_in_what_is_said_or_printed(monkeypatch: pytest.MonkeyPatch, own: Credentials) -> None:
    lines = [line for line in own.private_pem.splitlines() if not line.startswith("-")]
    headless = "\n".join(lines)  # as where the first line of the file was lost on the way
    words = said(monkeypatch, good(own, PAY_PRIVATE_KEY=headless, PAY_MCH_ID="no number"))
    assert not [line for line in (*lines, own.apiv3_key) if line in words]
    printed = repr(settings(monkeypatch, good(own)))
    assert not [line for line in (*lines, own.apiv3_key) if line in printed]


# --- Made from settings, at the simulator, at the true time


@pytest.fixture
def made(own: Credentials) -> Iterator[tuple[Simulator, Settings]]:
    options = replace(OPTIONS, app_id=SAMPLE_APP_ID, pay=PayOptions(mchid=MCHID, keys_dir=key_folder()))
    simulator = Simulator(options, lambda *_: (204, b""))
    with serving(create_simulator(options, simulator)) as url:
        yield (
            simulator,
            Settings(
                _env_file=None,
                bangfu_env=Environment.DEMO,
                pay_mode=PayMode.ON,
                pay_api_url=f"{url}/",
                pay_mch_id=MCHID,
                pay_serial=own.serial,
                pay_private_key=str(own.folder / "apiclient_key.pem"),
                pay_api_v3_key=own.apiv3_key,
                pay_public_keys={own.public_id: str(own.folder / "pub_key.pem")},
                public_url="http://127.0.0.1:8000/",
            ),
        )
    simulator.close()


def test_the_settings_of_a_demo_lead_to_a_paid_order(made: tuple[Simulator, Settings]) -> None:
    simulator, given = made
    with only_client(given) as client:
        prepay_id = client.order("GIFT000001", 100, "oAunt", "苗寨修路")
        sheet = simulator.pay.sheet("oAunt", client.pay_sign(prepay_id))
        simulator.pay.pay("oAunt", sheet.prepay_id, PIN)
        assert client.query("GIFT000001").fen == 100
    (notice,) = simulator.pay.notices.all()
    assert notice.url == f"http://127.0.0.1:8000{NOTIFY_PATH}"
    body = notice.body.encode()
    (serial,) = given.pay_public_keys
    headers = simulator.pay.signer.headers(body, serial)
    assert isinstance(make_callback_verifiers(given).open_callback(headers, body, true_now()), PaymentCallback)


def test_all_processes_leave_a_platform_in_peace_together(made: tuple[Simulator, Settings], redis_flushed: str) -> None:
    simulator, given = made
    simulator.faults.add(Fault(Kind.DOWN))
    redis = Redis.from_url(redis_flushed)
    with redis, only_client(given, redis) as one, only_client(given, redis) as other:
        for _ in range(5):
            with pytest.raises(Unreachable) as failed:
                one.query("GIFT000001")
            assert failed.value.outcome_unknown
        with pytest.raises(Unreachable) as left:
            other.query("GIFT000001")
        assert not left.value.outcome_unknown


def test_key_paths_are_small_files(tmp_path: Path) -> None:
    large = tmp_path / "large.pem"
    large.write_bytes(b"-----BEGIN PRIVATE KEY-----\n" * 4_000)
    for path in (large, tmp_path, Path("/dev/null"), tmp_path / "nothing"):
        with pytest.raises(ValueError, match="PEM, or the path"):
            read_private_key(str(path))


@pytest.mark.parametrize("kind", list(Merchants))
def test_the_keys_that_a_simulator_has_made_are_the_demos(
    monkeypatch: pytest.MonkeyPatch, own: Credentials, kind: Merchants
) -> None:
    options = replace(OPTIONS, app_id=SAMPLE_APP_ID, pay=PayOptions(mchid=MCHID, kind=kind, keys_dir=key_folder()))
    simulator = Simulator(options, lambda *_: (204, b""))
    with serving(create_simulator(options, simulator)) as url:
        given = settings(monkeypatch, settings_in(own.folder) | {"BANGFU_ENV": "demo", "PAY_API_URL": url})
        with only_client(given) as client:
            assert client.order("GIFT000001", 100, "oAunt", "苗寨修路")
    simulator.close()
    assert set(given.pay_public_keys) == set(own.platform)
