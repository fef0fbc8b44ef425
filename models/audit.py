"""Who moved what, when and why: written in the transaction of the move itself."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, RowId


class AuditEvent(Base):
    """``actor`` is ``system``, ``user:<id>`` or ``staff:<id>``; ``detail`` is a code or a number, never a story."""

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

    __table_args__ = (Index(None, "subject", "subject_id"),)


def record(
    db: Session, *, at: datetime, actor: str, action: str, subject: str, subject_id: int, detail: str | None = None
) -> None:
    """An event that is no change of state (a command refused, a sensitive field read)."""
    db.add(AuditEvent(at=at, actor=actor, action=action, subject=subject, subject_id=subject_id, detail=detail))
