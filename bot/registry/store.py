"""Write entries of the registry by COPY; of two for one person, the newer day wins."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from psycopg import sql
from sqlalchemy import ARRAY, Connection, String, any_, bindparam, exists, literal, select, update
from sqlalchemy.orm import aliased

from bot.registry.rows import Entry
from models.core.encryption import keyring, purpose_of
from models.verification.registry import RegistryEntry

_COLUMNS = ("id_hash", "id_number", "name", "region_code", "status", "source", "as_of", "imported_at")
_TYPES = ("text", "bytea", "bytea", "text", "text", "text", "date", "timestamptz")
_LIST = ", ".join(_COLUMNS)
_NEWER = ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS[1:])

_TABLE = f"CREATE TEMPORARY TABLE IF NOT EXISTS incoming ON COMMIT DELETE ROWS AS SELECT {_LIST} FROM registry_entries WITH NO DATA"  # noqa: S608, E501
_COPY = sql.SQL(f"COPY incoming ({_LIST}) FROM STDIN (FORMAT BINARY)")
# In the order of the key, so that two imports at once do not deadlock.
_MERGE = (
    f"INSERT INTO registry_entries ({_LIST}) SELECT {_LIST} FROM incoming ORDER BY id_hash "  # noqa: S608
    f"ON CONFLICT (id_hash) DO UPDATE SET {_NEWER} WHERE excluded.as_of > registry_entries.as_of"
)


def days_known(connection: Connection, hashes: Sequence[Sequence[str]]) -> dict[str, date]:
    """Return the day of each person's entry, by hash under the newest key. ``hashes``: each person's, newest key first.

    Entries under an older key are updated to the newest, or the person would get a second entry.
    """
    newest = {hashed: theirs[0] for theirs in hashes for hashed in theirs}
    # As one array: thousands of parameters cost more than the search.
    everybody = any_(literal(list(newest), ARRAY(String)))
    wanted = select(RegistryEntry.id_hash, RegistryEntry.as_of).where(RegistryEntry.id_hash == everybody)
    known: dict[str, date] = {}
    older = []
    for hashed, as_of in connection.execute(wanted):
        if hashed != newest[hashed]:
            older.append({"old": hashed, "new": newest[hashed]})
        known[newest[hashed]] = max(as_of, known.get(newest[hashed], as_of))
    if older:
        another = aliased(RegistryEntry)
        taken = exists(select(another.id).where(another.id_hash == bindparam("new")))
        moved = update(RegistryEntry).where(RegistryEntry.id_hash == bindparam("old"), ~taken)
        connection.execute(moved.values(id_hash=bindparam("new")), older)
    return known


def write(connection: Connection, entries: Mapping[str, Entry], now: datetime) -> None:
    """Insert or update ``entries``, which are keyed by hash under the newest key."""
    ring = keyring()
    connection.exec_driver_sql(_TABLE)
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - an open connection has one
    with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for hashed, entry in entries.items():
            number = ring.seal(entry.id_number, purpose_of(RegistryEntry.id_number))
            name = ring.seal(entry.name, purpose_of(RegistryEntry.name))
            place = (entry.region_code, entry.status, entry.source, entry.as_of)
            copy.write_row((hashed, number, name, *place, now))
    connection.exec_driver_sql(_MERGE)
