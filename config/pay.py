"""Read and check WeChat Pay's settings; keys are PEM, or the path of a file that holds it.

No error quotes what was written, for it may be a key.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from config.production import is_guessable

# The merchant of WeChat Pay's own examples, which the simulator plays.
SAMPLE_MCH_ID = "1900000109"
PUBLIC_KEY_ID = "PUB_KEY_ID_"
API_V3_KEY_BYTES = 32
KEY_BITS = 2048
Loaded = TypeVar("Loaded")
_IN_FILE = ("mch_id", "serial", "private_key", "api_v3_key")
_LARGEST_FILE = 64 * 1024
_MCH_ID = re.compile(r"[0-9]{8,32}")
_CERTIFICATE_SERIAL = re.compile(r"[0-9A-F]{40}")
_PUBLIC_KEY_ID = re.compile(rf"{PUBLIC_KEY_ID}[0-9A-Za-z]{{8,64}}")


@dataclass(frozen=True, slots=True)
class PlatformKey:
    """A key that proves the platform: its public key, or that of a certificate, valid ``until`` then."""

    serial: str
    key: RSAPublicKey
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PayValues:
    """The settings as they were written."""

    mch_id: str
    serial: str
    private_key: str = field(repr=False)
    api_v3_key: str = field(repr=False)
    public_keys: Mapping[str, str] = field(repr=False)
    api_url: str
    public_url: str


def read_private_key(written: str) -> RSAPrivateKey:
    """Read the merchant's private key (apiclient_key.pem). Raises ValueError with words for the operator."""
    key = _load(
        lambda pem: load_pem_private_key(pem, None), _pem(written), "a private key without a password is needed"
    )
    if not isinstance(key, RSAPrivateKey) or key.key_size < KEY_BITS:
        raise ValueError(f"an RSA key of at least {KEY_BITS} bits is needed")
    return key


def read_platform_key(serial: str, written: str) -> PlatformKey:
    """Read the key of a PUB_KEY_ID_… or of a certificate's serial. Raises ValueError with words for the operator."""
    pem, until = _pem(written), None
    if _PUBLIC_KEY_ID.fullmatch(serial):
        key = _load(load_pem_public_key, pem, f"{serial} needs a public key (pub_key.pem)")
    elif _CERTIFICATE_SERIAL.fullmatch(serial):
        certificate = _load(load_pem_x509_certificate, pem, f"{serial} needs a certificate (wechatpay_….pem)")
        if f"{certificate.serial_number:040X}" != serial:
            raise ValueError(f"the certificate given as {serial} is another one")
        key, until = certificate.public_key(), certificate.not_valid_after_utc
    else:
        raise ValueError(f"each is {PUBLIC_KEY_ID}… or a certificate's serial of 40 hexadecimal digits in capitals")
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_BITS:
        raise ValueError(f"{serial} needs an RSA key of at least {KEY_BITS} bits")
    return PlatformKey(serial, key, until)


def read_merchants(path: str, api_url: str, public_url: str) -> tuple[PayValues, ...]:
    """Read the file of further merchants (PAY_MERCHANTS): a TOML table ``[[merchants]]`` for each, with the keys of
    _IN_FILE as the PAY_ settings have them. Raises ValueError with words for the operator."""
    rows, unread = None, ""
    try:
        rows = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("merchants")
    except OSError as error:
        unread = f"; this one cannot be read: {error.strerror}"
    except ValueError:
        unread = "; this one is no TOML"
    # Raised outside the handler: that error may quote a line of the file.
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"the path of a TOML file with a table [[merchants]] for each is needed{unread}")
    found = []
    for number, row in enumerate(rows, 1):
        whole = isinstance(row, dict) and set(row) == {*_IN_FILE, "public_keys"}
        if not (whole and isinstance(row["public_keys"], dict)):
            raise ValueError(f"merchant {number} needs {', '.join(_IN_FILE)} and a table public_keys, and nothing else")
        values = {name: row[name] for name in _IN_FILE}
        if not all(isinstance(value, str) for value in (*values.values(), *row["public_keys"].values())):
            raise ValueError(f"merchant {number}: every value is a string")
        found.append(PayValues(**values, public_keys=row["public_keys"], api_url=api_url, public_url=public_url))
    return tuple(found)


def faults(given: PayValues, production: bool) -> Iterator[str]:
    """Yield what is wrong with these settings, one by one; nothing if payments can be taken."""
    sample = production and given.mch_id == SAMPLE_MCH_ID
    if sample or not _MCH_ID.fullmatch(given.mch_id):
        yield "PAY_MCH_ID: the merchant's number is needed" + (", not the sample's" if sample else "")
    if not _CERTIFICATE_SERIAL.fullmatch(given.serial):
        yield "PAY_SERIAL: the serial of the merchant's certificate is 40 hexadecimal digits in capitals"
    if not (given.api_v3_key.isascii() and len(given.api_v3_key) == API_V3_KEY_BYTES):
        yield f"PAY_API_V3_KEY: {API_V3_KEY_BYTES} characters are needed"
    elif production and is_guessable(given.api_v3_key):
        yield "PAY_API_V3_KEY: it can be guessed; take one from: openssl rand -hex 16"
    yield from _key_faults(given)
    if production and not given.api_url.startswith("https://"):
        yield "PAY_API_URL: https is needed"
    if "?" in given.public_url or "#" in given.public_url:
        yield "PUBLIC_URL: the platform calls back to no address with parameters"


def _key_faults(given: PayValues) -> Iterator[str]:
    own = None
    try:
        own = read_private_key(given.private_key).public_key()
    except ValueError as error:
        yield f"PAY_PRIVATE_KEY: {error}"
    if not given.public_keys:
        yield "PAY_PUBLIC_KEYS: at least one of the platform's keys is needed"
    for serial, written in given.public_keys.items():
        try:
            key = read_platform_key(serial, written).key
        except ValueError as error:
            yield f"PAY_PUBLIC_KEYS: {error}"
        else:
            if key == own:
                yield f"PAY_PUBLIC_KEYS: {serial} is the merchant's own key, not the platform's"


def _pem(written: str) -> bytes:
    if "-----BEGIN " in written:
        return written.strip().encode()
    pem = b""
    try:
        if written and Path(written).stat().st_size <= _LARGEST_FILE:
            pem = Path(written).read_bytes()
    except (OSError, ValueError):
        pem = b""
    # Raised outside the handler: that error quotes the path, which is the key itself if its first line is missing.
    if not pem:
        raise ValueError("PEM, or the path of a file that can be read, is needed")
    return pem


def _load(load: Callable[[bytes], Loaded], pem: bytes, needed: str) -> Loaded:
    try:
        return load(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(needed) from error
