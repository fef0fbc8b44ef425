"""Write a downloaded bill, gzipped or not, unpacked into a file and check its SHA-1, in constant memory."""

import hashlib
import zlib
from collections.abc import Callable
from typing import BinaryIO

# A merchant's busiest day has some hundred megabytes; the limit keeps a bad answer from filling the disk.
LARGEST_BILL = 2 * 1024**3
_PACKED = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS
_CHUNK = 1024 * 1024


class Damaged(Exception):
    """The download is not the bill. ``why``: constant words."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class BillFile:
    def __init__(self, to: BinaryIO, largest: int = LARGEST_BILL) -> None:
        self._to, self._left = to, largest
        self._digest = hashlib.sha1(usedforsecurity=False)
        self._head = b""
        self._take: Callable[[bytes], None] | None = None
        self._gzip = zlib.decompressobj(_GZIP)

    def take(self, piece: bytes) -> None:
        """Write the next piece of the download. Raises Damaged."""
        if self._take is None:
            self._head += piece
            if len(self._head) < len(_PACKED):
                return
            self._take = self._unpack if self._head.startswith(_PACKED) else self._keep
            piece = self._head
        self._take(piece)

    def end(self, sha1: str) -> None:
        """Check that the bill is complete and has this SHA-1. Raises Damaged."""
        if self._take is None:
            raise Damaged("an empty bill")
        if self._take == self._unpack and not self._gzip.eof:
            raise Damaged("a bill that is cut off")
        if self._digest.hexdigest() != sha1.lower():
            raise Damaged("another bill than its SHA-1 says")

    def _unpack(self, piece: bytes) -> None:
        while piece:
            if self._gzip.eof:
                self._gzip = zlib.decompressobj(_GZIP)
            try:
                self._keep(self._gzip.decompress(piece, _CHUNK))
            except zlib.error as error:
                raise Damaged("a bill that cannot be unpacked") from error
            piece = self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail

    def _keep(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise Damaged("a bill that is too large")
        self._digest.update(piece)
        self._to.write(piece)
