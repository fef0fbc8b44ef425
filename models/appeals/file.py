"""What staff see of an appeal or a case they may look at: who it is about included, so every look is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, BudgetLine
from models.appeals.revision import Revision
from models.core.audit_trail import AuditEvent, record
from models.core.state_machine import By
from models.people.user import User
from models.places.region import Region
from models.proxy.mandate import unconfirmed
from models.staff.conflict_of_interest import is_own
from models.staff.member import Staff
from models.staff.task import find_task, is_turn_of, part_in, reaches
from models.verification.case import Verification
from models.verification.visit import Visit


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a thing waits: ``step``, who holds it (role and work number), until when; ``mine``: the reader may decide.

    ``part``: why they may not, though it is their seat's turn. ``step`` is empty when it waits for nobody.
    """

    step: str = ""
    holder: str = ""
    work_no: str | None = None
    due_at: datetime | None = None
    mine: bool = False
    part: str | None = None


@dataclass(frozen=True, slots=True)
class AppealFile:
    """An appeal as its reviewers see it. ``name`` and ``phone`` are the owner's; ``verified``: state of their case."""

    number: int
    kind: str
    category: str
    title: str
    story: str
    place: str
    target_fen: int
    minimum_fen: int | None
    budget: Sequence[tuple[str, int]]
    deadline: datetime
    state: str
    name: str | None
    phone: str | None
    hidden: bool
    stage: Stage
    case: int | None
    verified: str | None
    unconfirmed: bool


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A verification case as officers see it; the visit's words are ``findings``, its ``score`` and ``flags``."""

    number: int
    state: str
    round: int
    name: str | None
    id_tail: str | None
    phone: str | None
    place: str
    by_proxy: bool
    submitted_at: datetime
    due_at: datetime
    registry: str | None
    registry_status: str | None
    registry_as_of: date | None
    visited_at: datetime | None
    findings: str | None
    score: int | None
    supports: bool | None
    flags: Sequence[str]
    notice_until: datetime | None
    reasons: Sequence[str]
    expires_at: datetime | None
    stage: Stage


def open_appeal(db: Session, staff: Staff, number: int, now: datetime) -> AppealFile | None:
    """What a reviewer needs to know, who asked included; the reading is recorded.

    None outside the region, and of one's own household.
    """
    appeal = db.get(Appeal, number)
    if appeal is None or not reaches(db, staff, appeal.region_code, "appeal", number):
        return None
    if is_own(db, staff, appeal.household_id):
        return None
    lines = db.scalars(select(BudgetLine).where(BudgetLine.appeal_id == number).order_by(BudgetLine.id))
    owner = db.get_one(User, appeal.owner_id)
    stage = stage_of(db, staff, "appeal", number)
    # A charity is no authority: who asks is its business while it has to decide, and of no other appeal.
    sees_people = staff.role != By.FUND_HOLDER or stage.step == "file"
    _record_reading(db, staff, "appeal", number, owner.id if sees_people else None, now)
    theirs = select(Verification).where(Verification.household_id == appeal.household_id)
    newest = theirs.order_by((Verification.state == "verified").desc(), Verification.id.desc())
    case = db.scalar(newest.limit(1))
    return AppealFile(
        number=number,
        kind=appeal.kind,
        category=appeal.category,
        title=appeal.title,
        story=appeal.story,
        place=db.get_one(Region, appeal.region_code).full_name,
        target_fen=appeal.target_fen,
        minimum_fen=appeal.minimum_fen,
        budget=[(line.item, line.amount_fen) for line in lines],
        deadline=appeal.deadline,
        state=appeal.state,
        name=owner.name if sees_people else None,
        phone=owner.phone if sees_people else None,
        hidden=not sees_people,
        stage=stage,
        case=case.id if case else None,
        verified=case.state if case else None,
        unconfirmed=unconfirmed(db, "appeal", number),
    )


def open_case(db: Session, staff: Staff, number: int, now: datetime) -> CaseFile | None:
    """The same of a case. None outside the region, of one's own, and for a charity, whose business it never is."""
    case = db.get(Verification, number)
    if case is None or not _may_read(db, staff, case):
        return None
    user = db.get_one(User, case.user_id)
    _record_reading(db, staff, "case", number, user.id, now)
    visit = db.scalar(select(Visit).where(Visit.verification_id == number).order_by(Visit.id.desc()).limit(1))
    return CaseFile(
        number=number,
        state=case.state,
        round=case.round,
        name=user.name,
        id_tail=user.id_number[-4:] if user.id_number else None,
        phone=user.phone,
        place=db.get_one(Region, case.region_code).full_name,
        by_proxy=user.registered_by is not None,
        submitted_at=case.submitted_at,
        due_at=case.due_at,
        registry=case.registry_result,
        registry_status=case.registry_status,
        registry_as_of=case.registry_as_of,
        visited_at=visit.at if visit else None,
        findings=visit.findings if visit else None,
        score=visit.score if visit else None,
        supports=visit.supports if visit else None,
        flags=visit.flags.split(",") if visit and visit.flags else (),
        notice_until=case.notice_until,
        reasons=case.reasons.split(",") if case.reasons else (),
        expires_at=case.expires_at,
        stage=stage_of(db, staff, "case", number),
    )


def open_visit(db: Session, staff: Staff, number: int, now: datetime) -> Visit | None:
    """A case's newest visit, whole; the reading is recorded. None as of ``open_case``, and where nobody has been."""
    case = db.get(Verification, number)
    if case is None or not _may_read(db, staff, case):
        return None
    visit = db.scalar(select(Visit).where(Visit.verification_id == number).order_by(Visit.id.desc()).limit(1))
    if visit:
        _record_reading(db, staff, "case", number, case.user_id, now)
    return visit


def stage_of(db: Session, staff: Staff | None, subject: str, number: int) -> Stage:
    """Where it waits, as this member of staff (or, with None, its owner) sees it."""
    task = find_task(db, subject, number)
    if task is None:
        return Stage()
    holder = db.get(Staff, task.assignee) if task.assignee else None
    mine = staff is not None and is_turn_of(staff, task)
    part = part_in(db, staff, task) if staff and mine else None
    return Stage(
        step=task.step,
        holder=task.role,
        work_no=holder.work_no if holder else None,
        due_at=task.due_at,
        mine=mine and part is None,
        part=part,
    )


def has_seen(db: Session, staff: Staff, subject: str, number: int) -> bool:
    """Has this one looked at it since it last moved, or since what it says last changed?"""
    its_own = (AuditEvent.subject == subject) & (AuditEvent.subject_id == number)
    changes: ColumnElement[bool] = its_own & AuditEvent.action.in_(("moved", "receipts"))
    if subject == "appeal":
        revisions = select(Revision.id).where(Revision.appeal_id == number)
        approved = (AuditEvent.subject == "revision") & (AuditEvent.to_state == "approved")
        changes = or_(changes, approved & AuditEvent.subject_id.in_(revisions))
    changed = select(func.coalesce(func.max(AuditEvent.id), 0)).where(changes).scalar_subquery()
    looks = its_own & (AuditEvent.action == "read_sensitive") & (AuditEvent.detail == "review")
    looks &= (AuditEvent.actor == staff.actor.name) & (AuditEvent.id > changed)
    return db.scalar(select(AuditEvent.id).where(looks).limit(1)) is not None


def _may_read(db: Session, staff: Staff, case: Verification) -> bool:
    reached = staff.role != By.FUND_HOLDER and reaches(db, staff, case.region_code, "case", case.id)
    return reached and not is_own(db, staff, case.household_id)


def _record_reading(db: Session, staff: Staff, subject: str, number: int, about: int | None, now: datetime) -> None:
    record(
        db,
        at=now,
        actor=staff.actor.name,
        action="read_sensitive",
        subject=subject,
        subject_id=number,
        detail="review",
        about=about,
    )
