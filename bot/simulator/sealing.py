"""Signatures and safe mode, as the platform does them.

Source: the encryption guide of the official accounts' documentation. The key
is the 43-character EncodingAESKey; AES-256-CBC, the key's first half is the
IV; padding to 32; plain text = 16 random bytes, length, message, app id.
"""

import base64
import binascii
import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PADDING_BLOCK = 32
RANDOM_PREFIX = 16
LENGTH_BYTES = 4


class Unsealable(Exception):
    """``code`` says which check failed: not_base64, bad_padding, bad_length, wrong_app_id."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def signature(*parts: str) -> str:
    """SHA-1 over the sorted parts (token, timestamp, nonce and, in safe mode, the sealed text)."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


class Sealer:
    """Seals and opens messages of one account."""

    def __init__(self, app_id: str, aes_key: str) -> None:
        """Raises ValueError for a key that is not 43 characters of base64."""
        if len(aes_key) != 43:
            raise ValueError("an EncodingAESKey has 43 characters")
        key = base64.b64decode(aes_key + "=", validate=True)
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))
        self._app_id = app_id.encode()

    def seal(self, message: bytes) -> str:
        length = len(message).to_bytes(LENGTH_BYTES, "big")
        plain = secrets.token_bytes(RANDOM_PREFIX) + length + message + self._app_id
        gap = PADDING_BLOCK - len(plain) % PADDING_BLOCK
        encryptor = self._cipher.encryptor()
        sealed = encryptor.update(plain + bytes([gap]) * gap) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def open(self, sealed: str) -> bytes:
        """Raises Unsealable."""
        plain = _without_padding(self._decrypt(sealed))
        start = RANDOM_PREFIX + LENGTH_BYTES
        length = int.from_bytes(plain[RANDOM_PREFIX:start], "big")
        if len(plain) < start + length:
            raise Unsealable("bad_length")
        if plain[start + length :] != self._app_id:
            raise Unsealable("wrong_app_id")
        return plain[start : start + length]

    def _decrypt(self, sealed: str) -> bytes:
        try:
            data = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Unsealable("not_base64") from error
        if not data or len(data) % 16:
            raise Unsealable("bad_padding")
        decryptor = self._cipher.decryptor()
        return decryptor.update(data) + decryptor.finalize()


def _without_padding(padded: bytes) -> bytes:
    gap = padded[-1]
    if not 1 <= gap <= PADDING_BLOCK or padded[-gap:] != bytes([gap]) * gap:
        raise Unsealable("bad_padding")
    return padded[:-gap]
