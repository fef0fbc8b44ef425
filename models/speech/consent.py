"""Keep a person's consent to have their voices recognised: it names the recogniser, and may be withdrawn.

It belongs to the conversation, since a newcomer may speak before registering.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, delete, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId

WORDING = 1
"""The version of what the person agreed to: raised when templates/replies/speech/consent.txt promises other things."""


class SpeechConsent(Base):
    """``recogniser``: the name that was shown. At most one of a conversation is live."""

    __tablename__ = "speech_consents"
    id: Mapped[RowId]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    recogniser: Mapped[str] = mapped_column(String(120))
    version: Mapped[int]
    granted_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_speech_consents_live", "conversation_id", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
    )


def has_consented(db: Session, conversation_id: int, recogniser: str) -> bool:
    """Tell whether the person's voices may go to this recogniser; to another one they have not agreed."""
    live = select(SpeechConsent.id).where(
        SpeechConsent.conversation_id == conversation_id,
        SpeechConsent.withdrawn_at.is_(None),
        SpeechConsent.recogniser == recogniser,
        SpeechConsent.version == WORDING,
    )
    return db.scalar(live) is not None


def grant(db: Session, conversation_id: int, recogniser: str, now: datetime) -> None:
    """Record a consent in the place of an earlier one. The caller holds the conversation's lock."""
    withdraw(db, conversation_id, now)
    db.add(SpeechConsent(conversation_id=conversation_id, recogniser=recogniser, version=WORDING, granted_at=now))
    db.flush()


def withdraw(db: Session, conversation_id: int, now: datetime) -> None:
    live = (SpeechConsent.conversation_id == conversation_id) & SpeechConsent.withdrawn_at.is_(None)
    db.execute(update(SpeechConsent).where(live).values(withdrawn_at=now))


def forget_consents(db: Session, conversation_id: int) -> None:
    """Delete them, when the person is erased."""
    db.execute(delete(SpeechConsent).where(SpeechConsent.conversation_id == conversation_id))
