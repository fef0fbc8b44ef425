"""What waits for staff: one task per open thing, with who holds it and until when."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, one_of
from models.staff import STAFF_ROLES

SUBJECTS = ("case", "appeal", "revision")
_OPEN = text("closed_at IS NULL")
_POOL = text("closed_at IS NULL AND assignee IS NULL")


class Task(Base):
    """``step`` is what has to be done; ``role`` who holds it now (a level higher once it was overdue).

    ``assignee``: whose queue it stands in; without one it waits for whoever of the role covers the region.
    """

    __tablename__ = "tasks"
    id: Mapped[RowId]
    subject: Mapped[str] = mapped_column(String(12))
    subject_id: Mapped[int]
    step: Mapped[str] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(12))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("households.id"))
    assignee: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    escalations: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    __table_args__ = (
        one_of("subject", SUBJECTS),
        one_of("role", STAFF_ROLES),
        Index("uq_tasks_one_open", "subject", "subject_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_tasks_assignee", "assignee", "due_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_tasks_pool", "role", "region_code", "due_at", sqlite_where=_POOL, postgresql_where=_POOL),
        Index("ix_tasks_due_at", "due_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_tasks_household", "household_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )


class Recusal(Base):
    """Why somebody has no part in a task: own household, kin, same payee, or they decided on it before."""

    __tablename__ = "recusals"
    id: Mapped[RowId]
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    reason: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("task_id", "staff_id"),)
