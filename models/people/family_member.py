"""Keep who belongs to a household without being registered: name and ID number (sealed), relation, and days.

Whoever belongs to a household counts as one of it: no officer who is one of them, or declared kin of one, decides on
it, and none of them gives to it. Who died or moved away still counts against officers, for kin stays kin.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    null,
    select,
    text,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted, Lookup, keyring
from models.people.user import User

RELATIONS = ("spouse", "child", "parent", "grandchild", "grandparent", "sibling", "in_law", "other")
# Who agreed that the member is named: the member, or the guardian of a child under 14.
CONSENTS = ("own", "guardian")
# Why a member belongs to the household no more; of a mistake nothing is kept.
ENDS = ("died", "left", "mistake")
# The same by the township's answer: they belong elsewhere, are registered in the household, or stand there twice.
BY_TOWNSHIP = ("moved", "registered", "double")
_LIVE = text("to_day IS NULL")


class FamilyMember(Base):
    """``named_by``: the registered person of the household who named them. ``consent_version``: the wording that was
    agreed to. ``name`` and ``id_number`` are empty once the entry was a mistake."""

    __tablename__ = "family_members"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"), index=True)
    named_by: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str | None] = mapped_column(Encrypted("family member name"))
    id_number: Mapped[str | None] = mapped_column(Encrypted("family member ID number", Lookup("id_hash", "id_number")))
    id_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    relation: Mapped[str] = mapped_column(String(12))
    consent: Mapped[str] = mapped_column(String(8))
    consent_version: Mapped[int] = mapped_column(SmallInteger)
    from_day: Mapped[date] = mapped_column(Date)
    to_day: Mapped[date | None] = mapped_column(Date)
    ended: Mapped[str | None] = mapped_column(String(12))
    created_at: Mapped[datetime]

    __table_args__ = (
        one_of("relation", RELATIONS),
        one_of("consent", CONSENTS),
        one_of("ended", (*ENDS, *BY_TOWNSHIP)),
        CheckConstraint("(to_day IS NULL) = (ended IS NULL)", name="end_has_a_day"),
        CheckConstraint("to_day >= from_day", name="ends_after_it_began"),
        CheckConstraint("(ended IS NOT DISTINCT FROM 'mistake') = (name IS NULL)", name="named"),
        CheckConstraint("id_number IS NULL OR id_hash IS NOT NULL", name="number_is_found"),
        Index("uq_family_members_live", "household_id", "id_hash", unique=True, postgresql_where=_LIVE),
    )


def members_of(db: Session, household_id: int | None) -> Sequence[FamilyMember]:
    """List who belongs to the household today and is not registered, the first named first."""
    live = (FamilyMember.household_id == household_id) & FamilyMember.to_day.is_(None)
    return db.scalars(select(FamilyMember).where(live).order_by(FamilyMember.id)).all()


def numbers_of(db: Session, household_id: int) -> set[str]:
    """Return the ID numbers of the household: its registered people's, and of all who belong or belonged to it
    without being registered."""
    # A column each, as each is decrypted for its own purpose.
    registered = select(User.id_number, type_coerce(null(), FamilyMember.id_number.type))
    registered = registered.where(User.household_id == household_id, User.id_number.is_not(None))
    named = select(null(), FamilyMember.id_number)
    named = named.where(FamilyMember.household_id == household_id, FamilyMember.id_number.is_not(None))
    return {number for row in db.execute(union_all(registered, named)) for number in row if number}


def names_of(db: Session, household_id: int) -> list[str]:
    """List the names of all who belong or belonged to the household without being registered."""
    theirs = (FamilyMember.household_id == household_id) & FamilyMember.name.is_not(None)
    return [name for name in db.scalars(select(FamilyMember.name).where(theirs)) if name]


def named_with(hashes: Collection[str]) -> ColumnElement[bool]:
    """Build the condition that a member has, or had, the ID number of one of these hashes."""
    return FamilyMember.id_hash.in_(hashes)


def households_with(db: Session, id_number: str) -> set[int]:
    """Return the households to which whoever has this ID number belongs today, registered or named."""
    return households_of_each(db, [id_number])[id_number]


def households_of_each(db: Session, id_numbers: Collection[str]) -> dict[str, set[int]]:
    """Map each of these ID numbers to its households, as ``households_with`` does: in two statements."""
    if not id_numbers:
        return {}
    whose = {hashed: each for each in id_numbers for hashed in keyring().lookup_hashes(each, "id_number")}
    registered = select(User.id_hash, User.household_id).where(User.id_hash.in_(whose), User.household_id.is_not(None))
    named = select(FamilyMember.id_hash, FamilyMember.household_id)
    named = named.where(named_with(whose), FamilyMember.to_day.is_(None))
    found: dict[str, set[int]] = {each: set() for each in id_numbers}
    for hashed, household in (*db.execute(registered), *db.execute(named)):
        found[whose[str(hashed)]].add(int(household or 0))
    return found


def belongs_to(db: Session, user: User, household_id: int | None) -> bool:
    """Tell whether the person is of this household: registered in it, or named by its people with their ID number."""
    if household_id is None:
        return False
    if user.household_id == household_id:
        return True
    return user.id_number is not None and household_id in households_with(db, user.id_number)


class Person(Protocol):
    """What of a user tells where they belong: models.people.user.User."""

    @property
    def household_id(self) -> int | None: ...

    @property
    def id_number(self) -> str | None: ...


def all_households(db: Session, people: Sequence[Person]) -> list[set[int]]:
    """Return each one's households, those to which they ``belongs_to``: in two statements at most."""
    named = households_of_each(db, {each.id_number for each in people if each.id_number})
    return [
        ({each.household_id} if each.household_id else set()) | named.get(each.id_number or "", set())
        for each in people
    ]
