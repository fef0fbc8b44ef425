"""What a reviewer should look at twice in an appeal. A flag never decides anything."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, one_of

CODES = ("over_price", "odd_item", "brand", "asked_before", "photo_reused")


class Flag(Base):
    """``item``: the budget line or word it is about, or the number of the other appeal. ``usual_fen``: the most that
    is usually paid.
    """

    __tablename__ = "flags"
    id: Mapped[RowId]
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    code: Mapped[str] = mapped_column(String(16))
    item: Mapped[str] = mapped_column(String(60))
    usual_fen: Mapped[int | None]
    at: Mapped[datetime]

    __table_args__ = (one_of("code", CODES), Index("uq_flags_once", "appeal_id", "code", "item", unique=True))
