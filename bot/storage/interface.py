"""Define what a storage of files does and how it fails, for a folder (bot.storage.folder) and a bucket
(bot.storage.bucket).

A file has a ``path`` with "/" between its parts, and is there whole or not at all. What stands in it: bot.photos.files.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PIECE = 64 * 1024


class NoSuchFile(Exception):
    """The storage can be read, and does not have the file."""


class StorageTrouble(Exception):
    """The storage cannot be read or written now: a disk is full or away, a bucket's server refuses or does not answer.

    Another time it may be. It says the error's name, and neither an address nor a key.
    """


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that is there: its size in bytes, and when it was ``written`` (epoch, by the storage's clock)."""

    path: str
    size: int
    written: float


class Stream:
    """A file that is read piece by piece, and has to be closed. ``read``: raises StorageTrouble."""

    def __init__(self, file: Listed, read: Callable[[int], bytes], close: Callable[[], None]) -> None:
        self.file, self._read, self.close = file, read, close

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._read(PIECE):
            yield piece


class Storage(Protocol):
    """Every method raises StorageTrouble."""

    def below(self, folder: str) -> "Storage":
        """Return the storage of what lies in a folder of this one."""

    def read(self, path: str, most: int = -1) -> bytes:
        """Return a file's content, or its first ``most`` bytes. Raises NoSuchFile."""

    def stream(self, path: str) -> Stream:
        """Open a file that may be too large for the memory. Raises NoSuchFile."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file; one of the same path is replaced at once. Where it fails, no part of it is there."""

    def write_file(self, path: str, source: Path) -> None:
        """Write a file that may be too large for the memory, from one of this machine's disk."""

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""

    def has(self, path: str) -> bool: ...

    def files(self, prefix: str = "") -> Iterator[Listed]:
        """List the files whose paths begin with ``prefix``, page by page; a storage never written to has none."""
