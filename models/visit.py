"""An officer's visit to a household: where, what was seen, and how its income was judged."""

from datetime import datetime

from sqlalchemy import ForeignKey, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId
from models.sealing import Sealed


class Visit(Base):
    """``place`` and ``assessment`` are JSON; ``score`` is what the assessment adds up to (config/assessment.toml).

    ``supports``: the officer found the household in need. ``flags``: codes of what the township should look at, with
    commas between.
    """

    __tablename__ = "visits"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    verification_id: Mapped[int] = mapped_column(ForeignKey("verifications.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]
    place: Mapped[str] = mapped_column(Sealed("visits.place"))
    assessment: Mapped[str] = mapped_column(Sealed("visits.assessment"))
    findings: Mapped[str] = mapped_column(Sealed("visits.findings"))
    score: Mapped[int] = mapped_column(SmallInteger)
    supports: Mapped[bool]
    flags: Mapped[str | None] = mapped_column(String(120))
