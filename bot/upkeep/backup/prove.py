"""Prove that what was restored is what was backed up: rows, chains, books, sealed values and photos."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import URL, Connection, Engine

from bot.books.check import check_books, read_noted
from bot.photos.files import PhotoFiles
from bot.storage.interface import NoSuchFile, StorageTrouble
from bot.upkeep.backup.manifest import PHOTOS, Manifest
from bot.upkeep.backup.photo_archive import named_photos
from bot.upkeep.backup.take import count_rows, read_heads
from models.books import Noted, Violation
from models.core.database import snapshot
from models.tables import metadata
from models.upkeep.sealed_values import open_sample

# Of each sealed column, so many of the oldest and of the newest values; and so many photos, evenly spread.
SAMPLE = 20
PHOTO_SAMPLE = 200
# Of what is wrong, so much is told.
_TOLD = 10


@dataclass(frozen=True, slots=True)
class Proof:
    """``what`` was looked at, ``found`` in words for the operator, and whether that is as it has to be."""

    what: str
    holds: bool
    found: str


def prove_loaded(database: Engine, manifest: Manifest) -> Iterator[Proof]:
    """Compare what was loaded with the manifest, before anything else writes there."""
    with snapshot(database.url) as connection:
        yield _rows(connection, manifest)
        yield from _heads(connection, manifest)


def prove_books(
    url: URL, manifest: Manifest, now: datetime, noted: tuple[Noted | None, Noted | None]
) -> Iterator[Proof]:
    """Check the books; ``noted``: heads of both chains that were noted elsewhere, else the manifest's."""
    found: list[str] = []

    def tell(violation: Violation) -> None:
        if len(found) < _TOLD:
            found.append(str(violation))

    audit, ledger = (read_noted(manifest.heads.get(chain, "")) for chain in ("audit", "ledger"))
    checked = check_books(url, now, noted[0] or audit, noted[1] or ledger, tell=tell)
    count = checked.found.total()
    links = f"{checked.links} links and {checked.transactions} transactions"
    yield Proof("books", not count, f"{links}: {f'{count} violations: ' + '; '.join(found) if count else 'all right'}")


def prove_sealed(database: Engine) -> Iterator[Proof]:
    with snapshot(database.url) as connection:
        opened = open_sample(connection, metadata, SAMPLE)
    lost = ", ".join(f"{table} {number}" for table, number in opened.lost[:_TOLD])
    found = f"{opened.values} values of {opened.columns} columns open"
    yield Proof("sealed values", not lost, f"{found}; {len(opened.lost)} do not: {lost}" if lost else found)


def prove_photos(database: Engine, files: PhotoFiles, manifest: Manifest) -> Iterator[Proof]:
    if PHOTOS not in manifest.files:
        yield Proof("photos", True, "the backup was taken without them")
        return
    missing = set(manifest.missing)
    with snapshot(database.url) as connection:
        named = [(path, number) for path, number in named_photos(connection) if number not in missing]
    step = max(len(named) // PHOTO_SAMPLE, 1)
    lost = [number for path, number in named[::step] if not _opens(files, path)]
    found = f"a sample of {len(named[::step])} of {len(named)}, {len(named[::step]) - len(lost)} of which open"
    if lost:
        found += f"; {len(lost)} do not open: photos {', '.join(map(str, lost[:_TOLD]))}"
    if missing:
        found += f"; {len(missing)} had no file when the backup was taken"
    yield Proof("photos", not lost and len(named) <= manifest.photos, found)


def _rows(connection: Connection, manifest: Manifest) -> Proof:
    there = count_rows(connection)
    wrong = sorted(name for name in {*there, *manifest.tables} if there.get(name) != manifest.tables.get(name))
    if not wrong:
        return Proof("rows", True, f"{manifest.rows} in {len(there)} tables, as they were counted")
    told = "; ".join(f"{name} {there.get(name)} and not {manifest.tables.get(name)}" for name in wrong[:_TOLD])
    return Proof("rows", False, f"{len(wrong)} tables differ: {told}")


def _heads(connection: Connection, manifest: Manifest) -> Iterator[Proof]:
    there = read_heads(connection)
    for chain, wanted in manifest.heads.items():
        found = there.get(chain, "none")
        words = "as it was noted" if found == wanted else f"and not {wanted}"
        yield Proof(f"head of the {chain} chain", found == wanted, f"{found}, {words}")


def _opens(files: PhotoFiles, path: str) -> bool:
    try:
        return bool(files.read(path))
    except (NoSuchFile, StorageTrouble):  # SpoiledFile and KeyMissing are such; the log names them
        return False
