"""Name who belongs to one's household, and say who belongs to it no more.

Whether an ID number is registered anywhere else is never told: naming it says the same in any case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.calendar import CHINA
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.families.question import ask_about, follow
from models.people.family_member import BY_TOWNSHIP, ENDS, FamilyMember, members_of
from models.people.user import User, lock_home
from models.staff.conflict_of_interest import conflicts_with
from models.staff.handover import leave_household
from models.staff.member import Staff

SUBJECT = "family_member"
# More than any household of our counties has; a limit, so that nobody collects other people's numbers.
MOST = 15
# The wording that is shown today, raised when it promises other things:
# templates/flows/families/add_family_member/consent.txt and guardian.txt.
CONSENT_VERSIONS = {"own": 1, "guardian": 1}


class TooManyMembers(Refusal):
    """The household has ``most`` members already."""

    code = "too_many_members"
    final = True


class InFamilyAlready(Refusal):
    """The person's own household has this ID number already; of other households nothing is said."""

    code = "in_family_already"
    step = "id_number"


class ChildsNumber(Refusal):
    """The ID number is of a child under ``age``, and it was said that the member is older: a guardian has to agree."""

    code = "childs_number"
    step = "age"


class NoSuchMember(Refusal):
    """The household has no such member today."""

    code = "no_such_member"


@dataclass(frozen=True, slots=True)
class NewMember:
    """The answers that name a member. ``consent``: whose it is (models.people.family_member.CONSENTS)."""

    draft_id: str
    name: str
    relation: str
    consent: str
    id_number: str | None = None


def others_of(db: Session, user: User) -> Sequence[User]:
    """List the other registered people of the person's household."""
    theirs = (User.household_id == user.household_id) & (User.id != user.id) & (User.state == "active")
    return db.scalars(select(User).where(theirs).order_by(User.id)).all()


def check_room(db: Session, user: User) -> None:
    """Raises TooManyMembers."""
    if len(members_of(db, user.household_id)) >= MOST:
        raise TooManyMembers(most=MOST)


def check_not_in_family(db: Session, user: User, id_number: str) -> None:
    """Raises InFamilyAlready."""
    hashes = keyring().lookup_hashes(id_number, "id_number")
    registered = select(User.id).where(User.id_hash.in_(hashes), User.household_id == user.household_id)
    named = any(member.id_hash in hashes for member in members_of(db, user.household_id))
    if named or db.scalar(registered.limit(1)):
        raise InFamilyAlready


def add_member(db: Session, user: User, wanted: NewMember, now: datetime, by: Actor | None = None) -> FamilyMember:
    """Name a member of the user's household; officers with a tie to them leave its open tasks.

    Where another household has the ID number too, the township is asked. The same draft is one.

    ``by``: the officer who does it by mandate; None: the person. Raises TooManyMembers or InFamilyAlready.
    """
    earlier = db.scalar(select(FamilyMember).where(FamilyMember.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    # Of two who name somebody at once the later sees the other.
    household = lock_home(db, user, change=True)
    check_room(db, user)
    if wanted.id_number:
        check_not_in_family(db, user, wanted.id_number)
    member = FamilyMember(
        draft_id=wanted.draft_id,
        household_id=household,
        named_by=user.id,
        name=wanted.name,
        id_number=wanted.id_number,
        id_hash=keyring().lookup_hashes(wanted.id_number, "id_number")[0] if wanted.id_number else None,
        relation=wanted.relation,
        consent=wanted.consent,
        consent_version=CONSENT_VERSIONS[wanted.consent],
        from_day=now.astimezone(CHINA).date(),
        created_at=now,
    )
    db.add(member)
    db.flush()
    _record(db, member, "member_named", wanted.relation, by or Actor.owner(user.id), now)
    if wanted.id_number:
        keep_apart(db, household, now)
        ask_about(db, member, now)
    return member


def find_member(db: Session, user: User, number: int) -> FamilyMember:
    """Find a member of the user's household today. Raises NoSuchMember."""
    member = db.get(FamilyMember, number)
    if member is None or user.household_id is None or member.household_id != user.household_id or member.ended:
        raise NoSuchMember
    return member


def end_member(db: Session, user: User, number: int, why: str, now: datetime, by: Actor | None = None) -> FamilyMember:
    """Say that a member belongs to the household no more; what was a mistake is emptied. Raises NoSuchMember.

    ``why``: of ENDS. ``by``: as ``add_member``.
    """
    lock_home(db, user, change=True)
    member = find_member(db, user, number)
    end_entry(db, member, why, by or Actor.owner(user.id), now)
    follow(db, [member.household_id], now)
    return member


def end_entry(db: Session, member: FamilyMember, why: str, actor: Actor, now: datetime) -> None:
    """End an entry today; ``why``: of ENDS or BY_TOWNSHIP. The caller has locked its household."""
    assert why in (*ENDS, *BY_TOWNSHIP)  # noqa: S101 - only numbered lines say it
    member.to_day, member.ended = max(now.astimezone(CHINA).date(), member.from_day), why
    if why == "mistake":
        member.name = member.id_number = member.id_hash = None
    db.flush()
    _record(db, member, "member_ended", why, actor, now)


def keep_apart(db: Session, household_id: int, now: datetime) -> None:
    """Let the officers who have a tie to the household, as it is now, leave its open tasks."""
    for seat, why in sorted(conflicts_with(db, household_id).items()):
        leave_household(db, db.get_one(Staff, seat), household_id, why, now)


def _record(db: Session, member: FamilyMember, action: str, detail: str, actor: Actor, now: datetime) -> None:
    who, number = actor.name, member.id
    record(db, at=now, actor=who, action=action, subject=SUBJECT, subject_id=number, detail=detail)
