"""Ties of staff to people: kin, and those whose money they receive. Nobody decides on those they are tied to."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, one_of
from models.sealing import Sealed

KINDS = ("kin", "payee")


class Tie(Base):
    """Declared by the staff member with the other's ID number, who may not be registered yet."""

    __tablename__ = "ties"
    id: Mapped[RowId]
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    kind: Mapped[str] = mapped_column(String(8))
    id_number: Mapped[str] = mapped_column(Sealed("ties.id_number"))
    id_finder: Mapped[str] = mapped_column(String(64), index=True)
    declared_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("kind", KINDS),
        Index(
            "uq_ties_live",
            "staff_id",
            "kind",
            "id_finder",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )
