"""What somebody says against a case while it stands on public notice."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, one_of
from models.sealing import Sealed


class Objection(Base):
    """Who objects is known to the township alone."""

    __tablename__ = "objections"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    verification_id: Mapped[int] = mapped_column(ForeignKey("verifications.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    words: Mapped[str] = mapped_column(Sealed("objections.words"))
    state: Mapped[str] = mapped_column(String(12), default="open")
    at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", ("open", "upheld", "dismissed")),
        Index(
            "uq_objections_one_open",
            "verification_id",
            "conversation_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )
