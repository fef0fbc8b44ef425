"""Load a file of the registry into the database, batch by batch. Each batch is kept, and repeating is harmless."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice

from sqlalchemy import Connection, Engine, select

from bot.registry.csv_file import Fields
from bot.registry.rows import Entry, read_row
from bot.registry.store import days_known, write
from models.core.calendar import CHINA
from models.core.encryption import keyring
from models.places.region import Region

# Rows of one transaction: others wait for some tens of milliseconds at most.
BATCH = 2_000

Rows = Iterable[tuple[int, Fields | str]]


@dataclass
class Counts:
    """Rows by result. ``unchanged``: the database, or an earlier row of the file, is as new or newer."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    bad: Counter[str] = field(default_factory=Counter)

    @property
    def good(self) -> int:
        return self.added + self.updated + self.unchanged


class Load:
    """One run. ``on_bad`` gets the number and the reason of each bad row, in order; ``after`` is called per batch.

    ``dry``: nothing is written, and good rows count as unchanged.
    """

    def __init__(
        self,
        database: Engine,
        now: datetime,
        *,
        on_bad: Callable[[int, str], None],
        after: Callable[[], None],
        dry: bool = False,
        size: int = BATCH,
    ) -> None:
        self._database, self._now, self._today = database, now, now.astimezone(CHINA).date()
        self._on_bad, self._after, self._dry, self._size = on_bad, after, dry, size
        self._regions: set[str] = set()
        self.counts = Counts()

    def run(self, rows: Rows) -> Counts:
        with self._database.connect() as connection:
            for batch in _batches(rows, self._size):
                self._take(connection, batch)
                self._after()
        return self.counts

    def _take(self, connection: Connection, batch: list[tuple[int, Fields | str]]) -> None:
        read = [
            (number, read_row(found, self._today) if isinstance(found, tuple) else found) for number, found in batch
        ]
        self._learn_regions(connection, {each.region_code for _, each in read if isinstance(each, Entry)})
        entries = []
        for number, each in read:
            if isinstance(each, Entry) and each.region_code in self._regions:
                entries.append(each)
                continue
            reason = each if isinstance(each, str) else "region_unknown"
            self.counts.bad[reason] += 1
            self._on_bad(number, reason)
        if self._dry:
            self.counts.unchanged += len(entries)
        elif entries:
            self._keep(connection, entries)

    def _learn_regions(self, connection: Connection, codes: set[str]) -> None:
        if unknown := codes - self._regions:
            with connection.begin():
                self._regions.update(connection.scalars(select(Region.code).where(Region.code.in_(unknown))))

    def _keep(self, connection: Connection, entries: list[Entry]) -> None:
        ring = keyring()
        hashes = [ring.lookup_hashes(entry.id_number, "id_number") for entry in entries]
        with connection.begin():
            known = days_known(connection, hashes)
        counts, newer = self._sorted_out(entries, [each[0] for each in hashes], known)
        if newer:
            with connection.begin():
                write(connection, newer, self._now)
        # After the commit, so that rolled-back rows are not counted.
        self.counts.added += counts.added
        self.counts.updated += counts.updated
        self.counts.unchanged += counts.unchanged

    @staticmethod
    def _sorted_out(entries: list[Entry], hashes: list[str], known: dict[str, date]) -> tuple[Counts, dict[str, Entry]]:
        """Count the entries and return those to write, as if they were written one after the other."""
        counts, newer = Counts(), {}
        for hashed, entry in zip(hashes, entries, strict=True):
            before = known.get(hashed)
            if before is not None and entry.as_of <= before:
                counts.unchanged += 1
                continue
            if before is None:
                counts.added += 1
            else:
                counts.updated += 1
            known[hashed], newer[hashed] = entry.as_of, entry
        return counts, newer


def _batches(rows: Rows, size: int) -> Iterator[list[tuple[int, Fields | str]]]:
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch
