"""List what a person has agreed to, one purpose at a time, with the version of the wording and the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.people.user import PURPOSES, Consent
from models.speech.consent import SpeechConsent

VOICE = "voice"


@dataclass(frozen=True, slots=True)
class Given:
    """A consent. ``purpose``: one of models.people.user.PURPOSES, or ``voice``, to whom (``recogniser``)."""

    purpose: str
    version: int
    granted_at: datetime
    withdrawn_at: datetime | None
    recogniser: str = ""


def consents_of(db: Session, user_id: int, conversation_id: int) -> Sequence[Given]:
    """List the newest consent to each purpose, in the order of the purposes."""
    theirs = select(Consent).where(Consent.user_id == user_id).order_by(Consent.version, Consent.id)
    newest = {
        one.purpose: Given(one.purpose, one.version, one.granted_at, one.withdrawn_at) for one in db.scalars(theirs)
    }
    spoken = select(SpeechConsent).where(SpeechConsent.conversation_id == conversation_id)
    last = db.scalar(spoken.order_by(SpeechConsent.id.desc()).limit(1))
    voice = [Given(VOICE, last.version, last.granted_at, last.withdrawn_at, last.recogniser)] if last else []
    return [*(newest[purpose] for purpose in PURPOSES if purpose in newest), *voice]


def has_live_consent(db: Session, user_id: int | None, conversation_id: int, purpose: str) -> bool:
    """Tell whether the person has given this consent and not withdrawn it, in any version."""
    if purpose == VOICE:
        spoken = (SpeechConsent.conversation_id == conversation_id) & SpeechConsent.withdrawn_at.is_(None)
        return db.scalar(select(SpeechConsent.id).where(spoken)) is not None
    theirs = (Consent.user_id == user_id) & (Consent.purpose == purpose) & Consent.withdrawn_at.is_(None)
    return db.scalar(select(Consent.id).where(theirs).limit(1)) is not None
