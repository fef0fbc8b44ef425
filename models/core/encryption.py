"""Encrypt sensitive values at rest with rotatable keys, and find them again by keyed hash.

AES-256-GCM from ``cryptography``. A sealed value names its key by four bytes,
so old values open after a rotation; its purpose (a literal that no rename of
a table or column changes) is authenticated, so a value cannot be moved to
another column. The program sets the key ring once, where it starts.
"""

import hashlib
import hmac
import os
from base64 import b64decode
from collections.abc import Sequence
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Dialect, LargeBinary, TypeDecorator
from sqlalchemy.orm import QueryableAttribute

# Bytes of a key's name, which begins each sealed value.
NAME = 4
_NONCE = 12


class CannotOpen(Exception):
    """No key of the ring opens this value: it was damaged or moved to another column, or its key was removed."""


class NoKey(CannotOpen):
    """The value names a key that is not in the ring."""


class Keyring:
    """Encrypt with the first of ``keys`` (32 bytes each) and decrypt with any of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys):
            raise ValueError("DATA_KEYS needs one or more base64 keys of 32 bytes each")
        self._boxes = {hashlib.sha256(key).digest()[:NAME]: AESGCM(key) for key in keys}
        self._newest = next(iter(self._boxes))
        self._lookup_keys = [hmac.digest(key, b"look-up", "sha256") for key in keys]

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read the setting DATA_KEYS: base64 keys with commas between them. Raises ValueError."""
        return cls([b64decode(part.strip(), validate=True) for part in text.split(",") if part.strip()])

    @property
    def names(self) -> tuple[str, ...]:
        """Return the keys' names, the newest first: each stands before what its key sealed, and tells nothing of it."""
        return tuple(name.hex() for name in self._boxes)

    def seal(self, plain: str, purpose: str) -> bytes:
        return self.seal_bytes(plain.encode(), purpose)

    def open(self, sealed: bytes, purpose: str) -> str:
        """Raises CannotOpen."""
        try:
            return self.open_bytes(sealed, purpose).decode()
        except UnicodeDecodeError:
            raise CannotOpen(purpose) from None

    def seal_bytes(self, plain: bytes, purpose: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return self._newest + nonce + self._boxes[self._newest].encrypt(nonce, plain, purpose.encode())

    def open_bytes(self, sealed: bytes, purpose: str) -> bytes:
        """Raises CannotOpen, of which NoKey is one."""
        box = self._boxes.get(sealed[:NAME])
        if box is None:
            raise NoKey(purpose)
        try:
            nonce = sealed[NAME : NAME + _NONCE]
            return box.decrypt(nonce, sealed[NAME + _NONCE :], purpose.encode())
        except (InvalidTag, ValueError):
            raise CannotOpen(purpose) from None

    def is_newest(self, sealed: bytes) -> bool:
        """Tell whether the newest key sealed it; its first bytes are enough."""
        return sealed[:NAME] == self._newest

    def lookup_hashes(self, plain: str, purpose: str) -> list[str]:
        """Compute the keyed hash (64 hex digits) under each key, the newest first: store the first, look for any."""
        return [hmac.new(key, f"{purpose}\x1f{plain}".encode(), "sha256").hexdigest() for key in self._lookup_keys]


class _Holder:
    ring: Keyring | None = None


def use_keyring(ring: Keyring) -> None:
    """Set the program's key ring: once where it starts, before the first query."""
    _Holder.ring = ring


def keyring() -> Keyring:
    if _Holder.ring is None:
        raise RuntimeError("use_keyring() has not been called")
    return _Holder.ring


class Lookup(NamedTuple):
    """Name the ``column`` that holds the keyed hash of a sealed value, and the ``purpose`` it is hashed for."""

    column: str
    purpose: str


class Encrypted(TypeDecorator[str]):
    """A text column that the database holds only encrypted.

    ``purpose`` is authenticated with every value that was ever sealed for it: a literal, never changed
    (tests/core/test_purposes.py). ``lookup``: the hash by which a value is found; None where it is not searched.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, purpose: str, lookup: Lookup | None = None) -> None:
        super().__init__()
        self.purpose = purpose
        self.lookup = lookup

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring().seal(value, self.purpose)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else keyring().open(bytes(value), self.purpose)


def purpose_of(column: QueryableAttribute[Any]) -> str:
    """Return the purpose for which this column's values are sealed. Raises TypeError for a plain column."""
    kind = column.type
    if not isinstance(kind, Encrypted):
        raise TypeError(f"{column} is not sealed")
    return kind.purpose
