"""Check WeChat's signature, and encrypt and decrypt its envelope, with ``cryptography``.

wechatpy's own (crypto/base.py) compares with ``!=``, does not check the
padding, draws from a generator that is not meant for secrets and fails in half
a dozen ways; here every failure is ``Forgery``.
"""

import base64
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# WeChat pads to 32 bytes, although AES's block has 16.
_BLOCK = 32
_RANDOM = 16
_LENGTH = 4


class Forgery(Exception):
    """The push is not proved to be WeChat's. ``reason`` is a constant word for the log, never content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def signature_of(*parts: str) -> str:
    """Return the SHA-1 of the sorted parts, as the platform prescribes."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "replace")).hexdigest()  # noqa: S324


def demand_signature(signature: str, *parts: str) -> None:
    """Raise Forgery unless ``signature`` is that of ``parts``; takes the same time wherever they differ."""
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), signature_of(*parts).encode()):
        raise Forgery("signature")


class Envelope:
    """Encrypts for an account and decrypts what was encrypted for it, with one EncodingAESKey."""

    def __init__(self, app_id: str, encoding_aes_key: str) -> None:
        """Set up the cipher. ``encoding_aes_key``: the console's 43 characters. Raises ValueError without the key."""
        key = _decode(encoding_aes_key + "=")
        if key is None or len(encoding_aes_key) != 43:
            raise ValueError("the EncodingAESKey must be the console's 43 letters and digits")
        self._app_id = app_id.encode()
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def seal(self, xml: bytes) -> str:
        content = os.urandom(_RANDOM) + len(xml).to_bytes(_LENGTH, "big") + xml + self._app_id
        padding = _BLOCK - len(content) % _BLOCK
        encryptor = self._cipher.encryptor()
        return base64.b64encode(encryptor.update(content + bytes([padding]) * padding) + encryptor.finalize()).decode()

    def open(self, sealed: str) -> bytes:
        """Decrypt the XML. Raises Forgery if it was not encrypted with this key for this account, or is incomplete."""
        data = _decode(sealed)
        if not data or len(data) % _BLOCK:
            raise Forgery("envelope")
        decryptor = self._cipher.decryptor()
        padded = decryptor.update(data) + decryptor.finalize()
        padding = padded[-1]
        if not 1 <= padding <= _BLOCK or padded[-padding:] != bytes([padding]) * padding:
            raise Forgery("envelope")
        content = padded[_RANDOM:-padding]
        end = _LENGTH + int.from_bytes(content[:_LENGTH], "big")
        if content[end:] != self._app_id:
            raise Forgery("app_id")
        return content[_LENGTH:end]


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None
