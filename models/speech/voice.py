"""Keep a person's voices from when they are sent until their words are accepted, refused or too old.

waiting → listening → heard | aside → (deleted)      with a consent; the words are taken, refused, or expire
listening → (deleted)                                nothing could be heard, and the person is told why

The sound itself is never stored: only WeChat's id of it, until it was heard.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, delete, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.notifications.notification import Notification

STATES = ("waiting", "listening", "heard", "aside")
# How many of one person may wait to be heard: each costs the recogniser a call.
MOST_UNHEARD = 3
# As long as the choices of a push: then what was heard is deleted, unanswered.
VOICE_LASTS = timedelta(hours=48)


class Voice(Base):
    """``screen``: the choices that its question covers, as JSON; they come back with the answer.

    ``waiting``: for the consent. ``heard``: the person is asked whether ``words`` are right. ``aside``: they did
    something else meanwhile, so they ask for the question themselves. ``since``: when they were told that we listen.
    """

    __tablename__ = "voices"
    id: Mapped[RowId]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    media_id: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10))
    words: Mapped[str | None] = mapped_column(Encrypted("voice words"))
    screen: Mapped[str] = mapped_column(Encrypted("voice screen"))
    said_at: Mapped[datetime] = mapped_column(index=True)
    since: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    tried_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", STATES),
        CheckConstraint("(words IS NOT NULL) = (state IN ('heard', 'aside'))", name="words_once_heard"),
        CheckConstraint("(since IS NULL) = (state = 'waiting')", name="since_consent"),
        Index("ix_voices_listening", "since", postgresql_where=text("state = 'listening'")),
    )


def notification_key(voice_id: int) -> str:
    """Return the key of the notification that tells what was heard."""
    return f"voice:{voice_id}"


def keep_voice(
    db: Session, conversation_id: int, media_id: str, screen: str, now: datetime, *, consented: bool
) -> Voice | None:
    """Keep a voice, to be heard at once or after the consent; None while too many of the person's are unheard."""
    unheard = (Voice.conversation_id == conversation_id) & Voice.state.in_(("waiting", "listening"))
    if (db.scalar(select(func.count()).where(unheard)) or 0) >= MOST_UNHEARD:
        return None
    state, since = ("listening", now) if consented else ("waiting", None)
    voice = Voice(
        conversation_id=conversation_id, media_id=media_id, state=state, screen=screen, said_at=now, since=since
    )
    db.add(voice)
    db.flush()
    return voice


def listen_to_waiting(db: Session, conversation_id: int, now: datetime) -> list[int]:
    """Let those that waited for the consent be heard; return their ids."""
    found = voices_of(db, conversation_id, "waiting")
    for voice in found:
        voice.state, voice.since = "listening", now
    db.flush()
    return [voice.id for voice in found]


def voices_of(db: Session, conversation_id: int, *states: str) -> Sequence[Voice]:
    """Return the person's voices in these states, the oldest first."""
    theirs = select(Voice).where(Voice.conversation_id == conversation_id, Voice.state.in_(states))
    return db.scalars(theirs.order_by(Voice.id)).all()


def find_heard(db: Session, conversation_id: int, voice_id: int) -> Voice | None:
    """Return the person's own voice whose words they have not answered yet."""
    voice = db.get(Voice, voice_id)
    return voice if voice and voice.conversation_id == conversation_id and voice.words is not None else None


def ask_again(db: Session, voice: Voice, screen: str) -> None:
    """Note that the question is on the screen, over these choices; the notification that offered it is deleted."""
    voice.state, voice.screen = "heard", screen
    _delete_notifications(db, [voice.id])


def delete_voices(db: Session, voices: Sequence[Voice]) -> None:
    """Delete them with the notifications that hold their words."""
    _delete_notifications(db, [voice.id for voice in voices])
    for voice in voices:
        db.delete(voice)
    db.flush()


def forget_voices(db: Session, conversation_id: int) -> None:
    """Delete all of a person, who is erased or has withdrawn the consent."""
    delete_voices(db, voices_of(db, conversation_id, *STATES))


def delete_old_voices(db: Session, now: datetime, most: int = 500) -> int:
    """Delete what nobody has answered in two days; return how many."""
    old = select(Voice).where(Voice.said_at < now - VOICE_LASTS).order_by(Voice.said_at).limit(most)
    found = db.scalars(old.with_for_update(skip_locked=True)).all()
    delete_voices(db, found)
    return len(found)


def _delete_notifications(db: Session, ids: Sequence[int]) -> None:
    keys = [notification_key(number) for number in ids]
    db.execute(delete(Notification).where(Notification.dedupe_key.in_(keys)))
