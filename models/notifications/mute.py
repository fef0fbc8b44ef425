"""What a person does not want to be told of any more: a topic (models.notifications.kinds), for good or about one
thing."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base


class Mute(Base):
    """``subject_id`` is the row of the one thing that is meant; 0 for everything of the topic."""

    __tablename__ = "mutes"
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(20), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]


def mute(db: Session, conversation_id: int, topic: str, now: datetime, subject_id: int = 0) -> None:
    """Twice is once."""
    values = {"conversation_id": conversation_id, "topic": topic, "subject_id": subject_id, "at": now}
    db.execute(insert(Mute).values(**values).on_conflict_do_nothing())


def unmute(db: Session, conversation_id: int, topic: str, subject_id: int = 0) -> None:
    """The topic again, but for the things that were turned off one by one; or what there is of this one thing."""
    this = (Mute.topic == topic) & (Mute.subject_id == subject_id)
    db.execute(delete(Mute).where(Mute.conversation_id == conversation_id, this))


def muted_topics(db: Session, conversation_id: int) -> set[str]:
    """What is turned off for good."""
    theirs = (Mute.conversation_id == conversation_id) & (Mute.subject_id == 0)
    return set(db.scalars(select(Mute.topic).where(theirs)))
