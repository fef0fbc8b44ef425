"""An appeal's file: what its reviewers see of it. It names the owner, so every access is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, BudgetLine
from models.appeals.revision import approvals_of
from models.core.state_machine import By
from models.people.user import User
from models.places.region import Region
from models.proxy.mandate import is_unconfirmed
from models.staff.file_access import TaskView, has_read, may_read, record_file_access, view_task
from models.staff.member import Staff
from models.staff.turn import reaches
from models.verification.case import Verification


@dataclass(frozen=True, slots=True)
class AppealFile:
    """An appeal as its reviewers see it. ``name`` and ``phone``: the owner's; ``verified``: the state of their case.

    ``hidden``: the reader may not see who asks. ``alone``: an officer of another county reads it for a report of it,
    and nothing that belongs to it. ``reopens``: the earlier appeal that it repeats, and how that ended.
    """

    number: int
    kind: str
    category: str
    title: str
    story: str
    place: str
    target_fen: int
    minimum_fen: int | None
    budget: Sequence[tuple[str, int]]
    deadline: datetime | None
    collect_days: int | None
    state: str
    name: str | None
    phone: str | None
    hidden: bool
    alone: bool
    task: TaskView
    case: int | None
    verified: str | None
    unconfirmed: bool
    reopens: tuple[int, str] | None


def open_appeal_file(db: Session, staff: Staff, number: int, now: datetime) -> AppealFile | None:
    """Open an appeal for a reviewer, with its owner, and record the access.

    None if there is no such appeal, it is outside the reviewer's region, or of their own household.
    """
    appeal = db.get(Appeal, number)
    if appeal is None or not may_read(db, staff, appeal.matter):
        return None
    lines = db.scalars(select(BudgetLine).where(BudgetLine.appeal_id == number).order_by(BudgetLine.id))
    owner = db.get_one(User, appeal.owner_id)
    task = view_task(db, staff, "appeal", number)
    # A fund holder is no authority: it sees the owner only while it has to decide on the appeal.
    sees_people = staff.role != By.FUND_HOLDER or task.step == "file"
    record_file_access(db, staff, "appeal", number, owner.id if sees_people else None, now)
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
        collect_days=appeal.collect_days,
        state=appeal.state,
        name=owner.name if sees_people else None,
        phone=owner.phone if sees_people else None,
        hidden=not sees_people,
        alone=not reaches(db, staff, appeal.matter),
        task=task,
        case=case.id if case else None,
        verified=case.state if case else None,
        unconfirmed=is_unconfirmed(db, "appeal", number),
        reopens=_reopened(db, appeal),
    )


def _reopened(db: Session, appeal: Appeal) -> tuple[int, str] | None:
    """Return the number and state of the earlier appeal that this one repeats."""
    earlier = db.get(Appeal, appeal.reopens_id) if appeal.reopens_id else None
    return (earlier.id, earlier.state) if earlier else None


def has_read_appeal(db: Session, staff: Staff, number: int) -> bool:
    """Tell whether this officer has read the appeal since it last moved, or since a revision of it was approved."""
    return has_read(db, staff, "appeal", number, also=approvals_of(number))
