"""Who decided what, and why: kept for the trail, for the three-people rule, and for honest figures."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, one_of

VERDICTS = ("pass", "return", "reject", "uphold", "dismiss", "freeze", "resume", "revoke")


class Decision(Base):
    """``reasons`` are codes of config/choices.toml with commas between. ``round`` counts how often it was handed in.

    One person passes one thing once per round: the database holds that no two stages are passed by one person.
    """

    __tablename__ = "decisions"
    id: Mapped[RowId]
    subject: Mapped[str] = mapped_column(String(12))
    subject_id: Mapped[int]
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    role: Mapped[str] = mapped_column(String(12))
    verdict: Mapped[str] = mapped_column(String(8))
    reasons: Mapped[str | None] = mapped_column(String(200))
    overturned_by: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))
    at: Mapped[datetime]

    __table_args__ = (
        one_of("verdict", VERDICTS),
        Index("ix_decisions_subject", "subject", "subject_id"),
        Index("ix_decisions_region_code_at", "region_code", "at"),
        Index(
            "uq_decisions_one_pass",
            "subject",
            "subject_id",
            "round",
            "staff_id",
            unique=True,
            sqlite_where=text("verdict = 'pass'"),
            postgresql_where=text("verdict = 'pass'"),
        ),
    )
