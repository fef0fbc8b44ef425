"""Rotate the data key: encrypt every value anew under the newest key, and make every lookup hash anew."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Engine, LargeBinary, MetaData, Table, func, select, type_coerce, update
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent, record
from models.core.encryption import CannotOpen, Encrypted, keyring
from models.upkeep.sealed_values import sealed_columns

log = structlog.get_logger()

_BATCH = 500
# In the audit trail: subject, with the key's name read as a number, and action.
_SUBJECT, _ACTION = "data_key", "keys_rotated"


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did. ``lost``: values that no key opens; they stay unchanged, and the log names their rows."""

    sealed_anew: int = 0
    lost: int = 0

    def __add__(self, other: "Rotated") -> "Rotated":
        return Rotated(self.sealed_anew + other.sealed_anew, self.lost + other.lost)


def rotate(database: Engine, metadata: MetaData) -> Rotated:
    """Encrypt all encrypted columns of ``metadata`` anew, batch by batch.

    Each batch is locked in a transaction of its own, so the rotation can be stopped and run again.
    """
    return sum((_rotate_column(database, *column) for column in sealed_columns(metadata)), Rotated())


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


def note_rotation(db: Session, now: datetime) -> None:
    """Put into the trail, once, that everything is sealed with the newest key."""
    name = keyring().names[0]
    if last_rotation(db, name) is None:
        record(db, at=now, actor="system", action=_ACTION, subject=_SUBJECT, subject_id=int(name, 16), detail=name)


def last_rotation(db: Session, name: str) -> datetime | None:
    """Return when everything was sealed with this key; None where no rotation made it the only one."""
    event = AuditEvent
    noted = (event.subject == _SUBJECT) & (event.subject_id == int(name, 16)) & (event.action == _ACTION)
    return db.scalar(select(func.min(event.at)).where(noted))
