"""When an appeal comes to its officer: once it is known whose it is, and to nobody who found that out."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.staff.task import Matter, open_task
from models.verification.case import OPEN, WAIT, CaseRevoked, NotVerified, RejectedLately, Verification, check_verified

_MOST_CASES = 20


def check_may_ask(db: Session, household_id: int | None) -> None:
    """Nobody answers nine questions for what nobody will look at: after a no, the household is verified anew first.

    Raises CaseRevoked, or RejectedLately with the ``day`` from which on it may, unless somebody of the household has a
    case that is open.
    """
    theirs = select(Verification).where(Verification.household_id == household_id)
    cases = db.scalars(theirs.order_by(Verification.id.desc()).limit(_MOST_CASES)).all()
    if not cases or any(case.state in OPEN for case in cases):
        return
    newest = cases[0]
    if newest.state == "revoked":
        raise CaseRevoked(number=newest.id)
    if newest.state == "rejected" and newest.decided_at:
        raise RejectedLately(number=newest.id, day=newest.decided_at + WAIT)


def open_endorsement(db: Session, matter: Matter, now: datetime) -> None:
    """Into an officer's queue, if somebody of the household is verified; until then it waits without a clock.

    A case that is just being decided on is waited for (models.verification.case.hold_cases): whoever decides on it
    opens what it sees.
    """
    try:
        check_verified(db, matter.household_id, now)
    except NotVerified:
        return
    open_task(db, matter, "endorse", now, visitors_of(db, matter.household_id))


def visitors_of(db: Session, household_id: int | None) -> dict[int, str]:
    """Who verified the household, by a visit or a second look, is not the one to vouch for what it asks for.

    Of its last case, and of any that is open beside that.
    """
    theirs = (Verification.household_id == household_id) & Verification.visited_by.is_not(None)
    found = db.scalars(select(Verification).where(theirs).order_by(Verification.id.desc()).limit(_MOST_CASES)).all()
    cases = [case for case in found if case is found[0] or case.state in OPEN]
    looked = {case.reviewed_by: "reviewed_them" for case in cases if case.reviewed_by}
    return {**looked, **{case.visited_by: "verified_them" for case in cases if case.visited_by}}
