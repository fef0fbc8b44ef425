"""Decisions: every stage passed by somebody else, and nobody's word on their own household."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, String, and_, cast, func, or_, select
from sqlalchemy.orm import aliased

from models.appeals.appeal import Appeal
from models.appeals.revision import Revision
from models.books.violation import Violation
from models.core.database import stream
from models.disbursements.disbursement import Disbursement
from models.donors.message import GiftMessage
from models.outreach.update import Update
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.decision import Decision
from models.staff.member import Staff
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
    """As households are today: somebody who has joined one since is named too, for a person to look at."""
    for subject, statement in _own_households().items():
        for found in stream(connection, statement):
            words = f"was decided on ({found.verdict}, decision {found.id}) by staff {found.staff_id} of the household"
            yield Violation("own_household", subject, found.subject_id, words)


def _person(staff: Any) -> ColumnElement[str]:
    """Whose seat it is, whichever they hold: their WeChat, else the seat itself."""
    return func.coalesce(staff.account + " " + staff.openid, cast(staff.id, String))


def _own_households() -> dict[str, Executable]:
    appeal_of_revision = select(Revision.id, Appeal.household_id).join(Appeal, Appeal.id == Revision.appeal_id)
    of_revision = appeal_of_revision.subquery()
    of_use = select(Disbursement.id, Appeal.household_id).join(Appeal, Appeal.id == Disbursement.appeal_id).subquery()
    of_update = select(Update.id, Appeal.household_id).join(Appeal, Appeal.id == Update.appeal_id).subquery()
    of_message = select(GiftMessage.id, Appeal.household_id).join(Appeal, Appeal.id == GiftMessage.appeal_id).subquery()
    return {
        "message": _of(of_message.c.id, of_message.c.household_id, "message"),
        "appeal": _of(Appeal.id, Appeal.household_id, "appeal"),
        "case": _of(Verification.id, Verification.household_id, "case"),
        "revision": _of(of_revision.c.id, of_revision.c.household_id, "revision"),
        "disbursement": _of(of_use.c.id, of_use.c.household_id, "disbursement"),
        "update": _of(of_update.c.id, of_update.c.household_id, "update"),
    }


def _of(number: Any, household_id: Any, subject: str) -> Executable:
    """Decisions by staff who are of the thing's household, by the register of staff or as a user of their own."""
    as_user = (
        select(User.id)
        .join(Conversation, Conversation.user_id == User.id)
        .where(Conversation.account == Staff.account, Conversation.openid == Staff.openid)
        .where(User.household_id == household_id)
    )
    return (
        select(Decision.id, Decision.subject_id, Decision.verdict, Decision.staff_id)
        .join(Staff, Staff.id == Decision.staff_id)
        .join_from(Decision, number.table, and_(Decision.subject == subject, Decision.subject_id == number))
        .where(or_(Staff.household_id == household_id, as_user.exists()))
        .order_by(Decision.id)
    )
