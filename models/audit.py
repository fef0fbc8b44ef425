"""Who moved what, when and why, and who read what: one chain of links, sealed in the transaction of the thing itself.

Events wait until their transaction commits (models.chain). Only then is the
head of the chain locked, after every other lock: so nobody waits for it who
has nothing to tell, and nobody holds it while waiting for something else.
"""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Connection,
    Engine,
    Index,
    SmallInteger,
    String,
    event,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import chain
from models.base import Base

_READS = text("about IS NOT NULL")


class AuditEvent(Base):
    """``actor`` is ``system``, ``user:<id>`` or ``staff:<id>``; ``detail`` is a code or a number, never a story.

    ``id`` is the place in the chain, from 1 on without a gap. ``about`` is the user whose sensitive data was read;
    no foreign key, because checking one would lock their row after the head.
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
        Index("ix_audit_events_about", "about", "id", sqlite_where=_READS, postgresql_where=_READS),
    )


class AuditHead(Base):
    """The one row that says how long the chain is and what its last link's hash is; it only ever grows."""

    __tablename__ = "audit_head"
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    length: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (CheckConstraint("id = 1", name="one_head"),)


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
    """Seal this when the transaction commits; a rollback, also to a savepoint, takes it back.

    Moves of a thing's state come through models.machine. Raises ValueError for a thing that has no number yet.
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
    chain.put(db.connection(), values)


@event.listens_for(Engine, "commit")
def _seal(connection: Connection) -> None:
    """Number what waits, chain it to the head, and move the head on."""
    links = chain.take(connection)
    if not links:
        return
    length, before = connection.execute(select(AuditHead.length, AuditHead.hash).with_for_update()).one()
    for number, link in enumerate(links, length + 1):
        link["id"] = number
        link["hash"] = before = chain.link_hash(before, link)
    connection.execute(insert(AuditEvent), links)
    connection.execute(update(AuditHead).values(length=length + len(links), hash=before))


@event.listens_for(AuditEvent, "before_insert")
def _refuse(*_: object) -> None:
    raise TypeError("record() writes the audit trail, and nothing else does")
