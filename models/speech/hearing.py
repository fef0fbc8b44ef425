"""Pass voices to the workers: one claims a voice, hears it outside of any transaction, and records what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update
from sqlalchemy.orm import Session

from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.people.own_account import with_own_account
from models.speech.voice import Voice, notification_key

# A worker that has not said what came of it by then counts as dead: its time limit is shorter.
CLAIM_LASTS = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class ClaimedVoice:
    id: int
    conversation_id: int
    media_id: str
    tries: int
    since: datetime


def claim_voice(db: Session, voice_id: int, now: datetime) -> ClaimedVoice | None:
    """Claim a voice and count the try; None if it is no longer to be heard, or another worker is at it."""
    free = Voice.tried_at.is_(None) | (Voice.tried_at < now - CLAIM_LASTS)
    claimed = (
        update(Voice)
        .where(Voice.id == voice_id, Voice.state == "listening", free, with_own_account(db, Voice.conversation_id))
        .values(tries=Voice.tries + 1, tried_at=now)
        .returning(Voice.id, Voice.conversation_id, Voice.media_id, Voice.tries, Voice.since)
    )
    row = db.execute(claimed).one_or_none()
    return ClaimedVoice(*row[:4], row[4] or now) if row else None


def release_voice(db: Session, voice_id: int) -> None:
    """Let the next try claim it at once: this one has ended."""
    db.execute(update(Voice).where(Voice.id == voice_id, Voice.state == "listening").values(tried_at=None))


def record_heard(
    db: Session, voice_id: int, words: str, now: datetime, call: Mapping[str, str], *, county: bool = False
) -> bool:
    """Keep the words, and ask the person whether they are right. False if the voice was deleted meanwhile.

    ``call``: telephone numbers to show at once, before any answer, where the words speak of a danger; ``county``: the
    caller opens an urgent ticket.

    If the person has done something since they were told that we listen, the question must not take the place of what
    they look at now: they are told the word that brings it.
    """
    found = _lock(db, voice_id)
    if found is None:
        return False
    voice, touched_at = found
    assert voice.since is not None  # noqa: S101 - a constraint
    aside = touched_at > voice.since
    voice.state, voice.words, voice.media_id = "aside" if aside else "heard", words, ""
    facts = {"voice": voice.id, "words": words, "since": voice.since.timestamp(), "call": dict(call), "county": county}
    kind = "voice_aside" if aside else "voice_heard"
    notify(db, voice.conversation_id, kind, facts, notification_key(voice.id), now)
    return True


def record_unheard(db: Session, voice_id: int, why: str, now: datetime) -> bool:
    """Tell the person why nothing was heard, and forget the voice. False if it was deleted meanwhile."""
    found = _lock(db, voice_id)
    if found is None:
        return False
    voice, _ = found
    notify(db, voice.conversation_id, "voice_unheard", {"why": why}, f"unheard:{voice.id}", now)
    db.delete(voice)
    return True


def _lock(db: Session, voice_id: int) -> tuple[Voice, datetime] | None:
    """Lock the conversation, as the person's turns do, and then the voice; return it and when the person last acted.

    A turn that is under way ends first, so what the person sends meanwhile is not missed.
    """
    owner = db.scalar(select(Voice.conversation_id).where(Voice.id == voice_id))
    touched = select(Conversation.touched_at).where(Conversation.id == owner).with_for_update(key_share=True)
    touched_at = db.scalar(touched)
    voice = db.scalar(select(Voice).where(Voice.id == voice_id, Voice.state == "listening").with_for_update())
    return (voice, touched_at) if voice and touched_at else None


def owed_voices(connection: Connection, now: datetime, most: int) -> list[int]:
    """List voices that nobody has been at for a while: Redis or a killed worker may have lost the job."""
    waited = func.coalesce(Voice.tried_at, Voice.since) < now - CLAIM_LASTS
    ours = with_own_account(connection, Voice.conversation_id)
    owed = select(Voice.id).where(Voice.state == "listening", waited, ours).order_by(Voice.id).limit(most)
    return list(connection.scalars(owed))
