"""Ask the households of a place whether they are to be counted among those whom an organisation's appeal helps.

asked ↔ agreed, asked ↔ declined     by a member of the household, as often as they change their mind

A page says how many agreed; nobody gets a list of them. Whoever has not said no gives nothing to the appeal, and an
officer of such a household decides nothing of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    Select,
    String,
    UniqueConstraint,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models.appeals.appeal import APPEAL, IN_REVIEW, LIVE, Appeal, get_appeal
from models.core.base import Base, RowId, among, one_of
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By, Machine
from models.core.subject import Subject
from models.notifications.notify import NewNotification, notify_each
from models.organisations.organisation import Organisation, organisation_of
from models.people.conversation import Conversation
from models.people.user import User
from models.places.region import covers, inside
from models.staff.conflict_of_interest import OWN_HOUSEHOLD, Conflict
from models.staff.member import SAME_WECHAT, Staff, spread_to_all_seats

SUBJECT = "beneficiary"
# So many households are asked at a word; a village has some hundred.
MOST_AT_ONCE = 300
_OWNER = frozenset({By.OWNER})
_ANSWERS = ("agreed", "declined")
MACHINE = Machine(
    SUBJECT,
    {
        **{("asked", answer): _OWNER for answer in _ANSWERS},
        ("agreed", "declined"): _OWNER,
        ("declined", "agreed"): _OWNER,
    },
)


class NoBeneficiaries(Refusal):
    """The appeal ``number`` has none: it is no organisation's, is over, or the person's home is elsewhere."""

    code = "no_beneficiaries"


class Beneficiary(Base):
    """A household that an organisation's appeal is to help. ``answered_by``: the member who answered last."""

    __tablename__ = "beneficiaries"
    id: Mapped[RowId]
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    state: Mapped[str] = mapped_column(String(8), default="asked")
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    __table_args__ = (
        one_of("state", MACHINE.states),
        UniqueConstraint("appeal_id", "household_id"),
        Index("ix_beneficiaries_household", "household_id"),
    )


BENEFICIARY = Subject(SUBJECT, Beneficiary, MACHINE, begins=("asked",), parent=APPEAL, parent_id=Beneficiary.appeal_id)


@dataclass(frozen=True, slots=True)
class AsksAs:
    """The organisation that asks: its name, and how many ``households`` agreed to be counted among those it helps."""

    name: str
    households: int


@dataclass(frozen=True, slots=True)
class Counted:
    """How many households of an appeal were asked and have not answered, agreed, and said no; and how many are left."""

    asked: int
    agreed: int
    declined: int
    left: int


def count_beneficiaries(db: Session, appeal: Appeal) -> Counted:
    """Count the households. Raises NoBeneficiaries where the appeal is no organisation's."""
    organisation = _organisation(db, appeal)
    states = select(Beneficiary.state, func.count()).where(Beneficiary.appeal_id == appeal.id)
    by_state = dict(db.execute(states.group_by(Beneficiary.state)).all())
    left = db.scalar(select(func.count()).select_from(_unasked(organisation, appeal.id).subquery())) or 0
    return Counted(by_state.get("asked", 0), by_state.get("agreed", 0), by_state.get("declined", 0), left)


def asks_as(db: Session, appeal: Appeal) -> AsksAs | None:
    """Return the organisation that asks, for the public; None of a family's appeal, whose name is nobody's business."""
    agreed = (Beneficiary.appeal_id == appeal.id) & (Beneficiary.state == "agreed")
    counted = select(func.count()).where(agreed).scalar_subquery()
    theirs = select(Organisation.name, counted).where(Organisation.household_id == appeal.household_id)
    found = db.execute(theirs).first()
    return AsksAs(*found) if found else None


def ask_households(db: Session, appeal: Appeal, now: datetime) -> int:
    """Ask up to MOST_AT_ONCE registered households of the organisation's place that nobody asked; returns how many.

    The caller holds the appeal. Raises NoBeneficiaries.
    """
    organisation = _organisation(db, appeal)
    households = db.scalars(_unasked(organisation, appeal.id).limit(MOST_AT_ONCE)).all()
    if not households:
        return 0
    rows = [{"appeal_id": appeal.id, "household_id": each, "state": "asked", "asked_at": now} for each in households]
    db.execute(insert(Beneficiary).values(rows).on_conflict_do_nothing())
    people = select(Conversation.id, User.household_id).join(User, User.id == Conversation.user_id)
    people = people.where(User.household_id.in_(households), User.state == "active").order_by(Conversation.id)
    facts = {"number": appeal.id, "title": appeal.title, "name": organisation.name}
    key = f"beneficiary_asked:{appeal.id}"
    new = [NewNotification(person, appeal.id, facts, f"{key}:{person}") for person, _ in db.execute(people)]
    notify_each(db, "beneficiary_asked", "appeal", new, now)
    return len(households)


def own_answer(db: Session, user: User, number: int) -> Beneficiary | None:
    """Return what the person's household is asked about this appeal, if it may be counted: None before it was asked.

    Raises NoBeneficiaries.
    """
    appeal = get_appeal(db, number)
    organisation = organisation_of(db, appeal.household_id)
    if organisation is None or appeal.state not in (*IN_REVIEW, *LIVE) or not _lives_there(user, organisation):
        raise NoBeneficiaries(number=number)
    theirs = (Beneficiary.appeal_id == number) & (Beneficiary.household_id == user.household_id)
    return db.scalar(select(Beneficiary).where(theirs))


def answer(db: Session, user: User, number: int, said: str, now: datetime) -> Beneficiary:
    """Keep whether the household is to be counted: ``agreed`` or ``declined``; again changes nothing.

    Raises NoBeneficiaries.
    """
    if own_answer(db, user, number) is None:
        row = {"appeal_id": number, "household_id": user.household_id, "state": "asked", "asked_at": now}
        db.execute(insert(Beneficiary).values(row).on_conflict_do_nothing())
    theirs = (Beneficiary.appeal_id == number) & (Beneficiary.household_id == user.household_id)
    found = db.scalars(select(Beneficiary).where(theirs).with_for_update()).one()
    if found.state != said:
        MACHINE.move(db, found, said, Actor.owner(user.id), now)
        found.answered_at, found.answered_by = now, user.id
        db.flush()
    return found


def join_beneficiaries(db: Session, source: int, target: int) -> None:
    """Let a household that joins another be counted once: what the other said stays. The caller holds both.

    Who parts is counted where they were, until they say otherwise for their own household.
    """
    other = aliased(Beneficiary)
    there = select(other.id).where(other.household_id == target, other.appeal_id == Beneficiary.appeal_id)
    theirs = Beneficiary.household_id == source
    db.execute(delete(Beneficiary).where(theirs, there.exists()).execution_options(synchronize_session=False))
    moved = update(Beneficiary).where(theirs).values(household_id=target)
    db.execute(moved.execution_options(synchronize_session=False))


def helped_households(appeals: Iterable[int], households: Iterable[int]) -> Select[int, int]:
    """Select which of these appeals are to help which of these households, as pairs of both.

    Such a household was asked, or counted itself in, and has not said no.
    """
    theirs = among(Beneficiary.appeal_id, appeals) & among(Beneficiary.household_id, households)
    return select(Beneficiary.appeal_id, Beneficiary.household_id).where(theirs, Beneficiary.state != "declined")


def conflicts(db: Session, organisation: Organisation) -> Mapping[int, str]:
    """Map staff ids to why they may not decide on the organisation: they, or their kin, are helped by its appeals."""
    counted = select(Beneficiary.household_id).join(Appeal, Appeal.id == Beneficiary.appeal_id)
    counted = counted.where(Appeal.household_id == organisation.household_id, Beneficiary.state != "declined")
    numbers = select(User.id_hash).where(User.household_id.in_(counted), User.id_hash.is_not(None))
    own = select(Staff.id, literal(OWN_HOUSEHOLD))
    in_seats = own.where(or_(Staff.household_id.in_(counted), Staff.id_hash.in_(numbers)))
    as_users = own.join(Conversation, SAME_WECHAT).join(User, User.id == Conversation.user_id)
    as_users = as_users.where(User.household_id.in_(counted))
    kin = select(Conflict.staff_id, Conflict.kind).where(Conflict.id_hash.in_(numbers), Conflict.withdrawn_at.is_(None))
    found: dict[int, str] = {}
    for wanted in (kin, in_seats, as_users):
        found |= dict(db.execute(wanted).all())
    return spread_to_all_seats(db, found)


def _organisation(db: Session, appeal: Appeal) -> Organisation:
    organisation = organisation_of(db, appeal.household_id)
    if organisation is None or appeal.state not in (*IN_REVIEW, *LIVE):
        raise NoBeneficiaries(number=appeal.id)
    return organisation


def _unasked(organisation: Organisation, appeal_id: int) -> Select[Any]:
    """Select the households of residents in the organisation's place that nobody asked yet, the oldest first."""
    asked = select(Beneficiary.id).where(
        and_(Beneficiary.appeal_id == appeal_id, Beneficiary.household_id == User.household_id)
    )
    there = inside(User.region_code, organisation.region_code)
    theirs = select(User.household_id).where(there, User.role == "resident", User.state == "active", ~asked.exists())
    return theirs.distinct().order_by(User.household_id)


def _lives_there(user: User, organisation: Organisation) -> bool:
    return user.region_code is not None and covers(organisation.region_code, user.region_code)
