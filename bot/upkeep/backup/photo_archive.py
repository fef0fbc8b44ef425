"""Copy the photos' files into one archive as they are stored, sealed, and back."""

import io
import re
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.orm import Session

from bot.photos.files import SEALED, is_sealed
from bot.storage.interface import NoSuchFile, Storage
from bot.upkeep.backup.manifest import NoBackup
from models.core.database import stream
from models.core.encryption import NAME
from models.people.photo import Photo

# Below MEDIA_DIR, as the store names its files; nothing else is written there, whatever an archive says.
_PATH = re.compile(r"(?:[0-9A-Za-z_-]+/){0,2}[0-9A-Za-z_-]+(?:\.[0-9A-Za-z]+){1,2}")
_OURS_ALONE = 0o600


@dataclass(slots=True)
class Archived:
    """Count what the archive holds.

    ``keys``: files by the name of the data key that sealed them. ``missing``: the photos whose file was not there.
    """

    count: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    missing: list[int] = field(default_factory=list)


def named_photos(connection: Connection) -> Iterator[tuple[str, int]]:
    """Yield each file that photos name, by its path, and the first photo that names it."""
    kept = (Photo.state == "kept") & Photo.path.is_not(None)
    first = select(Photo.path, func.min(Photo.id).label("number")).where(kept).group_by(Photo.path)
    for row in stream(connection, first.order_by(Photo.path)):
        yield row.path, row.number


def archive_photos(database: Engine, storage: Storage, photos: Iterable[tuple[str, int]], archive: Path) -> Archived:
    """Write the archive. Raises StorageTrouble and OSError.

    A photo that was removed since the snapshot is not missing; one that was sealed since is put there as it is now.
    """
    done = Archived()
    with tarfile.open(archive, "x", format=tarfile.PAX_FORMAT) as tar:
        for path, number in photos:
            found = _read(storage, path)
            if found is None:
                done.missing += [number] if _is_kept(database, number) else []
                continue
            name, content = found
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), _OURS_ALONE
            tar.addfile(member, io.BytesIO(content))
            done.count += 1
            done.keys.update([content[:NAME].hex()] if is_sealed(name) else [])
    return done


def _read(storage: Storage, path: str) -> tuple[str, bytes] | None:
    for name in (path,) if is_sealed(path) else (path, path + SEALED):
        with suppress(NoSuchFile):
            return name, storage.read(name)
    return None


def _is_kept(database: Engine, number: int) -> bool:
    with Session(database) as db:
        return db.scalar(select(Photo.state).where(Photo.id == number)) == "kept"


def unpack_photos(archive: Path, storage: Storage) -> int:
    """Write the archive's files into the storage and return how many. Raises NoBackup, StorageTrouble."""
    count = 0
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is None or not _PATH.fullmatch(member.name):
                raise NoBackup(f"{archive} holds what is no photo: entry {count + 1}")
            storage.write(member.name, content.read())
            count += 1
    return count
