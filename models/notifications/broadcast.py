"""One notice to many people: to all who gave to an appeal, to all donors of a province.

planning → sending → done; planning, sending → stopped. The people are walked by their numbers, a page in
each transaction; ``cursor`` is how far the walk has come, so it can be taken up anywhere.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted

_STOPPED = text("state = 'stopped'")

STATES = ("planning", "sending", "done", "stopped")
AUDIENCES = ("backers", "donors_of")


class Broadcast(Base):
    """``audience_of``: the appeal's number, or the province's code. ``planned``: how many notices it has written.

    ``facts`` are those of every notice of it, ``subject`` and ``subject_id`` what they are about. ``by``: the seat of
    who began it. ``cursor``: the user up to whom the audience has been walked.
    """

    __tablename__ = "broadcasts"
    id: Mapped[RowId]
    dedupe_key: Mapped[str] = mapped_column(String(80), unique=True)
    template: Mapped[str] = mapped_column(String(40))
    facts: Mapped[str] = mapped_column(Encrypted("broadcast facts"))
    subject: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[int]
    audience: Mapped[str] = mapped_column(String(12))
    audience_of: Mapped[str] = mapped_column(String(20))
    by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="planning", server_default="planning")
    cursor: Mapped[int] = mapped_column(default=0, server_default="0")
    planned: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", STATES),
        one_of("audience", AUDIENCES),
        Index(
            "ix_broadcasts_live",
            "id",
            postgresql_where=text("state IN ('planning', 'sending')"),
        ),
        Index("ix_broadcasts_stopped", "ended_at", postgresql_where=_STOPPED),
        Index("ix_broadcasts_subject", "subject", "subject_id", "id"),
    )
