"""Keep files in one folder: a file is there whole and synced to the disk, or not at all.

Only the service's own user can list the folder or read a file.
"""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from bot.storage.interface import PIECE, Listed, NoSuchFile, StorageTrouble, Stream

_PART = ".part"
_OURS_ALONE, _FILE_OURS_ALONE = 0o700, 0o600


class Folder:
    """Implements bot.storage.interface.Storage below ``root``. Files that a killed process left are listed, too."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def below(self, folder: str) -> "Folder":
        return Folder(self.root / folder)

    def read(self, path: str, most: int = -1) -> bytes:
        with self._open(path) as file, _naming():
            return file.read(most)

    def stream(self, path: str) -> Stream:
        file = self._open(path)
        found = os.fstat(file.fileno())
        return Stream(Listed(path, found.st_size, found.st_mtime), _naming()(file.read), file.close)

    def write(self, path: str, content: bytes) -> None:
        with self._replacing(path) as part:
            part.write(content)

    def write_file(self, path: str, source: Path) -> None:
        with self._replacing(path) as part, source.open("rb") as file:
            shutil.copyfileobj(file, part, PIECE)

    def delete(self, path: str) -> None:
        with _naming():
            (self.root / path).unlink(missing_ok=True)

    def has(self, path: str) -> bool:
        return (self.root / path).is_file()

    def files(self, prefix: str = "") -> Iterator[Listed]:
        folder, _, start = prefix.rpartition("/")
        return self._walk(folder, start)

    def _walk(self, folder: str, start: str) -> Iterator[Listed]:
        """Walk through a folder, of which the names begin with ``start``, and all that are in it."""
        try:
            with os.scandir(self.root / folder) as found:
                entries = sorted((each for each in found if each.name.startswith(start)), key=lambda each: each.name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _trouble(error) from None
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(path, "")
            elif entry.is_file(follow_symlinks=False):
                try:
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # deleted meanwhile
                    continue
                yield Listed(path, facts.st_size, facts.st_mtime)

    def _open(self, path: str) -> IO[bytes]:
        try:
            return (self.root / path).open("rb")
        except FileNotFoundError:
            # Without the root nothing is said about the file: the disk it lies on may not be mounted.
            if self.root.is_dir():
                raise NoSuchFile(path) from None
            raise StorageTrouble("ENOENT") from None
        except OSError as error:
            raise _trouble(error) from None

    @contextmanager
    def _replacing(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file under a temporary name, which is synced and renamed at the end of the block."""
        target = self.root / path
        # A name of its own: one that a killed process left must not stand in the next one's way.
        part = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_PART}")
        with _naming():
            _make(self.root)
            _make(target.parent)
            try:
                with open(part, "xb", opener=_for_us_alone) as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(target)
            except OSError:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
                raise
            _sync(target.parent)


@contextmanager
def _naming() -> Iterator[None]:
    """Raise StorageTrouble, which names the error, where the system refuses."""
    try:
        yield
    except OSError as error:
        raise _trouble(error) from None


def _trouble(error: OSError) -> StorageTrouble:
    return StorageTrouble(errno.errorcode.get(error.errno or 0, type(error).__name__))


def _make(folder: Path) -> None:
    """Make a folder for the service's user alone; one of ours that is open to others is closed to them."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(_OURS_ALONE, exist_ok=True)
        _sync(folder.parent)
    found = folder.stat()
    if stat.S_IMODE(found.st_mode) & ~_OURS_ALONE and found.st_uid == os.geteuid():
        folder.chmod(_OURS_ALONE)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, _FILE_OURS_ALONE)


def _sync(folder: Path) -> None:
    """Sync a folder's list of files, which a new name needs to outlive a power cut."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    except OSError as error:
        # Some network file systems sync no folders, and write names through by themselves.
        if error.errno not in (errno.EINVAL, errno.EBADF):
            raise
    finally:
        os.close(opened)
