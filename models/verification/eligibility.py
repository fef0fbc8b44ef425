"""Check whether a household may open an appeal, and open its endorsement task once the household is verified."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.staff.task import Matter, open_task
from models.verification.case import (
    OPEN,
    WAIT_AFTER_REJECTION,
    CaseRevoked,
    NotVerified,
    RejectedLately,
    Verification,
    check_verified,
)

_MOST_CASES = 20


def check_may_appeal(db: Session, household_id: int | None) -> None:
    """Refuse a new appeal of a household that was turned down, before its owner answers all the questions.

    Passes if the household has no case, or a member with an open one. Raises CaseRevoked, or RejectedLately with the
    ``day`` from which a new case may begin.
    """
    theirs = select(Verification).where(Verification.household_id == household_id)
    cases = db.scalars(theirs.order_by(Verification.id.desc()).limit(_MOST_CASES)).all()
    if not cases or any(case.state in OPEN for case in cases):
        return
    newest = cases[0]
    if newest.state == "revoked":
        raise CaseRevoked(number=newest.id)
    if newest.state == "rejected" and newest.decided_at:
        raise RejectedLately(number=newest.id, day=newest.decided_at + WAIT_AFTER_REJECTION)


def open_endorsement(db: Session, matter: Matter, now: datetime) -> None:
    """Open the endorsement task if the household is verified; until then the appeal waits without a deadline.

    Waits for a case that is being decided at the same time (models.verification.case.lock_cases): that decision opens
    the tasks of the appeals that it sees.
    """
    try:
        check_verified(db, matter.household_id, now)
    except NotVerified:
        return
    open_task(db, matter, "endorse", now, verifiers_of(db, matter.household_id))


def verifiers_of(db: Session, household_id: int | None) -> dict[int, str]:
    """Staff id -> reason: who visited or reviewed the household may not pass its appeals.

    Counts its newest visited case, and others that are open.
    """
    theirs = (Verification.household_id == household_id) & Verification.visited_by.is_not(None)
    found = db.scalars(select(Verification).where(theirs).order_by(Verification.id.desc()).limit(_MOST_CASES)).all()
    cases = [case for case in found if case is found[0] or case.state in OPEN]
    reviewers = {case.reviewed_by: "reviewed_them" for case in cases if case.reviewed_by}
    return {**reviewers, **{case.visited_by: "verified_them" for case in cases if case.visited_by}}
