"""Keep the jobs that failed as often as they may, until an operator settles them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Index, SmallInteger, String, Text, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId


class DeadJob(Base):
    """A job that failed too often. ``argument``: JSON of row ids.

    ``error``: the exception's type and where it arose, never its message."""

    __tablename__ = "dead_jobs"
    id: Mapped[RowId]
    name: Mapped[str] = mapped_column(String(40))
    argument: Mapped[str] = mapped_column(Text)
    error: Mapped[str] = mapped_column(String(200))
    tries: Mapped[int] = mapped_column(SmallInteger)
    died_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "ix_dead_jobs_open",
            "id",
            postgresql_where=text("settled_at IS NULL"),
        ),
    )


def open_dead(db: Session) -> Sequence[DeadJob]:
    """List the dead jobs that are not settled, the oldest first."""
    return db.scalars(select(DeadJob).where(DeadJob.settled_at.is_(None)).order_by(DeadJob.id)).all()


def count_open(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(DeadJob).where(DeadJob.settled_at.is_(None))) or 0
