"""Officers read an inquiry (看 举报3) and decide on it; none of the concerned learns that there is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.state_machine import SYSTEM, By, WrongState
from models.notifications.notify import NewNotification, notify_each
from models.people.photo import Photo
from models.staff.decision import decide, end_review
from models.staff.file_access import TaskView, has_read, record_file_access, view_task
from models.staff.member import Staff
from models.staff.task import Task, assign_to, find_task
from models.staff.turn import demand_task, is_turn_of, reaches, recuse_if_conflicted
from models.support.inquiry import LIVE, MACHINE, SUBJECT, Inquiry, NoSuchInquiry, Report, get_inquiry
from models.support.inquiry_outcome import carry_out, outcomes
from models.support.payout_hold import hold_payouts
from models.support.reported_thing import ReportedThing, thing_now
from models.support.reporters import weigh
from models.support.reporting import barred_from, move_before

# So many reports are read at a time; a screen of the file has fewer.
PAGE = 4


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One report as an officer reads it, without whose it is."""

    number: int
    kind: str
    words: str
    pictures: int
    at: datetime


@dataclass(frozen=True, slots=True)
class InquiryFile:
    """An inquiry as its officer sees it. ``possible``: what may be done about the thing, for the county alone."""

    number: int
    thing: ReportedThing
    state: str
    reports: Sequence[ReportLine]
    count: int
    held_until: datetime | None
    task: TaskView
    possible: Sequence[str]


def may_read(db: Session, staff: Staff, inquiry: Inquiry) -> bool:
    """Tell whether the officer may read it: one of the county, or of the township whose turn it is, and not concerned.

    Who is concerned is found anew each time, for an officer may get their seat after the report.
    """
    task = find_task(db, SUBJECT, inquiry.id)
    role = staff.role == By.COUNTY or (staff.role == By.TOWNSHIP and task is not None and is_turn_of(staff, task))
    return role and reaches(db, staff, inquiry.matter) and staff.id not in barred_from(db, inquiry)


def decides_on(db: Session, staff: Staff, subject: str, number: int) -> bool:
    """Tell whether the officer holds an undecided inquiry into this thing, perhaps from another county, or into an
    update of this appeal: who decides on a thing reads it."""
    about = (Inquiry.about == subject) & (Inquiry.about_id == number)
    if subject == "appeal":
        about |= Inquiry.appeal_id == number
    held = (Task.subject == SUBJECT) & (Task.subject_id == Inquiry.id) & Task.closed_at.is_(None)
    held &= Task.assignee == staff.id
    found = db.scalars(select(Inquiry).join(Task, held).where(about, Inquiry.state.in_(LIVE))).all()
    return any(may_read(db, staff, inquiry) for inquiry in found)


def open_inquiry(db: Session, staff: Staff, number: int, now: datetime, newest: int | None = None) -> InquiryFile:
    """Show an inquiry with PAGE of its reports, the newest first, from the report ``newest`` on; record the reading.

    Raises NoSuchInquiry.
    """
    inquiry = demand_readable(db, staff, number)
    record_file_access(db, staff, SUBJECT, number, None, now)
    if inquiry.county_read_at is None and staff.role == By.COUNTY and inquiry.state in LIVE:
        inquiry.county_read_at = now
        hold_payouts(db, inquiry, weigh(db, inquiry, now), now)
    task = view_task(db, staff, SUBJECT, number)
    decides = task.mine and staff.role == By.COUNTY
    return InquiryFile(
        number=number,
        thing=thing_now(db, inquiry.about, inquiry.about_id),
        state=inquiry.state,
        reports=_reports(db, number, newest),
        count=db.scalar(select(func.count()).where(Report.inquiry_id == number)) or 0,
        held_until=inquiry.held_until if inquiry.is_holding(now) else None,
        task=task,
        possible=outcomes(db, staff, inquiry, now) if decides else (),
    )


def demand_readable(db: Session, staff: Staff, number: int) -> Inquiry:
    """Lock and return an inquiry that the officer may read. Raises NoSuchInquiry."""
    inquiry = get_inquiry(db, number)
    if not may_read(db, staff, inquiry):
        raise NoSuchInquiry(number=number)
    return inquiry


def demand_decidable(db: Session, staff: Staff, number: int) -> Inquiry:
    """Lock and return the inquiry for the officer whose turn it is.

    Raises NoSuchInquiry, NotYourTurn, NotIdentified or HasConflict.
    """
    inquiry = demand_readable(db, staff, number)
    demand_task(db, staff, inquiry.matter, inquiry.state)
    return inquiry


def has_read_reports(db: Session, staff: Staff, number: int) -> bool:
    """Tell whether the officer has opened the inquiry since the last report came."""
    came = (AuditEvent.subject == SUBJECT) & (AuditEvent.subject_id == number) & (AuditEvent.action == "reported")
    return has_read(db, staff, SUBJECT, number, also=came)


def dismiss(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Inquiry:
    """Decide that the reports were not right, and tell who reported. Raises as ``demand_decidable`` does."""
    inquiry = demand_decidable(db, staff, number)
    decide(db, inquiry.matter, 1, staff, "dismiss", now, reasons)
    _end(db, inquiry, staff, "not_upheld", "dismissed", now)
    return inquiry


def uphold(db: Session, staff: Staff, number: int, outcome: str, reasons: Sequence[str], now: datetime) -> Inquiry:
    """Decide that the reports were right, do what follows (``outcomes``), and tell who reported.

    Raises as ``demand_decidable`` does, and WrongState where the thing has changed so that this cannot be done.
    """
    inquiry = demand_decidable(db, staff, number)
    if outcome not in outcomes(db, staff, inquiry, now):
        raise WrongState(subject=SUBJECT, state=inquiry.state, wanted=outcome)
    decide(db, inquiry.matter, 1, staff, "uphold", now, reasons)
    _end(db, inquiry, staff, "upheld", outcome, now)
    carry_out(db, staff, inquiry, outcome, now)
    _hand_over(db, staff, inquiry, now)
    return inquiry


def pass_to_county(db: Session, staff: Staff, number: int, now: datetime) -> Inquiry:
    """The township found something in it: the county decides. Raises as ``demand_decidable`` does, or NotYours."""
    inquiry = demand_decidable(db, staff, number)
    MACHINE.check(inquiry.state, "before_county", staff.actor)
    decide(db, inquiry.matter, 1, staff, "pass", now)
    move_before(db, inquiry, "before_county", now, staff)
    return inquiry


def _hand_over(db: Session, staff: Staff, inquiry: Inquiry, now: datetime) -> None:
    """Give the task of what is stopped to the officer of another county who decided; else take it from the concerned,
    who may have stopped the thing before."""
    subject, number = ("appeal", inquiry.appeal_id) if inquiry.appeal_id else (inquiry.about, inquiry.about_id)
    task = find_task(db, subject, number)
    if task and task.step in ("frozen", "suspended") and not staff.covers(task.region_code):
        assign_to(db, task, staff, SYSTEM.name, now)
    elif task and task.assignee:
        recuse_if_conflicted(db, db.get_one(Staff, task.assignee), subject, number, now)


def _reports(db: Session, number: int, newest: int | None) -> list[ReportLine]:
    count = select(func.count()).where(Photo.subject == "report", Photo.subject_id == Report.id, Photo.state == "kept")
    theirs = select(Report, count.correlate(Report).scalar_subquery()).where(Report.inquiry_id == number)
    if newest is not None:
        theirs = theirs.where(Report.id <= newest)
    rows = db.execute(theirs.order_by(Report.id.desc()).limit(PAGE))
    return [ReportLine(one.id, one.kind, one.words, pictures, one.at) for one, pictures in rows]


def _end(db: Session, inquiry: Inquiry, staff: Staff, state: str, outcome: str, now: datetime) -> None:
    inquiry.decided_by, inquiry.decided_at, inquiry.outcome = staff.id, now, outcome
    end_review(db, MACHINE, inquiry, state, staff.actor, now, staff=staff)
    thing = thing_now(db, inquiry.about, inquiry.about_id)
    facts = {"about": thing.about, "thing": thing.number, "outcome": outcome}
    if thing.about == "staff":
        facts["name"] = thing.name
    reports = db.execute(select(Report.id, Report.conversation_id).where(Report.inquiry_id == inquiry.id))
    new = [NewNotification(person, inquiry.id, facts, f"report_decided:{number}") for number, person in reports]
    notify_each(db, "report_decided", SUBJECT, new, now)
