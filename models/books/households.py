"""Check households: what is a person's is of that person's household, and a joined household has nobody left."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Null, exists, select
from sqlalchemy.orm import aliased

from models.appeals.appeal import LIVE, Appeal
from models.books.filled import filled
from models.books.violation import Violation
from models.core.database import stream
from models.people.family_member import FamilyMember
from models.people.user import Household, User
from models.subjects import SUBJECTS


def check_households_of_things(connection: Connection, _now: datetime) -> Iterator[Violation]:
    other = aliased(User)
    there = filled(connection, (subject.table for subject in SUBJECTS.values()))
    for subject in SUBJECTS.values():
        table: Any = subject.table
        if not hasattr(table, "household_id") or subject.owner is None or isinstance(subject.owner, Null):
            continue
        if table.__tablename__ not in there:
            continue
        wrong = select(table.id, table.household_id, User.household_id.label("owners"))
        wrong = wrong.join(User, User.id == subject.owner).where(table.household_id != User.household_id)
        # A household that never had people is no family: who represents it is of another.
        people = exists().where(other.household_id == table.household_id)
        joined = exists().where(Household.id == table.household_id, Household.merged_into.is_not(None))
        for found in stream(connection, wrong.where(people | joined).order_by(table.id)):
            words = f"is of household {found.household_id}, and its owner of {found.owners}"
            yield Violation("household_differs", subject.name, found.id, words)
    named = select(FamilyMember.id, FamilyMember.household_id).join(User, User.id == FamilyMember.named_by)
    for found in stream(connection, named.where(FamilyMember.household_id != User.household_id)):
        words = f"is of household {found.household_id}, and who named them is of another"
        yield Violation("household_differs", "family_member", found.id, words)


def check_joined(connection: Connection, _now: datetime) -> Iterator[Violation]:
    left = exists().where(User.household_id == Household.id) | exists().where(FamilyMember.household_id == Household.id)
    joined = select(Household.id, Household.merged_into).where(Household.merged_into.is_not(None), left)
    for found in stream(connection, joined.order_by(Household.id)):
        words = f"was joined to {found.merged_into}, and has people left"
        yield Violation("joined_has_people", "family", found.id, words)


def check_beside(connection: Connection, _now: datetime) -> Iterator[Violation]:
    """Check that an appeal which gave way to an older one of its household neither collects nor spends."""
    wrong = select(Appeal.id).where(Appeal.beside != 0, Appeal.state.in_(LIVE))
    for found in stream(connection, wrong.order_by(Appeal.id)):
        yield Violation("beside_is_live", "appeal", found.id, "gave way to an older one of its household, and is live")
