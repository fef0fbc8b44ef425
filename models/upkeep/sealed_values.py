"""Find all that is sealed with the data keys, and by which of them."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, LargeBinary, MetaData, Table, func, select, type_coerce

from models.core.encryption import NAME, CannotOpen, Encrypted, keyring
from models.people.conversation import SESSION


class SealedColumn(NamedTuple):
    table: Table
    name: str
    kind: Encrypted

    @property
    def number(self) -> ColumnElement[int]:
        [number] = self.table.primary_key.columns
        return number

    @property
    def stored(self) -> ColumnElement[bytes]:
        """The bytes as they are stored, which need not open."""
        return type_coerce(self.table.c[self.name], LargeBinary)


class Opened(NamedTuple):
    """How many values of how many columns opened. ``lost``: table and number of the row of those that did not."""

    values: int
    columns: int
    lost: list[tuple[str, int]]


def sealed_columns(metadata: MetaData) -> Iterator[SealedColumn]:
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Encrypted):
                yield SealedColumn(table, column.name, column.type)
    # A broken session is kept as stored bytes, which may not open.
    yield SealedColumn(metadata.tables["broken_sessions"], "session", SESSION)


def keys_in_use(connection: Connection, metadata: MetaData, most: int | None = None) -> dict[str, int]:
    """Count the sealed values by the name of their key. ``most``: of each column only so many of the newest rows."""
    found: Counter[str] = Counter()
    for column in sealed_columns(metadata):
        name = func.substring(column.stored, 1, NAME, type_=LargeBinary).label("name")
        heads = select(name).where(column.stored.is_not(None))
        page = (heads.order_by(column.number.desc()).limit(most) if most else heads).subquery()
        for key, count in connection.execute(select(page.c.name, func.count()).group_by(page.c.name)):
            found[bytes(key).hex()] += count
    return dict(found)


def open_sample(connection: Connection, metadata: MetaData, most: int) -> Opened:
    """Open of each sealed column ``most`` of the oldest and of the newest values; but no broken session."""
    values, columns, lost = 0, 0, []
    for column in list(sealed_columns(metadata))[:-1]:
        stored = select(column.number.label("number"), column.stored.label("stored"))
        stored = stored.where(column.stored.is_not(None)).limit(most)
        rows: dict[int, bytes] = {}
        for order in (column.number.asc(), column.number.desc()):
            rows |= {row.number: bytes(row.stored) for row in connection.execute(stored.order_by(order))}
        columns += bool(rows)
        for number, sealed in rows.items():
            try:
                keyring().open(sealed, column.kind.purpose)
                values += 1
            except CannotOpen:
                lost.append((column.table.name, number))
    return Opened(values, columns, lost)
