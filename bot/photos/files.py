"""Seal each photo's file with the data keys: the one way to what is in the storage of photos.

A sealed file is bound to its path, which the photo's row names: copied over another photo's file it does not open.
Its path ends with SEALED, and tells nothing of a person: it is the photo's number and a random part. A file under any
other path lies open, from before 0.3; bot.photos.sealing seals those.
"""

import structlog

from bot.storage.interface import NoSuchFile, Storage, StorageTrouble
from models.core.encryption import CannotOpen, NoKey, keyring

log = structlog.get_logger()

SEALED = ".sealed"
# Authenticated with every file that was ever sealed: a literal, never changed.
_PURPOSE = "photo file\x1f"
# Enough of a sealed file to tell its key.
HEAD = 16


class SpoiledFile(NoSuchFile):
    """The file is not what was written under its path: damaged, exchanged, or not of ours. The log tells it."""


class KeyMissing(StorageTrouble):
    """The file is sealed with a key that DATA_KEYS lacks: once the key is back, it opens."""


class PhotoFiles:
    """Reads and writes photos, which ``storage`` holds sealed."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def read(self, path: str) -> bytes:
        """Return a picture. Raises NoSuchFile (also SpoiledFile) or StorageTrouble (also KeyMissing)."""
        if not is_sealed(path):
            try:
                return self.storage.read(path)
            except NoSuchFile:
                path += SEALED  # it was sealed since the row was read
        try:
            return keyring().open_bytes(self.storage.read(path), _PURPOSE + path)
        except NoKey:
            log.error("photos.no_key", path=path)
            raise KeyMissing("no_key") from None
        except CannotOpen:
            log.error("photos.spoiled", path=path)
            raise SpoiledFile(path) from None

    def has(self, path: str) -> bool:
        """Tell whether a picture can be had, now or once the storage or a key is back."""
        try:
            self.read(path)
        except NoSuchFile:
            return False
        except StorageTrouble:
            return True
        return True

    def write(self, name: str, content: bytes) -> str:
        """Seal a picture and write it; return its path, for the row. Raises StorageTrouble, and leaves nothing."""
        path = name.removesuffix(SEALED) + SEALED
        self.storage.write(path, keyring().seal_bytes(content, _PURPOSE + path))
        return path

    def delete(self, path: str) -> None:
        """Delete a picture, and what a sealing of it that was killed has left."""
        name = path.removesuffix(SEALED)
        for each in (name, name + SEALED):
            self.storage.delete(each)

    def renew(self, path: str) -> str | None:
        """Seal a file anew under the newest key; return its path, or None where that key sealed it.

        Raises as ``read`` and ``write`` do. The caller holds the row's lock, writes the path into it, and after the
        commit lets ``drop_open`` delete a file that lay open.
        """
        if is_sealed(path) and keyring().is_newest(self.storage.read(path, HEAD)):
            return None
        return self.write(path, self.read(path))

    def drop_open(self, path: str) -> None:
        """Delete the open file of a photo that has been sealed."""
        self.storage.delete(path.removesuffix(SEALED))


def is_sealed(path: str) -> bool:
    return path.endswith(SEALED)
