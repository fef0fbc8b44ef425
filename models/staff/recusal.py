"""Keep recusals: which officers may not do a task, and why."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId
from models.core.hooks import Registry
from models.staff.member import Staff, all_seats_of

# Reason -> a function that, given a subject, number and household, returns who may not decide (staff id -> reason).
CONFLICTS: Registry[Callable[[Session, str, int, int | None], Mapping[int, str]]] = Registry(
    "staff.recusal.CONFLICTS", ("acted_for", "concerned", "other_household", "organisation", "campaign")
)


class Recusal(Base):
    """Why an officer may not do a task: own household, kin, same payee, or a decision on it before."""

    __tablename__ = "recusals"
    id: Mapped[RowId]
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    reason: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("task_id", "staff_id"),)


def recusal_reason(db: Session, task_id: int, staff: Staff) -> str | None:
    """Return the first reason for which this person, in any seat, is recused from the task; None without."""
    theirs = Recusal.staff_id.in_(all_seats_of(db, [staff.id]))
    return db.scalar(select(Recusal.reason).where(Recusal.task_id == task_id, theirs).order_by(Recusal.id).limit(1))


def recused_staff(db: Session, task_id: int) -> set[int]:
    """Return every seat of the persons who are recused from the task."""
    return all_seats_of(db, db.scalars(select(Recusal.staff_id).where(Recusal.task_id == task_id)))
