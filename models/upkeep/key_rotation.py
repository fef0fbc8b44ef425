"""Rotate the data key: encrypt every value anew under the newest key, and make every lookup hash anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Engine, LargeBinary, MetaData, Table, select, type_coerce, update

from models.core.encryption import CannotOpen, Encrypted, keyring
from models.people.conversation import SESSION

log = structlog.get_logger()

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did. ``lost``: values that no key opens; they stay unchanged, and the log names their rows."""

    sealed_anew: int = 0
    lost: int = 0

    def __add__(self, other: "Rotated") -> "Rotated":
        return Rotated(self.sealed_anew + other.sealed_anew, self.lost + other.lost)


def _sealed_columns(metadata: MetaData) -> Iterator[tuple[Table, str, Encrypted]]:
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Encrypted):
                yield table, column.name, column.type
    # A broken session is kept as stored bytes, which may not open.
    yield metadata.tables["broken_sessions"], "session", SESSION


def rotate(database: Engine, metadata: MetaData) -> Rotated:
    """Encrypt all encrypted columns of ``metadata`` anew, batch by batch.

    Each batch is locked in a transaction of its own, so the rotation can be stopped and run again.
    """
    return sum((_rotate_column(database, *column) for column in _sealed_columns(metadata)), Rotated())


def _rotate_column(database: Engine, table: Table, name: str, kind: Encrypted) -> Rotated:
    ring, last, count, lost = keyring(), 0, 0, 0
    [number] = table.primary_key.columns
    stored = type_coerce(table.c[name], LargeBinary).label("stored")
    page = select(number.label("number"), stored).where(stored.is_not(None)).order_by(number).limit(_BATCH)
    while True:
        with database.begin() as connection:
            rows = connection.execute(page.where(number > last).with_for_update()).all()
            for row in rows:
                last = row.number
                if ring.is_newest(bytes(row.stored)):
                    continue
                try:
                    plain = ring.open(bytes(row.stored), kind.purpose)
                except CannotOpen:
                    log.error("rotation.cannot_open", table=table.name, row=row.number)
                    lost += 1
                    continue
                values: dict[str, Any] = {name: type_coerce(ring.seal(plain, kind.purpose), LargeBinary)}
                if kind.lookup:
                    values[kind.lookup.column] = ring.lookup_hashes(plain, kind.lookup.purpose)[0]
                connection.execute(update(table).where(number == row.number).values(values))
                count += 1
        if len(rows) < _BATCH:
            return Rotated(count, lost)
