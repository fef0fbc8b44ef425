"""A change to an appeal after it was published: it waits beside what everybody sees until somebody has read it."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, one_of


class Revision(Base):
    """``title`` and ``story`` as they would become; what was asked for (sum, deadline, kind) never changes."""

    __tablename__ = "revisions"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), index=True)
    title: Mapped[str] = mapped_column(String(60))
    story: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12), default="submitted")
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", ("submitted", "approved", "rejected")),
        Index(
            "uq_revisions_one_open",
            "appeal_id",
            unique=True,
            sqlite_where=text("state = 'submitted'"),
            postgresql_where=text("state = 'submitted'"),
        ),
    )
