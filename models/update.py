"""What has become of an appeal, told by its owner and published to those who gave."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, one_of

STATES = ("submitted", "published", "returned", "withdrawn")


class Update(Base):
    """``words`` are public once published; the pictures are photos with the subject ``update``."""

    __tablename__ = "updates"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    words: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="submitted", server_default="submitted")
    created_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]

    __table_args__ = (one_of("state", STATES), Index("ix_updates_appeal_id_id", "appeal_id", "id"))
