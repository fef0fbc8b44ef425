"""Keep the audit trail: a hash chain of who changed or read what, when and why, written with the change itself.

Events are collected during a transaction and written at its commit (models.core.at_commit); within seconds they are
links of the chain (models.core.hash_chain).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Index, String, Table, event, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core import at_commit, hash_chain
from models.core.base import Base, RowId, among
from models.core.calendar import start_of_day
from models.core.hash_chain import Chain, Head, Unsealed

# What a link seals: its number in the chain, and its event.
FIELDS = ("number", "at", "actor", "action", "subject", "subject_id", "from_state", "to_state", "detail", "about")

_FORM = "bangfu-audit-1"
_READS = text("about IS NOT NULL")


class AuditEvent(Base):
    """One event. ``actor`` is ``system``, ``user:<id>`` or ``staff:<id>``; ``detail`` a code or a number.

    Of events that were written under the same lock the later has the higher ``id``; there may be gaps. ``about`` is
    the user whose sensitive data was read; no foreign key, because checking one would lock the user's row at the end.
    """

    __tablename__ = "audit_events"
    id: Mapped[RowId]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(40))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]
    from_state: Mapped[str | None] = mapped_column(String(24))
    to_state: Mapped[str | None] = mapped_column(String(24))
    detail: Mapped[str | None] = mapped_column(String(80))
    about: Mapped[int | None]

    __table_args__ = (
        Index(None, "subject", "subject_id"),
        Index("ix_audit_events_about", "about", "id", postgresql_where=_READS),
    )


_EVENTS = cast("Table", AuditEvent.__table__)


class AuditLink(Base):
    """An event's link in the chain; ``number`` counts from 1 without a gap."""

    __tablename__ = "audit_links"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(unique=True)
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Head, Base):
    __tablename__ = "audit_head"


class UnsealedEvent(Unsealed, Base):
    """An event that has no link yet; a trigger writes it with the event."""

    __tablename__ = "audit_unsealed"


def record(
    db: Session,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    subject_id: int,
    detail: str | None = None,
    about: int | None = None,
    from_state: str | None = None,
    to_state: str | None = None,
) -> None:
    """Add an event to the trail when the transaction commits; a rollback, also to a savepoint, drops it.

    Changes of state are recorded by models.core.state_machine. Raises ValueError for a row that has no id yet.
    """
    if subject_id is None:
        raise ValueError("an event about something that was never flushed")
    values = {
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "subject_id": subject_id,
        "from_state": from_state,
        "to_state": to_state,
        "detail": detail,
        "about": about,
    }
    at_commit.put(db.connection(), _EVENTS, values)


def record_reading(
    db: Session, *, at: datetime, actor: str, subject: str, subject_id: int, purpose: str, about: int | None = None
) -> None:
    """Record that sensitive data was read. ``about``: the user whose access log shows it; None: no user's."""
    record(
        db,
        at=at,
        actor=actor,
        action="read_sensitive",
        subject=subject,
        subject_id=subject_id,
        detail=purpose,
        about=about,
    )


def tries_today(db: Session, purpose: str, numbers: Collection[int], now: datetime) -> int:
    """Count recorded tries of a code or an ID number since midnight in China, to limit guessing.

    ``purpose``: the events' subject; ``numbers``: the conversations that tried, or the seat.
    """
    tried = (AuditEvent.subject == purpose) & AuditEvent.subject_id.in_(numbers)
    tried &= AuditEvent.at >= start_of_day(now)
    return db.scalar(select(func.count()).where(tried)) or 0


def link_hash(before: str, link: Mapping[Any, Any]) -> str:
    """Compute a link's hash over the previous hash and all FIELDS."""
    values = [link[name] for name in FIELDS]
    values[1] = hash_chain.microseconds(link["at"])
    return hash_chain.digest(_FORM, before, values)


def _read(connection: Connection, ids: Sequence[int], first: int) -> dict[int, hash_chain.Values]:
    rows = connection.execute(select(_EVENTS).where(among(AuditEvent.id, ids)).order_by(AuditEvent.id))
    return {row.id: {**row._mapping, "number": number} for number, row in enumerate(rows, first)}


AUDIT = Chain("audit", AuditHead, AuditLink, UnsealedEvent, "event_id", _read, link_hash)


@event.listens_for(AuditEvent, "before_insert")
@event.listens_for(AuditLink, "before_insert")
def _refuse(*_: object) -> None:
    raise TypeError("record() and the sealer write the audit trail, and nothing else does")
