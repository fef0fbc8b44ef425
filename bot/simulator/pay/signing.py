"""Pay's signatures and its sealed resources.

Every message is signed over lines that each end with a newline: a request over
method, path with query, timestamp, nonce and body; an answer or a callback over
timestamp, nonce and body. RSA with SHA-256, base64.
"""

import base64
import binascii
import json
import re
import secrets
import threading
from collections.abc import Callable
from random import Random
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from bot.simulator.pay.errors import PayError
from bot.simulator.pay.keys import KeySource

SCHEME = "WECHATPAY2-SHA256-RSA2048"
ALGORITHM = "AEAD_AES_256_GCM"
WINDOW = 300.0  # seconds a request's timestamp may be off (wechatpay-apache-httpclient has the same for answers)
PROBE = "WECHATPAY/SIGNTEST/"  # PW/docs/partner/development/practices/notification-considerations
SEAL_NONCE = 12
LONGEST_NONCE = 32
RAMP_DAYS = 7  # PW/doc/v3/merchant/4012153196: callbacks move to the public key from 0.1 % to all in seven days
RAMP_START = 0.001
FIELD = re.compile(r'(\w+)="([^"]*)"')


def sign(key: RSAPrivateKey, *lines: str | bytes) -> str:
    return base64.b64encode(key.sign(_message(lines), PKCS1v15(), SHA256())).decode()


def is_signed(key: RSAPublicKey, signature: str, *lines: str | bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), _message(lines), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def seal(apiv3_key: str, plain: str, associated: str) -> dict[str, str]:
    """The fields of a sealed resource or certificate."""
    nonce = secrets.token_hex(SEAL_NONCE // 2)
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plain.encode(), associated.encode())
    return {
        "algorithm": ALGORITHM,
        "nonce": nonce,
        "associated_data": associated,
        "ciphertext": base64.b64encode(sealed).decode(),
    }


class Gate:
    """Lets the merchant's own requests in, each once."""

    def __init__(self, keys: KeySource, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._nonces: dict[str, float] = {}

    def check(self, method: str, path: str, authorization: str, body: bytes) -> None:
        """Raises PayError SIGN_ERROR."""
        scheme, _, rest = authorization.partition(" ")
        fields = dict(FIELD.findall(rest))
        if scheme != SCHEME or not fields.keys() >= {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}:
            raise PayError("SIGN_ERROR", "Authorization is missing or malformed")
        keys, timestamp, nonce = self._keys(), fields["timestamp"], fields["nonce_str"]
        if fields["mchid"] != keys.mchid:
            raise PayError("SIGN_ERROR", "no such mchid")
        if fields["serial_no"] != keys.merchant.serial:
            raise PayError("SIGN_ERROR", "serial_no is not of this merchant's certificate")
        if not re.fullmatch(r"\d{10}", timestamp, re.ASCII) or abs(self._clock() - int(timestamp)) > WINDOW:
            raise PayError("SIGN_ERROR", "timestamp is no number of seconds, or more than five minutes off")
        if not 0 < len(nonce) <= LONGEST_NONCE:
            raise PayError("SIGN_ERROR", "nonce_str is empty or too long")
        public = keys.merchant.key.public_key()
        if not is_signed(public, fields["signature"], method, path, timestamp, nonce, body):
            raise PayError("SIGN_ERROR", "sign not match")
        self._use(nonce)

    def _use(self, nonce: str) -> None:
        now = self._clock()
        with self._lock:
            while self._nonces and now - next(iter(self._nonces.values())) > 2 * WINDOW:
                del self._nonces[next(iter(self._nonces))]  # the oldest is first
            if nonce in self._nonces:
                raise PayError("SIGN_ERROR", "nonce_str was used before")
            self._nonces[nonce] = now


class Signer:
    """Signs answers and callbacks, each with the key that is due.

    ``share``: of the callbacks, how many are signed with the public key (0 to 1). ``bad_answers``: so many of
    the next answers carry a probe instead of a signature, which the merchant's server must refuse.
    """

    def __init__(
        self, keys: KeySource, true: Callable[[], float], clock: Callable[[], float], has_certificates: bool, seed: int
    ) -> None:
        self._keys = keys
        self._true = true
        self._clock = clock
        self._has_certificates = has_certificates
        self._chance = Random(seed)  # noqa: S311 - not for secrets
        self._lock = threading.Lock()
        self._share = 0.0 if has_certificates else 1.0
        self._migrating_since: float | None = None
        self.bad_answers = 0

    @property
    def share(self) -> float:
        if self._migrating_since is None:
            return self._share
        passed = (self._clock() - self._migrating_since) / (RAMP_DAYS * 86400)
        return float(min(1.0, RAMP_START ** (1 - min(passed, 1.0))))

    @share.setter
    def share(self, share: float) -> None:
        """Raises ValueError: not a share, or a merchant that has no certificates to sign the rest with."""
        if not 0 <= share <= 1 or (share < 1 and not self._has_certificates):
            raise ValueError(share)
        self._migrating_since, self._share = None, share

    def migrate(self) -> None:
        """Begin the move to the public key: 0.1 % of the callbacks now, all in seven days."""
        if not self._has_certificates:
            raise ValueError("this merchant has no certificates to move away from")
        self._migrating_since = self._clock()

    def callback_serial(self) -> str:
        """With which key the next callback is signed."""
        keys = self._keys()
        with self._lock:
            drawn = self._chance.random()
        return keys.public_id if drawn < self.share else keys.certificates[-1].serial

    def answer_serial(self, asked: str) -> str:
        """``asked``: the request's Wechatpay-Serial. Raises PayError where it names no key that there is."""
        keys = self._keys()
        known = {keys.public_id} | ({pair.serial for pair in keys.certificates} if self._has_certificates else set())
        if asked and asked not in known:
            raise PayError("PARAM_ERROR", "Wechatpay-Serial names no key of the platform")
        return asked or (keys.certificates[-1].serial if self._has_certificates else keys.public_id)

    def takes_bad_answer(self) -> bool:
        """Whether the answer that is being made is one of the bad ones."""
        with self._lock:
            due = self.bad_answers > 0
            self.bad_answers -= due
            return due

    def headers(self, body: bytes, serial: str, probe: bool = False) -> dict[str, str]:
        key = self._keys().platform_key(serial)
        if key is None:
            raise LookupError(serial)
        timestamp, nonce = str(int(self._true())), secrets.token_hex(16)
        signature = sign(key, timestamp, nonce, body)
        if probe:
            signature = PROBE + base64.b64encode(secrets.token_bytes(240)).decode()
        return {
            "Wechatpay-Serial": serial,
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": signature,
            "Wechatpay-Signature-Type": SCHEME,
        }


def as_json(fields: dict[str, Any]) -> str:
    """Without spaces, as Pay writes it: signatures are over these very bytes."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _message(lines: tuple[str | bytes, ...]) -> bytes:
    return b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)
