"""Forget an erased person's voices and their consents to the recogniser."""

from sqlalchemy.orm import Session

from models.core.leaver import Leaver
from models.speech.consent import forget_consents
from models.speech.voice import forget_voices


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    if leaver.conversation_id:
        forget_voices(db, leaver.conversation_id)
        forget_consents(db, leaver.conversation_id)
