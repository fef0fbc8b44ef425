"""Keep the topics (models.notifications.kinds) that a person has turned off, altogether or for one thing."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base


class Mute(Base):
    """``subject_id`` is the row id of the one thing that is turned off; 0 for the whole topic."""

    __tablename__ = "mutes"
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(20), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]


def mute(db: Session, conversation_id: int, topic: str, now: datetime, subject_id: int = 0) -> None:
    """Turn a topic off, for one thing or (``subject_id`` 0) altogether; again changes nothing."""
    values = {"conversation_id": conversation_id, "topic": topic, "subject_id": subject_id, "at": now}
    db.execute(insert(Mute).values(**values).on_conflict_do_nothing())


def unmute(db: Session, conversation_id: int, topic: str, subject_id: int = 0) -> None:
    """Turn a topic on again: altogether (0), where things turned off one by one stay off, or for one thing."""
    this = (Mute.topic == topic) & (Mute.subject_id == subject_id)
    db.execute(delete(Mute).where(Mute.conversation_id == conversation_id, this))


def muted_topics(db: Session, conversation_id: int) -> set[str]:
    """Return the topics that are turned off altogether."""
    theirs = (Mute.conversation_id == conversation_id) & (Mute.subject_id == 0)
    return set(db.scalars(select(Mute.topic).where(theirs)))
