"""Sign the merchant's requests, and prove that an answer or a callback is the platform's.

Wechatpay-Serial selects the key among those of the settings, public keys and certificates alike, so that both
are valid while the platform moves from one to the other. An unknown serial is refused.
"""

import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from config.pay import PUBLIC_KEY_ID, PlatformKey

SCHEME = "WECHATPAY2-SHA256-RSA2048"
# Seconds that a signature may be old, or ahead, as in wechatpay-apache-httpclient.
WINDOW = 300
# PW/docs/partner/development/practices/notification-considerations: with this the platform tests our check.
PROBE = "WECHATPAY/SIGNTEST/"
_TIMESTAMP = re.compile(r"[0-9]{10}")
# A newline in it would make the signed text ambiguous.
_NONCE = re.compile(r"[!-~]{1,128}")
_SIGNATURE = re.compile(r"[0-9A-Za-z+/=]{1,2048}")


class Flaw(StrEnum):
    """Why an answer or a callback is not proved to be the platform's."""

    HEADERS = "headers"
    SERIAL = "serial"
    TIMESTAMP = "timestamp"
    PROBE = "probe"
    KEY_EXPIRED = "key_expired"
    SIGNATURE = "signature"


class Unproved(Exception):
    def __init__(self, flaw: Flaw) -> None:
        super().__init__(str(flaw))
        self.flaw = flaw


class Headers(Protocol):
    """The headers of a request or an answer, looked up without regard to case."""

    def get(self, key: str, /) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What the headers say of a message: right in form and in time, by a key that we know; proved by nothing yet."""

    key: PlatformKey
    signature: bytes
    timestamp: str
    nonce: str


class PlatformKeys:
    def __init__(self, keys: Iterable[PlatformKey]) -> None:
        self._keys = {key.serial: key for key in keys}

    @property
    def asked_for(self) -> str | None:
        """The serial with which the platform should sign answers; None leaves it to use a certificate of its choice."""
        return next((serial for serial in self._keys if serial.startswith(PUBLIC_KEY_ID)), None)

    def read_claim(self, headers: Headers, now: datetime) -> Claim:
        """Read what the headers say, as far as it can be checked without the body. Raises Unproved.

        ``now``: the real time."""
        serial, timestamp = headers.get("Wechatpay-Serial") or "", headers.get("Wechatpay-Timestamp") or ""
        nonce, signature = headers.get("Wechatpay-Nonce") or "", headers.get("Wechatpay-Signature") or ""
        if headers.get("Wechatpay-Signature-Type") not in {None, SCHEME} or not _NONCE.fullmatch(nonce):
            raise Unproved(Flaw.HEADERS)
        key = self._keys.get(serial)
        if key is None:
            raise Unproved(Flaw.SERIAL)
        if not _TIMESTAMP.fullmatch(timestamp) or abs(now.timestamp() - int(timestamp)) > WINDOW:
            raise Unproved(Flaw.TIMESTAMP)
        if signature.startswith(PROBE):
            raise Unproved(Flaw.PROBE)
        if key.until and now > key.until:
            raise Unproved(Flaw.KEY_EXPIRED)
        return Claim(key, _decode(signature, key), timestamp, nonce)

    def prove(self, headers: Headers, body: bytes, now: datetime) -> None:
        """Check the platform's signature over the body. ``now``: the real time. Raises Unproved."""
        claim = self.read_claim(headers, now)
        if not _is_signed(claim, f"{claim.timestamp}\n{claim.nonce}\n".encode() + body + b"\n"):
            raise Unproved(Flaw.SIGNATURE)


class Signer:
    """Signs for the merchant. ``serial``: of the merchant's certificate."""

    def __init__(self, mch_id: str, serial: str, key: RSAPrivateKey) -> None:
        self.mch_id = mch_id
        self._serial, self._key = serial, key

    def sign(self, *lines: str | bytes) -> str:
        """Sign the lines, each with a newline, and return the signature in base64."""
        message = b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)
        return b64encode(self._key.sign(message, PKCS1v15(), SHA256())).decode()

    def authorization(self, method: str, target: str, body: bytes, now: datetime) -> str:
        """Make the Authorization header of one request. ``target``: path and query as they are sent."""
        timestamp, nonce = str(int(now.timestamp())), new_nonce()
        fields = {
            "mchid": self.mch_id,
            "nonce_str": nonce,
            "timestamp": timestamp,
            "serial_no": self._serial,
            "signature": self.sign(method, target, timestamp, nonce, body),
        }
        return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in fields.items())


def new_nonce() -> str:
    return secrets.token_hex(16)


def _decode(signature: str, key: PlatformKey) -> bytes:
    """Return the signature's bytes, as many as the key's. Raises Unproved."""
    try:
        raw = b64decode(signature, validate=True) if _SIGNATURE.fullmatch(signature) else b""
    except ValueError:
        raw = b""
    # The last character of base64 has unused bits; only the canonical form of a signature is accepted.
    if len(raw) * 8 != key.key.key_size or b64encode(raw).decode() != signature:
        raise Unproved(Flaw.SIGNATURE)
    return raw


def _is_signed(claim: Claim, message: bytes) -> bool:
    try:
        claim.key.key.verify(claim.signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
