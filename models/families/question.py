"""Questions about households that the township answers: one ID number in two of them, or a person who leaves one.

submitted → merged        one family: the two households become one
submitted → moved         the person belongs to one of the two, and leaves the other
submitted → mistaken      the number was named by mistake: the entry goes
submitted → split         a person leaves the household with what is theirs
submitted → stays         the person stays
submitted → lapsed        it has answered itself meanwhile

Nobody is told of a question about a number but the officers of the township, before they have answered it.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, By, Machine
from models.core.subject import Subject
from models.people.family_member import FamilyMember, households_with, named_with
from models.people.user import Household, User
from models.staff.conflict_of_interest import conflicts_with
from models.staff.decision import end_review
from models.staff.task import Matter, find_task, open_task

SUBJECT = "household"
STEP = "household"
KINDS = ("same_number", "split")
_OFFICERS = frozenset({By.TOWNSHIP, By.COUNTY})
ANSWERS = ("merged", "moved", "mistaken", "split", "stays")

MACHINE = Machine(
    SUBJECT,
    {
        **{("submitted", state): _OFFICERS for state in ANSWERS},
        ("submitted", "lapsed"): frozenset({By.SYSTEM}),
    },
)


class SplitWaits(Refusal):
    """The person has asked to leave the household already, and the township has not answered yet."""

    code = "split_waits"


class AloneInHousehold(Refusal):
    """Nobody else is registered in the person's household: there is nothing to leave."""

    code = "alone_in_household"


class HouseholdQuestion(Base):
    """``same_number``: the entry ``member_id`` of ``household_id`` has a number that ``other_household_id`` has too.
    ``split``: ``user_id`` wants to leave ``household_id``."""

    __tablename__ = "household_questions"
    id: Mapped[RowId]
    kind: Mapped[str] = mapped_column(String(12))
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"), index=True)
    other_household_id: Mapped[int | None] = mapped_column(ForeignKey("households.id"), index=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("family_members.id", ondelete="SET NULL"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    state: Mapped[str] = mapped_column(String(12), default="submitted")
    asked_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("kind", KINDS),
        one_of("state", MACHINE.states),
        CheckConstraint("(kind = 'split') = (user_id IS NOT NULL)", name="who_leaves"),
        CheckConstraint("(kind = 'same_number') = (other_household_id IS NOT NULL)", name="two_households"),
        CheckConstraint("(ended_at IS NULL) = (state = 'submitted')", name="ended_is_dated"),
        Index(
            *("uq_household_questions_live", "member_id", "other_household_id"),
            unique=True,
            postgresql_where=text("state = 'submitted' AND kind = 'same_number'"),
        ),
        Index(
            *("uq_household_questions_split", "user_id"),
            unique=True,
            postgresql_where=text("state = 'submitted' AND kind = 'split'"),
        ),
    )

    @property
    def matter(self) -> Matter:
        return Matter(SUBJECT, self.id, self.region_code, self.household_id)


HOUSEHOLD = Subject(
    SUBJECT,
    HouseholdQuestion,
    MACHINE,
    begins=("submitted",),
    owner=HouseholdQuestion.user_id,
    place=HouseholdQuestion.region_code,
    household=HouseholdQuestion.household_id,
)


def ask_about(db: Session, member: FamilyMember, now: datetime) -> None:
    """Ask the township about every other household that has the member's ID number today."""
    for other in sorted(_others(db, member)):
        live = (HouseholdQuestion.member_id == member.id) & (HouseholdQuestion.other_household_id == other)
        if db.scalar(select(HouseholdQuestion.id).where(live, HouseholdQuestion.state == "submitted")) is None:
            facts = {"kind": "same_number", "household_id": member.household_id, "member_id": member.id}
            _open(db, HouseholdQuestion(**facts, other_household_id=other), now)


def ask_about_newcomer(db: Session, user: User, now: datetime) -> None:
    """Ask about every household that named the ID number with which a person has just registered."""
    hashes = keyring().lookup_hashes(user.id_number, "id_number") if user.id_number else []
    theirs = select(FamilyMember).where(named_with(hashes), FamilyMember.to_day.is_(None))
    for member in db.scalars(theirs.order_by(FamilyMember.id)).all() if hashes else ():
        ask_about(db, member, now)


def ask_to_leave(db: Session, user: User, now: datetime) -> HouseholdQuestion:
    """Ask the township to let the person leave the household with what is theirs.

    Raises AloneInHousehold or SplitWaits.
    """
    household = user.household_id
    others = (User.household_id == household) & (User.id != user.id) & (User.state == "active")
    if household is None or db.scalar(select(User.id).where(others).limit(1)) is None:
        raise AloneInHousehold
    waits = (HouseholdQuestion.user_id == user.id) & (HouseholdQuestion.state == "submitted")
    if db.scalar(select(HouseholdQuestion.id).where(waits)):
        raise SplitWaits
    asked = HouseholdQuestion(kind="split", household_id=household, user_id=user.id)
    return _open(db, asked, now)


def follow(db: Session, households: Iterable[int], now: datetime) -> None:
    """Let the open questions of these households follow what has changed; what has answered itself lapses."""
    either = set(households)
    touched = HouseholdQuestion.household_id.in_(either) | HouseholdQuestion.other_household_id.in_(either)
    live = select(HouseholdQuestion).where(touched, HouseholdQuestion.state == "submitted")
    for question in db.scalars(live.order_by(HouseholdQuestion.id).with_for_update()).all():
        (_follow_split if question.kind == "split" else _follow_number)(db, question, now)


def lapse(db: Session, question: HouseholdQuestion, now: datetime) -> None:
    question.ended_at = now
    end_review(db, MACHINE, question, "lapsed", SYSTEM, now)


def end(db: Session, question: HouseholdQuestion, state: str, actor: Actor, now: datetime) -> None:
    question.ended_at = now
    MACHINE.move(db, question, state, actor, now)


def conflicts(db: Session, subject: str, number: int, _household_id: int | None) -> dict[int, str]:
    """Map staff ids to why they may not answer: a tie to the other one of the two households (CONFLICTS)."""
    if subject != SUBJECT:
        return {}
    return conflicts_with(db, db.get_one(HouseholdQuestion, number).other_household_id)


def _open(db: Session, question: HouseholdQuestion, now: datetime) -> HouseholdQuestion:
    question.region_code = db.get_one(Household, question.household_id).region_code
    question.asked_at = now
    db.add(question)
    db.flush()
    open_task(db, question.matter, STEP, now)
    return question


def _others(db: Session, member: FamilyMember) -> set[int]:
    if member.id_number is None or member.ended:
        return set()
    return households_with(db, member.id_number) - {member.household_id}


def _follow_number(db: Session, question: HouseholdQuestion, now: datetime) -> None:
    member = db.get(FamilyMember, question.member_id, populate_existing=True) if question.member_id else None
    others = _others(db, member) if member else set()
    asked = select(HouseholdQuestion.other_household_id).where(
        *(HouseholdQuestion.member_id == question.member_id, HouseholdQuestion.state == "submitted"),
        HouseholdQuestion.id != question.id,
    )
    left = sorted(others - set(db.scalars(asked)))
    if member is None or not left:
        lapse(db, question, now)
        return
    if question.other_household_id not in left:
        question.other_household_id = left[0]
    _place(db, question, member.household_id)


def _follow_split(db: Session, question: HouseholdQuestion, now: datetime) -> None:
    user = db.get_one(User, question.user_id, populate_existing=True)
    others = (User.household_id == user.household_id) & (User.id != user.id) & (User.state == "active")
    alone = db.scalar(select(User.id).where(others).limit(1)) is None
    if user.state != "active" or user.household_id is None or alone:
        lapse(db, question, now)
        return
    _place(db, question, user.household_id)


def _place(db: Session, question: HouseholdQuestion, household_id: int) -> None:
    """Put the question and its task before the township of the household where it now is."""
    question.household_id = household_id
    db.flush()
    task = find_task(db, SUBJECT, question.id)
    if task:
        task.household_id = household_id
    db.flush()
