"""List what a person has agreed to, one purpose at a time, with the version of the wording and the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.people.user import PURPOSES, Consent
from models.rights.number_claim import SUBJECT, NumberClaim
from models.speech.consent import SpeechConsent

VOICE = "voice"


@dataclass(frozen=True, slots=True)
class Given:
    """A consent. ``purpose``: one of models.people.user.PURPOSES, ``number_claim``, or ``voice``.

    ``recogniser``: to whom the voice goes.
    """

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
    return [*(newest[purpose] for purpose in PURPOSES if purpose in newest), *_to_claim(db, conversation_id), *voice]


def _to_claim(db: Session, conversation_id: int) -> list[Given]:
    """List the consent to their newest claim of an ID number; it is withdrawn with the claim."""
    theirs = (NumberClaim.conversation_id == conversation_id) & NumberClaim.consent_version.is_not(None)
    claim = db.scalar(select(NumberClaim).where(theirs).order_by(NumberClaim.id.desc()).limit(1))
    if claim is None or claim.consent_version is None:
        return []
    withdrawn_at = claim.ended_at if claim.state == "withdrawn" else None
    return [Given(SUBJECT, claim.consent_version, claim.asked_at, withdrawn_at)]


def has_live_consent(db: Session, user_id: int | None, conversation_id: int, purpose: str) -> bool:
    """Tell whether the person has given this consent and not withdrawn it, in any version."""
    if purpose == VOICE:
        spoken = (SpeechConsent.conversation_id == conversation_id) & SpeechConsent.withdrawn_at.is_(None)
        return db.scalar(select(SpeechConsent.id).where(spoken)) is not None
    theirs = (Consent.user_id == user_id) & (Consent.purpose == purpose) & Consent.withdrawn_at.is_(None)
    return db.scalar(select(Consent.id).where(theirs).limit(1)) is not None
