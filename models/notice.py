"""What we owe somebody to tell. A notice is written in the transaction that causes it; it waits until it is read.

Today a notice is read with the person's next message; the channels that reach
out by themselves build on the same rows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, func, select, text, type_coerce, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, RowId
from models.sealing import Sealed, keyring

_FACTS = Sealed("notices.facts")


class Notice(Base):
    """``template`` is below templates/notices; ``facts`` are what its words need, as JSON."""

    __tablename__ = "notices"
    id: Mapped[RowId]
    dedupe_key: Mapped[str] = mapped_column(String(80), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    template: Mapped[str] = mapped_column(String(40))
    facts: Mapped[str] = mapped_column(_FACTS)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "conversation_id"),
        Index(
            "ix_notices_unread",
            "conversation_id",
            "id",
            sqlite_where=text("read_at IS NULL"),
            postgresql_where=text("read_at IS NULL"),
        ),
    )


@dataclass(frozen=True, slots=True)
class Unread:
    """A notice that waits, as it lies in the database: one that does not open must not keep the others back."""

    id: int
    template: str
    sealed: bytes

    def facts(self) -> dict[str, Any]:
        """Raises CannotOpen."""
        facts: dict[str, Any] = json.loads(keyring().open(bytes(self.sealed), _FACTS.purpose))
        return facts


def tell(db: Session, conversation_id: int, template: str, values: dict[str, Any], key: str, now: datetime) -> None:
    """Owe this notice, once per ``key``. Touches no row of the person's, whose turn may be under way."""
    insert = postgres_insert if db.get_bind().dialect.name == "postgresql" else sqlite_insert
    db.execute(
        insert(Notice)
        .values(
            dedupe_key=key,
            conversation_id=conversation_id,
            template=template,
            facts=json.dumps(values, ensure_ascii=False),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
    )


def find_unread(db: Session, conversation_id: int, most: int = 3) -> list[Unread]:
    """The oldest notices that nobody has read yet."""
    found = db.execute(
        select(Notice.id, Notice.template, type_coerce(Notice.facts, LargeBinary))
        .where(Notice.conversation_id == conversation_id, Notice.read_at.is_(None))
        .order_by(Notice.id)
        .limit(most)
    )
    return [Unread(*row) for row in found]


def count_unread(db: Session, conversation_id: int) -> int:
    unread = select(func.count()).where(Notice.conversation_id == conversation_id, Notice.read_at.is_(None))
    return db.scalar(unread) or 0


def mark_read(db: Session, notices: Sequence[Unread], now: datetime) -> None:
    """The caller holds the conversation's lock."""
    if notices:
        db.execute(update(Notice).where(Notice.id.in_([notice.id for notice in notices])).values(read_at=now))
