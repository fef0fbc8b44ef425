"""Keep photos as files in one folder (MEDIA_DIR): a file is there whole and synced to the disk, or not at all.

Only the service's own user can list the folder or read a file. What stands in the files: bot.photos.files.
"""

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Where the store puts its files: a thousand folders, by the photo's number.
_SHELF = re.compile(r"\d{3}")
_PART = ".part"
_OURS_ALONE, _FILE_OURS_ALONE = 0o700, 0o600


class NoSuchFile(Exception):
    """The folder can be read, and does not have the file."""


class DiskTrouble(Exception):
    """The folder cannot be read or written now: the disk is full, read-only or away. Another time it may be."""


class PhotoFolder:
    """Reads and writes bytes by their ``path`` below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str, most: int = -1) -> bytes:
        """Return a file's content, or its first ``most`` bytes. Raises NoSuchFile or DiskTrouble."""
        try:
            with (self.root / path).open("rb") as file:
                return file.read(most)
        except FileNotFoundError:
            # Without the root nothing is said about the file: the disk it lies on may not be mounted.
            if self.root.is_dir():
                raise NoSuchFile(path) from None
            raise DiskTrouble("ENOENT") from None
        except OSError as error:
            raise _trouble(error) from None

    def write(self, path: str, content: bytes) -> None:
        """Write a file under a temporary name, sync it, and rename it: one of the same path is replaced at once.

        Raises DiskTrouble, and leaves nothing.
        """
        target = self.root / path
        # A name of its own: one that a killed process left must not stand in the next one's way.
        part = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_PART}")
        try:
            _make(self.root)
            _make(target.parent)
            try:
                with open(part, "xb", opener=_for_us_alone) as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(target)
            except OSError:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
                raise
            _sync(target.parent)
        except OSError as error:
            raise _trouble(error) from None

    def delete(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)

    def old_files(self, before: float) -> Iterator[str]:
        """List the paths of the store's files, temporary ones too, that were last written ``before`` (epoch)."""
        shelves = sorted(each.name for each in self.root.iterdir() if _SHELF.fullmatch(each.name))
        for shelf in shelves:
            with os.scandir(self.root / shelf) as files:
                yield from (
                    f"{shelf}/{file.name}"
                    for file in files
                    if file.is_file(follow_symlinks=False) and file.stat(follow_symlinks=False).st_mtime < before
                )


def _trouble(error: OSError) -> DiskTrouble:
    return DiskTrouble(errno.errorcode.get(error.errno or 0, type(error).__name__))


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
