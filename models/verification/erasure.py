"""Forget an erased person's cases: what officers saw at home, what neighbours objected, and the registry's answer."""

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from models.core.encryption import keyring
from models.core.leaver import Leaver
from models.people.user import User
from models.verification.case import Verification, withdraw
from models.verification.objection import Objection
from models.verification.registry import RegistryEntry
from models.verification.visit import Visit


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Withdraw the cases and delete their words, and those of objections by the person or against them.

    First of all rooms that lock, as in decisions (models.verification.case.lock_cases): a case before its user.
    """
    cases = select(Verification.id).where(Verification.user_id == leaver.user_id)
    if leaver.user_id:
        withdraw(db, leaver.user_id, leaver.actor, leaver.now)
        _forget_registry(db, leaver.user_id)
        found = Visit.verification_id.in_(cases)
        db.execute(update(Visit).where(found).values(place="{}", assessment="{}", findings=""))
    said = or_(Objection.conversation_id == leaver.conversation_id, Objection.verification_id.in_(cases))
    db.execute(update(Objection).where(said).values(words=""))


def _forget_registry(db: Session, user_id: int) -> None:
    """Delete the registry's row about the person, if it knew them by number and name: a number may be another's."""
    theirs = Verification.user_id == user_id
    matched = db.scalar(select(Verification.id).where(theirs, Verification.registry_result == "match").limit(1))
    number = db.scalar(select(User.id_number).where(User.id == user_id))
    if matched and number:
        hashes = keyring().lookup_hashes(number, "id_number")
        db.execute(delete(RegistryEntry).where(RegistryEntry.id_hash.in_(hashes)))
    db.execute(update(Verification).where(theirs).values(registry_status=None))
