"""Erase a person who cannot ask for it in the chat, or open what a law keeps of one: two of the staff answer for it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import record, record_reading
from models.people.conversation import Conversation
from models.people.user import Household, User
from models.rights.erasure.erasure import Erasure, begin_erasure
from models.rights.erasure.remainder import SealedRemainder
from models.rights.erasure.request import CannotErase
from models.rights.erasure.standing import show_standing
from models.staff.signers import Signers, check_signers


def erase_by_two(db: Session, user: User, reason: str, by: Signers, now: datetime) -> Erasure:
    """Begin the erasure of a registered person; the worker goes on with it. The audit trail names both.

    Raises CannotSign, or CannotErase where something has to end first.
    """
    _check_signers(db, user, by, now)
    theirs = select(Conversation).where(Conversation.user_id == user.id).order_by(Conversation.id)
    conversations = db.scalars(theirs.with_for_update()).all()
    conversation = conversations[0].id if conversations else None
    holds = show_standing(db, conversation, user.id).holds
    if holds:
        raise CannotErase(holds=[hold.facts for hold in holds])
    return begin_signed(db, conversation, user.id, reason, by, now)


def begin_signed(
    db: Session, conversation_id: int | None, user_id: int, reason: str, by: Signers, now: datetime
) -> Erasure:
    """Begin an erasure that two of the staff answer for, as the caller has checked; the trail names both."""
    erasure, _ = begin_erasure(db, conversation_id, user_id, "staff", now)
    erasure.reason, (erasure.first_staff, erasure.second_staff) = reason, (by[0].id, by[1].id)
    for staff in by:
        actor = staff.actor.name
        record(db, at=now, actor=actor, action="signed", subject="erasure", subject_id=erasure.id, detail=reason)
    db.flush()
    return erasure


def _check_signers(db: Session, user: User, by: Signers, now: datetime) -> None:
    """Raises CannotSign."""
    # Of who is erased the household still tells it.
    household = db.get_one(Household, user.household_id) if user.household_id else None
    home = user.region_code or (household.region_code if household else None)
    check_signers(db, by, user.household_id, home, now, county=False)


def open_remainders(db: Session, user_id: int, reason: str, by: Signers, now: datetime) -> list[str]:
    """Open what a law keeps of an erased person, as two of the staff answer for it; the trail has each reading.

    Returns it as JSON, a text for each law. Raises CannotSign.
    """
    _check_signers(db, db.get_one(User, user_id), by, now)
    found = select(SealedRemainder).join(Erasure, Erasure.id == SealedRemainder.erasure_id)
    kept = db.scalars(found.where(Erasure.user_id == user_id).order_by(SealedRemainder.id)).all()
    for one in kept:
        for staff in by:
            actor = staff.actor.name
            record_reading(db, at=now, actor=actor, subject="sealed_remainder", subject_id=one.id, purpose=reason)
    return [one.contents for one in kept]
