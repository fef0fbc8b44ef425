"""Keep the audit trail: a hash chain of who changed or read what, when and why, written with the change itself.

Events are collected during a transaction and become links of the chain at its commit (models.core.hash_chain).
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Index, String, event, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core import hash_chain
from models.core.base import Base
from models.core.calendar import start_of_day
from models.core.hash_chain import Head

FIELDS = ("id", "at", "actor", "action", "subject", "subject_id", "from_state", "to_state", "detail", "about")

_FORM = "bangfu-audit-1"
_CHAIN = "audit"
_READS = text("about IS NOT NULL")


class AuditEvent(Base):
    """One link of the trail. ``actor`` is ``system``, ``user:<id>`` or ``staff:<id>``; ``detail`` a code or a number.

    ``id`` is the place in the chain, from 1 on without a gap. ``about`` is the user whose sensitive data was read;
    no foreign key, because checking one would lock the user's row after the head.
    """

    __tablename__ = "audit_events"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(40))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]
    from_state: Mapped[str | None] = mapped_column(String(24))
    to_state: Mapped[str | None] = mapped_column(String(24))
    detail: Mapped[str | None] = mapped_column(String(80))
    about: Mapped[int | None]
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        Index(None, "subject", "subject_id"),
        Index("ix_audit_events_about", "about", "id", postgresql_where=_READS),
    )


class AuditHead(Head, Base):
    __tablename__ = "audit_head"


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
    hash_chain.put(db.connection(), _CHAIN, values)


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


def seal(connection: Connection, links: list[hash_chain.Values]) -> None:
    hash_chain.extend(connection, AuditHead, AuditEvent, links, number="id", link_hash=link_hash)


@event.listens_for(AuditEvent, "before_insert")
def _refuse(*_: object) -> None:
    raise TypeError("record() writes the audit trail, and nothing else does")
