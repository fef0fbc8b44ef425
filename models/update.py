"""What has become of an appeal, told by its owner and published to those who gave."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, RowId, one_of
from models.machine import By, Machine

_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})

MACHINE = Machine(
    "update",
    {
        ("submitted", "published"): _OFFICER,
        ("submitted", "returned"): _OFFICER,
        # Its owner has written another one, or is no longer there.
        ("submitted", "withdrawn"): frozenset({By.OWNER, By.SYSTEM}),
    },
)


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

    __table_args__ = (one_of("state", MACHINE.states), Index("ix_updates_appeal_id_id", "appeal_id", "id"))


def update_waiting(db: Session, appeal_id: int) -> Update | None:
    """The one that nobody has decided on yet."""
    return db.scalar(select(Update).where(Update.appeal_id == appeal_id, Update.state == "submitted"))
