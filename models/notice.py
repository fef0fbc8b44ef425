"""What we owe somebody to tell. A notice is written in the transaction that causes it; it waits until it is read.

Today a notice is read with the person's next message; the channels that reach
out by themselves build on the same rows.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, RowId
from models.conversation import Conversation
from models.sealing import Sealed


class Notice(Base):
    """``template`` is below templates/notices; ``facts`` are what its words need, as JSON."""

    __tablename__ = "notices"
    id: Mapped[RowId]
    dedupe_key: Mapped[str] = mapped_column(String(80), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    template: Mapped[str] = mapped_column(String(40))
    facts: Mapped[str] = mapped_column(Sealed("notices.facts"))
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "ix_notices_unread",
            "conversation_id",
            "id",
            sqlite_where=text("read_at IS NULL"),
            postgresql_where=text("read_at IS NULL"),
        ),
    )


def tell(db: Session, conversation_id: int, template: str, values: dict[str, Any], key: str, now: datetime) -> None:
    """Owe this notice, once per ``key``."""
    insert = postgres_insert if db.get_bind().dialect.name == "postgresql" else sqlite_insert
    written = db.execute(
        insert(Notice)
        .values(
            dedupe_key=key,
            conversation_id=conversation_id,
            template=template,
            facts=json.dumps(values, ensure_ascii=False),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Notice.id)
    ).first()
    if written:
        db.execute(
            update(Conversation).where(Conversation.id == conversation_id).values(unread=Conversation.unread + 1)
        )


def find_unread(db: Session, conversation_id: int, most: int = 3) -> list[Notice]:
    """The oldest notices that nobody has read yet."""
    return list(
        db.scalars(
            select(Notice)
            .where(Notice.conversation_id == conversation_id, Notice.read_at.is_(None))
            .order_by(Notice.id)
            .limit(most)
        )
    )


def mark_read(db: Session, notices: Sequence[Notice], now: datetime) -> None:
    """The caller holds the conversation's lock and lowers its count."""
    for notice in notices:
        notice.read_at = now
    db.flush()
