"""Forget whom an erased person named; what others of the household go on with is theirs from then on."""

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from models.core.encryption import keyring
from models.core.leaver import Leaver
from models.families.question import HouseholdQuestion, lapse
from models.people.family_member import FamilyMember
from models.people.user import User


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Delete the members whom the person named, or leave them to another registered person of the household."""
    _end_questions(db, leaver)
    named = select(FamilyMember.household_id).where(FamilyMember.named_by == leaver.user_id).distinct()
    for household in db.scalars(named).all():
        theirs = (FamilyMember.named_by == leaver.user_id) & (FamilyMember.household_id == household)
        others = (User.household_id == household) & (User.id != leaver.user_id) & (User.state == "active")
        heir = db.scalar(select(User.id).where(others).order_by(User.id).limit(1))
        if heir:
            db.execute(update(FamilyMember).where(theirs).values(named_by=heir))
        else:
            db.execute(delete(FamilyMember).where(theirs))


def _end_questions(db: Session, leaver: Leaver) -> None:
    """End the questions about whom the person named, their own ID number and their own wish to leave."""
    number = db.scalar(select(User.id_number).where(User.id == leaver.user_id)) if leaver.user_id else None
    hashes = keyring().lookup_hashes(number, "id_number") if number else []
    entries = select(FamilyMember.id).where(
        or_(FamilyMember.named_by == leaver.user_id, FamilyMember.id_hash.in_(hashes))
    )
    theirs = or_(HouseholdQuestion.user_id == leaver.user_id, HouseholdQuestion.member_id.in_(entries))
    live = select(HouseholdQuestion).where(theirs, HouseholdQuestion.state == "submitted")
    for question in db.scalars(live.order_by(HouseholdQuestion.id).with_for_update()).all():
        lapse(db, question, leaver.now)
