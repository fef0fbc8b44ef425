"""Check against the audit trail who visited, reviewed, decided and endorsed, and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, cast, func, literal, or_, select
from sqlalchemy.orm import aliased

from models.appeals.appeal import Appeal
from models.books.violation import Violation
from models.core.audit_trail import AuditEvent
from models.core.database import stream
from models.people.user import Household
from models.staff.decision import DECIDED, Decision, audit_detail
from models.staff.member import Staff
from models.staff.recusal import Recusal
from models.staff.task import Task
from models.verification.case import NOTICE_PERIOD, VALIDITY, Verification


@dataclass(frozen=True, slots=True)
class Signed:
    """A rule: ``column`` names the officer who made the last move into one of ``to``, out of one of ``of`` if given."""

    subject: str
    column: Any
    to: tuple[str, ...]
    of: tuple[str, ...] = ()


SIGNED = (
    Signed("case", Verification.visited_by, ("visited",)),
    Signed("case", Verification.reviewed_by, ("county_review",)),
    Signed("case", Verification.decided_by, ("verified", "rejected"), ("county_review",)),
    Signed("appeal", Appeal.endorsed_by, ("endorsed",), ("submitted", "village_review")),
)


def check_signed(connection: Connection, _now: datetime) -> Iterator[Violation]:
    for signed in SIGNED:
        yield from _check_who(connection, signed)
    yield from _check_days(connection)
    yield from _check_visitors(connection)
    yield from _check_roles(connection)
    yield from _check_recusals(connection)


def check_decisions(connection: Connection, _now: datetime) -> Iterator[Violation]:
    """Check that each decision is as it was sealed in the audit trail, and that no sealed decision is missing."""
    its_event = (AuditEvent.subject == DECIDED) & (AuditEvent.subject_id == Decision.id)
    columns = (Decision.id, Decision.subject, Decision.subject_id, Decision.round, Decision.verdict, Decision.role)
    link = (AuditEvent.detail, AuditEvent.actor, AuditEvent.at.label("sealed_at"))
    kept = select(*columns, Decision.staff_id, Decision.at, *link)
    for row in stream(connection, kept.outerjoin(AuditEvent, its_event).order_by(Decision.id)):
        if row.detail is None:
            yield Violation("decision_unsealed", row.subject, row.subject_id, f"has a decision ({row.id}) of no event")
        elif (row.detail, row.actor, row.sealed_at) != (audit_detail(row), f"staff:{row.staff_id}", row.at):
            words = f"has a decision ({row.id}) that is not what was sealed ({row.detail} by {row.actor})"
            yield Violation("decision_differs", row.subject, row.subject_id, words)
    gone = select(AuditEvent.subject_id, AuditEvent.detail).outerjoin(Decision, Decision.id == AuditEvent.subject_id)
    gone = gone.where(AuditEvent.subject == DECIDED, Decision.id.is_(None)).order_by(AuditEvent.id)
    for row in stream(connection, gone):
        yield Violation("decision_gone", DECIDED, row.subject_id, f"was made ({row.detail}) and is not there")


def _check_who(connection: Connection, signed: Signed) -> Iterator[Violation]:
    event, thing = AuditEvent, signed.column.class_
    last = select(event.subject_id, func.max(event.id).label("id")).group_by(event.subject_id)
    last = last.where(event.subject == signed.subject, event.to_state.in_(signed.to))
    if signed.of:
        last = last.where(event.from_state.in_(signed.of))
    moved = last.subquery()
    wrong = or_(event.id.is_(None), event.actor != literal("staff:") + cast(signed.column, String))
    statement = (
        select(thing.id, signed.column.label("who"), event.actor)
        .outerjoin(moved, moved.c.subject_id == thing.id)
        .outerjoin(event, event.id == moved.c.id)
        .where(signed.column.is_not(None), wrong)
        .order_by(thing.id)
    )
    for found in stream(connection, statement):
        words = f"names staff {found.who} as {signed.column.key}, but the trail {found.actor or 'nobody'}"
        yield Violation("signed_by_another", signed.subject, found.id, words)


def _check_days(connection: Connection) -> Iterator[Violation]:
    """Check that a verification lasts its term from the decision, and that a public notice lasted its minimum."""
    case = Verification
    columns = (case.id, case.state, case.decided_at, case.expires_at, case.notice_from, case.notice_until)
    dated = or_(case.expires_at.is_not(None), case.notice_from.is_not(None))
    for found in stream(connection, select(*columns).where(dated).order_by(case.id)):
        if found.state == "verified" and (found.decided_at is None or found.expires_at != found.decided_at + VALIDITY):
            yield Violation("wrong_term", "case", found.id, f"is verified for other than {VALIDITY.days} days")
        if found.notice_from and (found.notice_until is None or found.notice_until < found.notice_from + NOTICE_PERIOD):
            yield Violation("short_notice", "case", found.id, f"is on notice for less than {NOTICE_PERIOD.days} days")


def _check_visitors(connection: Connection) -> Iterator[Violation]:
    """Check that an appeal's endorser is not the officer who last visited the household before.

    What was endorsed before the household last joined or split was of the household of then.
    """
    case, later = Verification, aliased(Verification)
    before = (case.household_id == Appeal.household_id) & (case.visited_at <= Appeal.endorsed_at)
    newer = (later.household_id == Appeal.household_id) & (later.visited_at <= Appeal.endorsed_at)
    statement = select(Appeal.id, Appeal.endorsed_by, case.id.label("case")).join(case, before)
    newest = ~select(later.id).where(newer, later.id > case.id).exists()
    statement = statement.join(Household, Household.id == Appeal.household_id)
    since = or_(Household.changed_at.is_(None), Appeal.endorsed_at > Household.changed_at)
    statement = statement.where(case.visited_by == Appeal.endorsed_by, newest, since).order_by(Appeal.id)
    for found in stream(connection, statement):
        words = f"was endorsed by staff {found.endorsed_by}, who visited the household (case {found.case})"
        yield Violation("endorsed_by_visitor", "appeal", found.id, words)


def _check_roles(connection: Connection) -> Iterator[Violation]:
    """Check that officers have the role they were appointed or invited to. Regions may change by succession."""
    event = AuditEvent
    given = (event.subject == "staff") & (event.subject_id == Staff.id) & event.action.in_(("appointed", "invited"))
    statement = select(Staff.id, Staff.role, event.detail).join(event, given).where(event.detail != Staff.role)
    for found in stream(connection, statement.order_by(Staff.id)):
        yield Violation("other_role", "staff", found.id, f"is {found.role}, but was appointed as {found.detail}")


def _check_recusals(connection: Connection) -> Iterator[Violation]:
    """Check that each recusal in the audit trail still has its row."""
    event = AuditEvent
    detail = Staff.work_no + literal(" ") + Recusal.reason
    kept = (
        select(Recusal.id)
        .join(Task, Task.id == Recusal.task_id)
        .join(Staff, Staff.id == Recusal.staff_id)
        .where(Task.subject == event.subject, Task.subject_id == event.subject_id, detail == event.detail)
    )
    noted = select(event.id, event.subject, event.subject_id).where(event.action == "recused", ~kept.exists())
    for found in stream(connection, noted.order_by(event.id)):
        yield Violation(
            "recusal_gone", found.subject, found.subject_id, f"has lost who stepped aside (link {found.id})"
        )
