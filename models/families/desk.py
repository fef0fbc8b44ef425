"""The township answers a question about households, which it sees masked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.appeals.appeal import OPEN, Appeal
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.families.members import end_entry
from models.families.moving import lock_households, move
from models.families.question import SUBJECT, HouseholdQuestion, end, follow
from models.notifications.notify import notify_user
from models.people.family_member import FamilyMember, members_of, named_with
from models.people.shared_phone import mask
from models.people.user import Household, User
from models.places.region import Region
from models.staff.conflict_of_interest import is_own
from models.staff.decision import decide
from models.staff.file_access import TaskView, has_read, may_read_as_authority, record_file_access, view_task
from models.staff.member import Staff
from models.staff.task import close_task
from models.staff.turn import demand_task
from models.verification.case import is_verified

# What may be answered, by the question's kind: the words of the numbered lines.
POSSIBLE = {
    "same_number": ("one_family", "lives_here", "lives_there", "mistaken"),
    "split": ("split", "stays"),
}
_STATES = {"one_family": "merged", "lives_here": "moved", "lives_there": "moved"}


class NoSuchQuestion(Refusal):
    """There is none of this number, or the reader may not know that there is: the words are the same."""

    code = "no_such_question"


class QuestionMoved(Refusal):
    """The households have changed since the officer looked: the file has to be read again."""

    code = "question_moved"


@dataclass(frozen=True, slots=True)
class Side:
    """One household, masked. ``people``: names with a relation, which is empty for who is registered. ``since``: when
    its first person registered. ``appeals``: how many are open."""

    place: str
    people: Sequence[tuple[str, str]]
    since: datetime
    appeals: int
    verified: bool


@dataclass(frozen=True, slots=True)
class HouseholdFile:
    """A question as the township reads it. ``who``: the masked name of the person in question; ``sides``: the household
    that named them, and the other one."""

    number: int
    kind: str
    state: str
    who: str
    sides: Sequence[Side]
    asked_at: datetime
    task: TaskView


def open_question(db: Session, staff: Staff, number: int, now: datetime) -> HouseholdFile:
    """Show a question to an officer; the reading is recorded. Raises NoSuchQuestion."""
    question = _readable(db, staff, number)
    record_file_access(db, staff, SUBJECT, number, question.user_id, now)
    both = [question.household_id] + ([question.other_household_id] if question.other_household_id else [])
    return HouseholdFile(
        number=number,
        kind=question.kind,
        state=question.state,
        who=_who(db, question),
        sides=[_side(db, household, now) for household in both],
        asked_at=question.asked_at,
        task=view_task(db, staff, SUBJECT, number),
    )


def is_read(db: Session, staff: Staff, number: int) -> bool:
    return has_read(db, staff, SUBJECT, number)


def check_decidable(db: Session, staff: Staff, number: int) -> HouseholdQuestion:
    """Return the question for the officer whose turn it is.

    Raises NoSuchQuestion, OutsideRegion, NotYourTurn, NotIdentified or HasConflict.
    """
    question = _readable(db, staff, number)
    demand_task(db, staff, question.matter, question.state)
    return question


def answer(db: Session, staff: Staff, number: int, said: str, now: datetime) -> str:
    """Answer a question; returns its state. The people concerned hear of it, and how to object.

    It lapses where the households have answered it themselves meanwhile. Raises as ``check_decidable`` does,
    QuestionMoved or HouseholdSuspended.
    """
    seen = check_decidable(db, staff, number)
    before = (seen.household_id, seen.other_household_id)
    # Households before everything else that is locked, also before the question (models.families.moving).
    lock_households(db, [each for each in before if each])
    follow(db, [each for each in before if each], now)
    question = db.get_one(HouseholdQuestion, number, with_for_update=True, populate_existing=True)
    if question.state == "lapsed":
        return question.state
    if (question.household_id, question.other_household_id) != before or said not in POSSIBLE[question.kind]:
        raise QuestionMoved(number=number)
    demand_task(db, staff, question.matter, question.state)
    decide(db, question.matter, 1, staff, "pass", now)
    close_task(db, SUBJECT, number, now, staff)
    question.decided_by = staff.id
    state = _STATES.get(said, said)
    end(db, question, state, staff.actor, now)
    _carry_out(db, question, said, staff.actor, now)
    return state


def _carry_out(db: Session, question: HouseholdQuestion, said: str, actor: Actor, now: datetime) -> None:
    here, there = question.household_id, question.other_household_id
    concerned = _registered(db, [here, *([there] if there else [])])
    frozen: list[Appeal] = []
    match said:
        case "one_family":
            assert there is not None  # noqa: S101 - a CHECK holds it
            frozen = _merge(db, here, there, actor, now)
        case "lives_here":
            frozen = _leave_other(db, question, actor, now)
        case "lives_there" | "mistaken":
            member = db.get_one(FamilyMember, question.member_id)
            end_entry(db, member, "moved" if said == "lives_there" else "mistake", actor, now)
            concerned = [member.named_by]
            follow(db, [here], now)
        case "split":
            frozen = _split(db, question, actor, now)
        case "stays":
            concerned = [question.user_id or 0]
    _tell(db, question, said, concerned, frozen, now)


def _merge(db: Session, here: int, there: int, actor: Actor, now: datetime) -> list[Appeal]:
    """Merge the younger household into the older."""
    target, source = (db.get_one(Household, number) for number in sorted((here, there)))
    people = db.scalars(select(User.id).where(User.household_id == source.id)).all()
    return move(db, people, source, target, actor, now)


def _leave_other(db: Session, question: HouseholdQuestion, actor: Actor, now: datetime) -> list[Appeal]:
    """Let the person leave the other household, for the one that named them."""
    member = db.get_one(FamilyMember, question.member_id)
    hashes = keyring().lookup_hashes(member.id_number or "", "id_number")
    there = question.other_household_id
    named = (FamilyMember.household_id == there) & named_with(hashes) & FamilyMember.to_day.is_(None)
    for entry in db.scalars(select(FamilyMember).where(named)).all():
        end_entry(db, entry, "moved", actor, now)
    user = db.scalar(select(User).where(User.household_id == there, User.id_hash.in_(hashes)))
    if user is None:
        follow(db, [question.household_id, there or 0], now)
        return []
    source, target = db.get_one(Household, there), db.get_one(Household, question.household_id)
    return move(db, [user.id], source, target, actor, now)


def _split(db: Session, question: HouseholdQuestion, actor: Actor, now: datetime) -> list[Appeal]:
    """Give the person a household of their own, with whom they named and all that is theirs."""
    source, user = db.get_one(Household, question.household_id), db.get_one(User, question.user_id)
    target = Household(region_code=user.region_code or source.region_code, created_at=now)
    db.add(target)
    db.flush()
    return move(db, [user.id], source, target, actor, now)


def _tell(
    db: Session,
    question: HouseholdQuestion,
    said: str,
    concerned: Sequence[int],
    frozen: Sequence[Appeal],
    now: datetime,
) -> None:
    for number in concerned:
        own: dict[str, list[int]] = {"frozen": [], "waiting": []}
        for appeal in frozen:
            if appeal.owner_id == number:
                own["waiting" if appeal.under_review else "frozen"].append(appeal.id)
        facts = {"what": said, "self": number == question.user_id, **own}
        key = f"household_changed:{question.id}:{number}"
        notify_user(db, number, "household_changed", facts, key, now, (SUBJECT, question.id))


def _registered(db: Session, households: Sequence[int]) -> list[int]:
    theirs = User.household_id.in_(households) & (User.state == "active")
    return list(db.scalars(select(User.id).where(theirs).order_by(User.id)))


def _who(db: Session, question: HouseholdQuestion) -> str:
    if question.user_id:
        return db.get_one(User, question.user_id).masked_name
    member = db.get(FamilyMember, question.member_id) if question.member_id else None
    return mask(member.name) if member and member.name else ""


def _side(db: Session, household_id: int, now: datetime) -> Side:
    household = db.get_one(Household, household_id)
    users = db.scalars(select(User).where(User.household_id == household_id, User.state == "active").order_by(User.id))
    people = [(user.masked_name, "") for user in users]
    people += [(mask(member.name or ""), member.relation) for member in members_of(db, household_id)]
    theirs = (Appeal.household_id == household_id) & Appeal.state.in_(OPEN)
    return Side(
        place=db.get_one(Region, household.region_code).full_name,
        people=people,
        since=household.created_at,
        appeals=db.scalar(select(func.count()).where(theirs)) or 0,
        verified=is_verified(db, household_id, now),
    )


def _readable(db: Session, staff: Staff, number: int) -> HouseholdQuestion:
    question = db.get(HouseholdQuestion, number, populate_existing=True)
    if question is None or not may_read_as_authority(db, staff, question.matter):
        raise NoSuchQuestion(number=number)
    if is_own(db, staff, question.other_household_id):
        raise NoSuchQuestion(number=number)
    return question
