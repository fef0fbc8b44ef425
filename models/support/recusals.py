"""Tell whom a report keeps from a task: from the inquiry itself, and later from undoing what it brought about."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.state_machine import By
from models.staff.decision import Decision
from models.staff.member import Staff, seats_covering
from models.support.inquiry import REPORTABLE, SUBJECT, Inquiry
from models.support.reported_thing import CONCERNED
from models.support.reporting import barred_from

# Verdicts that stop a thing, or end or lift the stop.
_STOPS = ("freeze", "pass", "resume", "revoke")
# Subjects that only the county that stopped them lets go on.
_KEPT = ("appeal", "case")


def concerned(db: Session, subject: str, number: int, _household_id: int | None) -> dict[int, str]:
    """Map each seat to CONCERNED of those who may not do the task of an inquiry, or of what an inquiry stopped.

    Where another county decided to freeze an appeal or a verification, its own county has no part in that either.
    """
    if subject == SUBJECT:
        inquiry = db.get(Inquiry, number)
        return barred_from(db, inquiry) if inquiry else {}
    stopped = inquiry_that_stopped(db, subject, number)
    if stopped is None:
        return {}
    barred = barred_from(db, stopped)
    decider = db.get_one(Staff, stopped.decided_by)
    if subject in _KEPT and not decider.covers(stopped.region_code):
        own = (Staff.role == By.COUNTY) & seats_covering(stopped.region_code, By.COUNTY)
        barred |= dict.fromkeys(db.scalars(select(Staff.id).where(own)), CONCERNED)
    return barred


def inquiry_that_stopped(db: Session, subject: str, number: int) -> Inquiry | None:
    """Find the inquiry by which the thing was frozen, suspended or taken down, while nobody has decided otherwise.

    It may have been stopped already when the reports were found right: then by that inquiry it stays so.
    """
    if subject not in REPORTABLE:
        return None
    its_own = (Decision.subject == subject) & (Decision.subject_id == number) & Decision.verdict.in_(_STOPS)
    newest = db.scalar(select(Decision).where(its_own).order_by(Decision.id.desc()).limit(1))
    if newest is None or newest.verdict != "freeze":
        return None
    about = (Inquiry.about == subject) & (Inquiry.about_id == number)
    if subject == "appeal":
        about |= Inquiry.appeal_id == number
    # What an inquiry brings about is decided in its moment, by who decided on it: that one comes first.
    decided = (Inquiry.decided_at >= newest.at) & (Inquiry.state == "upheld")
    return db.scalar(select(Inquiry).where(about, decided).order_by(Inquiry.decided_at, Inquiry.id).limit(1))
