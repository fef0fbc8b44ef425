"""Check decisions: each stage is passed by a different person, and no officer decides on their own household."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, String, and_, cast, func, or_, select
from sqlalchemy.orm import aliased

from models.books.violation import Violation
from models.core.database import stream
from models.core.subject import Subject
from models.people.conversation import Conversation
from models.people.user import Household, User
from models.staff.decision import Decision
from models.staff.member import Staff
from models.subjects import SUBJECTS, select_records
from models.verification.case import Verification


def check_three_people(connection: Connection, _now: datetime) -> Iterator[Violation]:
    same = (
        select(Decision.subject, Decision.subject_id, Decision.round)
        .join(Staff, Staff.id == Decision.staff_id)
        .where(Decision.verdict == "pass")
        .group_by(Decision.subject, Decision.subject_id, Decision.round)
        .having(func.count() > func.count(_person(Staff).distinct()))
    )
    for found in stream(connection, same):
        words = f"was passed at two stages of round {found.round} by one person"
        yield Violation("passed_by_one", found.subject, found.subject_id, words)
    case = Verification
    visitor, reviewer, decider = aliased(Staff), aliased(Staff), aliased(Staff)
    people = [_person(one) for one in (visitor, reviewer, decider)]
    equal = or_(people[0] == people[1], people[0] == people[2], people[1] == people[2])
    decided = select(case.id).outerjoin(visitor, visitor.id == case.visited_by)
    decided = decided.outerjoin(reviewer, reviewer.id == case.reviewed_by)
    decided = decided.outerjoin(decider, decider.id == case.decided_by)
    for found in stream(connection, decided.where(equal).order_by(case.id)):
        yield Violation("passed_by_one", "case", found.id, "was visited, reviewed or decided on by one person")


def check_households(connection: Connection, _now: datetime) -> Iterator[Violation]:
    """Check that no officer decided on their household, as it is today: one who joined it later is named too.

    What was decided before a household last joined or split is left out: it was of the household of then.
    """
    for name in connection.scalars(select(Decision.subject).distinct()).all():
        subject = SUBJECTS.get(name)
        if subject is None or (subject.parent or subject).household is None:
            continue
        for found in stream(connection, _own_households(subject)):
            words = f"was decided on ({found.verdict}, decision {found.id}) by staff {found.staff_id} of the household"
            yield Violation("own_household", subject.name, found.subject_id, words)


def _person(staff: Any) -> ColumnElement[str]:
    """Identify the person behind a seat: by their WeChat identity, else by the seat itself."""
    return func.coalesce(staff.account + " " + staff.openid, cast(staff.id, String))


def _own_households(subject: Subject) -> Executable:
    """Select decisions by officers of the subject's household, by the staff register or by their own user."""
    thing = select_records(subject).subquery().c
    as_user = (
        select(User.id)
        .join(Conversation, Conversation.user_id == User.id)
        .where(Conversation.account == Staff.account, Conversation.openid == Staff.openid)
        .where(User.household_id == thing.household)
    )
    return (
        select(Decision.id, Decision.subject_id, Decision.verdict, Decision.staff_id)
        .join(Staff, Staff.id == Decision.staff_id)
        .join(thing.part.table, and_(Decision.subject == subject.name, Decision.subject_id == thing.part))
        .join(Household, Household.id == thing.household)
        .where(or_(Household.changed_at.is_(None), Decision.at > Household.changed_at))
        .where(or_(Staff.household_id == thing.household, as_user.exists()))
        .order_by(Decision.id)
    )
