"""The keys of one merchant and of the platform, made at the start or read from a folder.

What a merchant has: its own key and certificate, the APIv3 key, the platform's
public key (PUB_KEY_ID_...) and, if it is an older one, platform certificates.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

KEY_BITS = 2048
CERTIFICATE_LIFE = timedelta(days=5 * 365)  # PW: a platform certificate is valid for five years
SERIAL_BITS = 159  # written as 40 hex digits
APIV3_KEY_LENGTH = 32
LISTED = "pay.json"
PLATFORM = "platform"
"""The folder of what only the platform has."""


@dataclass(frozen=True)
class Pair:
    """A private key with its certificate."""

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate

    @property
    def serial(self) -> str:
        return f"{self.certificate.serial_number:040X}"

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True)
class Keys:
    """``certificates``: the platform's, the newest last. ``public``: the private half of the platform's public key."""

    mchid: str
    merchant: Pair
    certificates: tuple[Pair, ...]
    public: rsa.RSAPrivateKey = field(repr=False)
    public_id: str
    apiv3_key: str = field(repr=False)

    def platform_key(self, serial: str) -> rsa.RSAPrivateKey | None:
        """By the serial of a platform certificate, or the id of the public key."""
        by_serial = {pair.serial: pair.key for pair in self.certificates} | {self.public_id: self.public}
        return by_serial.get(serial)

    @property
    def public_pem(self) -> str:
        return self.public.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def make_keys(mchid: str) -> Keys:
    return Keys(
        mchid=mchid,
        merchant=make_pair(mchid),
        certificates=(make_pair("Tenpay.com sign"),),
        public=_make_key(),
        public_id=f"PUB_KEY_ID_01{mchid}{secrets.randbelow(10**20):020d}",
        apiv3_key=secrets.token_hex(APIV3_KEY_LENGTH // 2),
    )


def make_pair(common_name: str) -> Pair:
    key = _make_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1 << (SERIAL_BITS - 1) | secrets.randbits(SERIAL_BITS - 1))
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + CERTIFICATE_LIFE)
        .sign(key, hashes.SHA256())
    )
    return Pair(key, certificate)


def keys_in(folder: Path, mchid: str) -> Keys:
    """Those of an earlier run, or new ones, which are then kept there.

    Raises OSError, ValueError for a folder that cannot be used or is another merchant's.
    """
    if not (folder / LISTED).exists():
        keys = make_keys(mchid)
        write_keys(keys, folder)
        return keys
    keys = read_keys(folder)
    if keys.mchid != mchid:
        raise ValueError(f"{folder}: these are the keys of merchant {keys.mchid}")
    return keys


def write_keys(keys: Keys, folder: Path) -> None:
    """For the merchant's server: apiclient_key.pem, apiclient_cert.pem, pub_key.pem, wechatpay_SERIAL.pem, pay.json.

    What only the platform has goes into a folder of its own beside them.
    """
    own = folder / PLATFORM
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_secret(folder / "apiclient_key.pem", _pem(keys.merchant.key))
    (folder / "apiclient_cert.pem").write_text(keys.merchant.pem)
    (folder / "pub_key.pem").write_text(keys.public_pem)
    _write_secret(own / "pub_key_private.pem", _pem(keys.public))
    for pair in keys.certificates:
        (folder / f"wechatpay_{pair.serial}.pem").write_text(pair.pem)
        _write_secret(own / f"{pair.serial}.pem", _pem(pair.key))
    listed = {
        "mchid": keys.mchid,
        "merchant_serial": keys.merchant.serial,
        "apiv3_key": keys.apiv3_key,
        "public_key_id": keys.public_id,
        "platform_serials": [pair.serial for pair in keys.certificates],
    }
    _write_secret(folder / LISTED, json.dumps(listed, indent=2))  # last: with it the folder is whole


def read_keys(folder: Path) -> Keys:
    """Raises OSError, ValueError."""
    listed = json.loads((folder / LISTED).read_text())
    own = folder / PLATFORM
    try:
        return Keys(
            mchid=listed["mchid"],
            merchant=_read_pair(folder / "apiclient_key.pem", folder / "apiclient_cert.pem"),
            certificates=tuple(
                _read_pair(own / f"{serial}.pem", folder / f"wechatpay_{serial}.pem")
                for serial in listed["platform_serials"]
            ),
            public=_read_key(own / "pub_key_private.pem"),
            public_id=listed["public_key_id"],
            apiv3_key=listed["apiv3_key"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / LISTED}: {error}") from error


def _make_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _read_key(path: Path) -> rsa.RSAPrivateKey:
    return cast(rsa.RSAPrivateKey, load_pem_private_key(path.read_bytes(), None))


def _read_pair(key: Path, certificate: Path) -> Pair:
    return Pair(_read_key(key), x509.load_pem_x509_certificate(certificate.read_bytes()))


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


KeySource = Callable[[], Keys]
