"""Find seats without an ID number, which decide nothing, and enter the number.

The command line made such seats until it asked for the number; whoever is invited gives theirs in the chat.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.encryption import keyring
from models.people.family_member import households_with
from models.staff.conflict_of_interest import OWN_HOUSEHOLD
from models.staff.handover import leave_household
from models.staff.member import HOLDING, AlreadyAppointed, Staff, find_household


def unidentified_seats(db: Session) -> Sequence[Staff]:
    """List the seats that somebody holds, and that have no ID number."""
    held = Staff.state.in_(HOLDING) & Staff.id_hash.is_(None)
    return db.scalars(select(Staff).where(held).order_by(Staff.work_no)).all()


def identify(db: Session, staff: Staff, id_number: str, now: datetime) -> int:
    """Enter the ID number of a seat that has none, and recuse its holder from the tasks of their own household.

    Returns how many tasks left their queue. Raises AlreadyAppointed where this person holds another seat.
    """
    if staff.id_hash is not None:
        raise ValueError("a seat's person is never changed: it is revoked, and another is appointed")
    hashes = keyring().lookup_hashes(id_number, "id_number")
    held = db.scalar(select(Staff).where(Staff.id_hash.in_(hashes), Staff.state.in_(HOLDING)).limit(1))
    if held:
        raise AlreadyAppointed(held)
    staff.id_number, staff.id_hash = id_number, hashes[0]
    record(db, at=now, actor="system", action="identified", subject="staff", subject_id=staff.id)
    staff.household_id = find_household(db, hashes)
    db.flush()
    own = sorted(households_with(db, id_number))
    return sum(leave_household(db, staff, household, OWN_HOUSEHOLD, now) for household in own)
