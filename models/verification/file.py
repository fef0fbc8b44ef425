"""A case's file: what officers see of it. It names the resident, so every access is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.people.user import User
from models.places.region import Region
from models.staff.file_access import TaskView, may_read_as_authority, record_file_access, view_task
from models.staff.member import Staff
from models.staff.turn import reaches
from models.verification.case import Verification
from models.verification.visit import Visit


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A verification case as officers see it. ``findings``, ``score``, ``supports``, ``flags``: of its newest visit.

    ``alone``: an officer of another county reads it for a report of it, and nothing that belongs to it.
    """

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
    alone: bool
    task: TaskView


def open_case_file(db: Session, staff: Staff, number: int, now: datetime) -> CaseFile | None:
    """Open a case for an officer, with all that a decision needs, and record the access.

    None if there is no such case, it is outside the officer's region or of their own household, and for a fund holder.
    """
    case = db.get(Verification, number)
    if case is None or not may_read_as_authority(db, staff, case.matter):
        return None
    user = db.get_one(User, case.user_id)
    record_file_access(db, staff, "case", number, user.id, now)
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
        alone=not reaches(db, staff, case.matter),
        task=view_task(db, staff, "case", number),
    )


def open_visit_record(db: Session, staff: Staff, number: int, now: datetime) -> Visit | None:
    """Open the newest visit of a case and record the access. None as for ``open_case_file``, and without a visit."""
    case = db.get(Verification, number)
    if case is None or not may_read_as_authority(db, staff, case.matter):
        return None
    visit = db.scalar(select(Visit).where(Visit.verification_id == number).order_by(Visit.id.desc()).limit(1))
    if visit:
        record_file_access(db, staff, "case", number, case.user_id, now)
    return visit
