"""Photos: WeChat keeps them three days, so a row is written at once and a job fetches the picture."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, RowId, one_of

SUBJECTS = ("appeal", "offer", "listing")


class Photo(Base):
    """``path`` is below MEDIA_DIR; state: owed -> kept, or lost when it cannot be had.

    ``gone``: its owner was erased; the file goes next, and then ``path``.
    """

    __tablename__ = "photos"
    id: Mapped[RowId]
    subject: Mapped[str] = mapped_column(String(12))
    subject_id: Mapped[int]
    media_id: Mapped[str] = mapped_column(String(200))
    pic_url: Mapped[str] = mapped_column(String(600))
    path: Mapped[str | None] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(8), default="owed")
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]

    __table_args__ = (
        one_of("subject", SUBJECTS),
        one_of("state", ("gone", "kept", "lost", "owed")),
        Index(None, "subject", "subject_id"),
        Index(
            "ix_photos_owed",
            "created_at",
            sqlite_where=text("state = 'owed'"),
            postgresql_where=text("state = 'owed'"),
        ),
    )


def attach(
    db: Session, subject: str, subject_id: int, pictures: Iterable[Mapping[str, str]] | None, now: datetime
) -> list[int]:
    """Rows for pictures as the Photo reader gives them; returns their ids, for the job that fetches them."""
    rows = [
        Photo(
            subject=subject,
            subject_id=subject_id,
            media_id=picture["media_id"],
            pic_url=picture["pic_url"],
            created_at=now,
        )
        for picture in pictures or ()
    ]
    db.add_all(rows)
    db.flush()
    return [row.id for row in rows]
