"""Name a household's members for a resident by their mandate; it is read back to them, and undone when denied."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.core.state_machine import Actor
from models.families import members
from models.families.members import SUBJECT, NewMember, end_entry
from models.families.question import follow
from models.people.family_member import FamilyMember
from models.people.user import User
from models.proxy.act import ActFacts, record_proxy_act
from models.proxy.mandate import Mandate, record_mandate_event
from models.staff.member import Staff


def add_for(db: Session, staff: Staff, mandate: Mandate, wanted: NewMember, now: datetime) -> FamilyMember:
    """Name a member for the resident. The caller has locked the mandate. Raises as ``members.add_member`` does."""
    member = members.add_member(db, db.get_one(User, mandate.user_id), wanted, now, staff.actor)
    record_proxy_act(db, mandate, staff, SUBJECT, member.id, "", now)
    return member


def end_for(db: Session, staff: Staff, mandate: Mandate, number: int, why: str, now: datetime) -> FamilyMember:
    """Say for the resident that a member belongs to the household no more. Raises NoSuchMember."""
    member = members.end_member(db, db.get_one(User, mandate.user_id), number, why, now, staff.actor)
    record_mandate_event(db, mandate, staff.actor.name, "used", f"{SUBJECT}:{number}", now)
    return member


def read_back(db: Session, number: int) -> ActFacts:
    """Return who was named, and as what; without a name where the entry was taken back."""
    member = db.get_one(FamilyMember, number)
    home = db.get_one(User, member.named_by).region_code
    tail = member.id_number[-4:] if member.id_number else ""
    return ActFacts(home, {"number": number, "name": member.name, "relation": member.relation, "id_tail": tail})


def undo(db: Session, number: int, owner: Actor, now: datetime) -> None:
    """Take back an entry that its resident denies; one that has ended stays ended."""
    member = db.get_one(FamilyMember, number, with_for_update=True, populate_existing=True)
    if member.ended is None:
        end_entry(db, member, "mistake", owner, now)
        follow(db, [member.household_id], now)
