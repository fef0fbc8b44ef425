"""Officers read an erasure that was asked for on paper, confirm it as the second person, or stop it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.refusal import Refusal
from models.people.user import User
from models.rights.erasure.paper import (
    MACHINE,
    SUBJECT,
    PaperErasure,
    check_may_be_erased,
    tell_officer,
)
from models.rights.erasure.request import COOLS
from models.rights.erasure.standing import show_standing
from models.staff.decision import decide, end_review
from models.staff.file_access import TaskView, may_read_as_authority, record_file_access, view_task
from models.staff.member import Staff
from models.staff.pictures_opened import demand_opened
from models.staff.signers import CannotSign, SignerGone, check_signers
from models.staff.turn import demand_task


class NoSuchPaperErasure(Refusal):
    """There is none of this number, or the reader may not know that there is: the words are the same."""

    code = "no_such_paper_erasure"


@dataclass(frozen=True, slots=True)
class PaperFile:
    """An erasure as its officers see it. ``work_no`` handed it in; ``stoppable``: the reader may stop it."""

    number: int
    name: str
    id_tail: str
    state: str
    work_no: str
    until: datetime | None
    standing: dict[str, Any]
    stoppable: bool
    task: TaskView


def open_paper_erasure(db: Session, staff: Staff, number: int, now: datetime) -> PaperFile:
    """Show it to an officer of the place; the reading is recorded. Raises NoSuchPaperErasure."""
    paper = _readable(db, staff, number)
    record_file_access(db, staff, SUBJECT, number, paper.user_id, now)
    user = db.get_one(User, paper.user_id)
    return PaperFile(
        number=number,
        name=user.name or "",
        id_tail=(user.id_number or "")[-4:],
        state=paper.state,
        work_no=db.get_one(Staff, paper.staff_id).work_no,
        until=paper.until,
        standing=show_standing(db, None, paper.user_id).facts,
        stoppable=(paper.state, "stopped") in MACHINE.moves,
        task=view_task(db, staff, SUBJECT, number),
    )


def check_decidable(db: Session, staff: Staff, number: int) -> PaperErasure:
    """Lock and return it for the officer whose turn it is.

    Raises NoSuchPaperErasure, OutsideRegion, NotYourTurn, NotIdentified or HasConflict.
    """
    paper = _lock(db, number)
    demand_task(db, staff, paper.matter, paper.state)
    return paper


def demand_pictures_opened(db: Session, staff: Staff, number: int) -> None:
    """Check that this officer has opened the pictures; they were handed in with it. Raises PicturesNotOpened."""
    demand_opened(db, staff, SUBJECT, number, changes=AuditEvent.action == "asked", needs_one=True)


def confirm(db: Session, staff: Staff, number: int, now: datetime) -> PaperErasure:
    """Confirm it as the second person: the seven days begin, and who handed it in is told.

    Raises PicturesNotOpened, HasOwnWeChat, CannotEraseThem, SignerGone, or as ``check_decidable`` does.
    """
    paper = check_decidable(db, staff, number)
    demand_pictures_opened(db, staff, number)
    check_may_be_erased(db, paper.user_id)
    try:
        by = (db.get_one(Staff, paper.staff_id), staff)
        check_signers(db, by, paper.household_id, paper.region_code, now, county=False)
    except CannotSign as refused:
        raise SignerGone(work_no=refused.work_no, subject=SUBJECT, number=number) from None
    decide(db, paper.matter, 1, staff, "pass", now)
    paper.confirmed_by, paper.until = staff.id, now + COOLS
    end_review(db, MACHINE, paper, "cooling", staff.actor, now, staff=staff)
    tell_officer(db, paper, "confirmed", now, until=paper.until.isoformat())
    return paper


def send_back(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> PaperErasure:
    """Leave everything as it is, and tell who handed it in why. Raises as ``check_decidable`` does."""
    paper = check_decidable(db, staff, number)
    decide(db, paper.matter, 1, staff, "return", now, reasons)
    paper.ended_at = now
    end_review(db, MACHINE, paper, "returned", staff.actor, now, staff=staff)
    tell_officer(db, paper, "returned", now, reasons=list(reasons))
    return paper


def stop(db: Session, staff: Staff, number: int, now: datetime) -> PaperErasure:
    """Stop it on the person's word, before it begins. Raises NoSuchPaperErasure or WrongState."""
    _readable(db, staff, number)
    paper = _lock(db, number)
    MACHINE.check(paper.state, "stopped", staff.actor)
    paper.ended_at = now
    end_review(db, MACHINE, paper, "stopped", staff.actor, now)
    if paper.staff_id != staff.id:
        tell_officer(db, paper, "stopped", now, work_no=staff.work_no)
    return paper


def _readable(db: Session, staff: Staff, number: int) -> PaperErasure:
    paper = db.get(PaperErasure, number)
    if paper is None or not may_read_as_authority(db, staff, paper.matter):
        raise NoSuchPaperErasure(number=number)
    return paper


def _lock(db: Session, number: int) -> PaperErasure:
    paper = db.get(PaperErasure, number, with_for_update=True, populate_existing=True)
    if paper is None:
        raise NoSuchPaperErasure(number=number)
    return paper
