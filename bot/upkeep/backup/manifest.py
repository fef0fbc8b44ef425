"""Say what a backup has to hold, so that a restore can compare."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

DATABASE, PHOTOS, MANIFEST = "database.dump", "photos.tar", "manifest.json"
# Another way of writing a backup needs another name.
_FORM = "bangfu-backup-1"


class NoBackup(Exception):
    """The folder holds no whole backup, or one that is not as it was written. The words are for the operator."""


@dataclass(frozen=True, slots=True)
class File:
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``at``: the moment that the backup shows. ``migration``: of its schema. ``heads``: chain -> ``number:hash``.

    ``tables``: rows by table. ``keys``: the names of the data keys that sealed something in it -> how much.
    ``photos``: how many files there are; ``missing``: the photos whose file was not there. ``files``: by name.
    """

    at: datetime
    migration: str
    heads: Mapping[str, str]
    tables: Mapping[str, int]
    keys: Mapping[str, int]
    photos: int
    missing: tuple[int, ...]
    files: Mapping[str, File]

    @property
    def rows(self) -> int:
        return sum(self.tables.values())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    written = asdict(manifest) | {"form": _FORM, "at": manifest.at.isoformat()}
    (folder / MANIFEST).write_text(json.dumps(written, indent=1, sort_keys=True) + "\n", encoding="ascii")


def read_manifest(folder: Path) -> Manifest:
    """Raises NoBackup."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="ascii"))
        return _read(found)
    except OSError:
        words = "it has no manifest.json that can be read; what was cut off in the middle is called ….part"
        raise NoBackup(f"{folder} is no backup: {words}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoBackup(f"{folder / MANIFEST} is not as it was written ({type(error).__name__})") from None


def _read(found: dict[str, Any]) -> Manifest:
    if found.pop("form") != _FORM:
        raise NoBackup("this backup is of another release, which writes them in another form: restore it with that")
    files = {name: File(**file) for name, file in found.pop("files").items()}
    at, missing = datetime.fromisoformat(found.pop("at")), tuple(found.pop("missing"))
    return Manifest(**found, at=at, missing=missing, files=files)


def check_files(folder: Path, manifest: Manifest) -> None:
    """Demand that each file is there as it was written. Raises NoBackup."""
    for name, wanted in manifest.files.items():
        try:
            found = measure(folder / name)
        except OSError as error:
            raise NoBackup(f"{folder / name} cannot be read: {error.strerror}") from None
        if found != wanted:
            raise NoBackup(
                f"{folder / name} is not as it was written: {found.size} bytes with SHA-256 {found.sha256}, and not "
                f"{wanted.size} with {wanted.sha256}"
            )


def measure(path: Path) -> File:
    """Raises OSError."""
    with path.open("rb") as file:
        return File(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
