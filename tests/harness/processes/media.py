"""Both kinds of storage for photos, and what tests do to them past our own code."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from bot.storage.folder import Folder
from bot.storage.interface import Storage
from tests.harness.processes.door import Way
from tests.harness.processes.s3 import S3


class MediaStore(ABC):
    """``settings``: what Settings.model_copy takes to use it."""

    storage: Storage
    settings: dict[str, Any]

    @abstractmethod
    def paths(self) -> list[str]: ...

    @abstractmethod
    def read(self, path: str) -> bytes: ...

    @abstractmethod
    def write(self, path: str, content: bytes) -> None: ...

    @abstractmethod
    def delete(self, path: str) -> None: ...

    @abstractmethod
    def go_away(self) -> None: ...

    @abstractmethod
    def come_back(self) -> None: ...

    def contents(self) -> list[bytes]:
        return [self.read(path) for path in self.paths()]


class FolderStore(MediaStore):
    def __init__(self, root: Path) -> None:
        self.root, self.storage = root, Folder(root)
        self.settings = {"media_dir": str(root)}

    def paths(self) -> list[str]:
        return sorted(str(file.relative_to(self.root)) for file in self.root.rglob("*") if file.is_file())

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)

    def delete(self, path: str) -> None:
        (self.root / path).unlink()

    def go_away(self) -> None:
        self.root.rename(self.root.with_name("away"))

    def come_back(self) -> None:
        self.root.with_name("away").rename(self.root)


class BucketStore(MediaStore):
    def __init__(self, s3: S3) -> None:
        bucket = s3.bucket(page=3)
        bucket.prepare()
        self.storage, self.settings, self._s3 = bucket, s3.settings, s3

    def paths(self) -> list[str]:
        return self._s3.paths()

    def read(self, path: str) -> bytes:
        return self._s3.read(path)

    def write(self, path: str, content: bytes) -> None:
        self._s3.write(path, content)

    def delete(self, path: str) -> None:
        self._s3.delete(path)

    def go_away(self) -> None:
        self._s3.door.set(Way.CLOSED)

    def come_back(self) -> None:
        self._s3.door.set(Way.OPEN)
