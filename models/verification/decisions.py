"""Staff decide on a case, stage by stage: visit, objections, township review, county decision."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.hooks import Hook
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, By, WrongState
from models.notifications.notify import notify
from models.staff.conflict_of_interest import conflicts_with
from models.staff.decision import decide, overturn
from models.staff.member import Staff, all_seats_of
from models.staff.task import Task, close_task, open_task, recuse
from models.staff.turn import HasConflict, NotYourTurn, demand_region, demand_task
from models.verification.case import (
    MACHINE,
    NOTICE_PERIOD,
    OPEN,
    PROMISED,
    VALIDITY,
    Verification,
    newest_case_of,
    on_ended,
)
from models.verification.lifecycle import back_to_visit, notify_owner, to_county, to_township
from models.verification.objection import Objection
from models.verification.visit import Visit

# Arguments: the household's id. Called when it is verified or reinstated.
on_verified: Hook[[Session, int, datetime], None] = Hook("verification.decisions.on_verified")
# Arguments: the household's id. Called when it is suspended; returns the numbers of the appeals that it froze.
on_suspended: Hook[[Session, int, datetime], list[int]] = Hook("verification.decisions.on_suspended")
# Arguments: the household's id, and ``rejected`` or ``revoked``. Called if no member has another open case.
on_rejected_or_revoked: Hook[[Session, int, str, datetime], None] = Hook(
    "verification.decisions.on_rejected_or_revoked"
)


class FoundNotInNeed(Refusal):
    """The case cannot be verified: its last visit found no need, or it was not on notice for five days."""

    code = "found_not_in_need"


class StillSuspended(Refusal):
    """An earlier case of this person is suspended (``number``): the county decides on that one first."""

    code = "still_suspended"


def demand_visit_task(db: Session, case: Verification, staff: Staff) -> Task:
    """Get this officer's visit task. Raises OutsideRegion, NotYourTurn, HasConflict, or WrongState at another step."""
    task = demand_task(db, staff, case.matter, case.state)
    if task.step != "visit":
        raise WrongState(subject="case", state=case.state, wanted="visited")
    return task


def move_after_visit(db: Session, case: Verification, staff: Staff, visit: Visit, now: datetime) -> None:
    """Move a case after its visit: to public notice if in need, else to the township. Raises as demand_visit_task."""
    demand_visit_task(db, case, staff)
    decide(db, case.matter, case.round, staff, "pass" if visit.supports else "reject", now)
    case.visited_by, case.visited_at = staff.id, now
    _recuse_from_appeals(db, case, staff, "verified_them", now)
    MACHINE.move(db, case, "visited", staff.actor, now)
    close_task(db, "case", case.id, now, staff)
    if visit.supports:
        case.notice_from, case.notice_until = now, now + NOTICE_PERIOD
        MACHINE.move(db, case, "public_notice", SYSTEM, now)
    else:
        to_township(db, case, now, sampled=True)
    notify_owner(db, case, "case_moved", now)
    db.flush()


def adjudicate(db: Session, case: Verification, staff: Staff, upheld: bool, now: datetime) -> list[Objection]:
    """Decide on all open objections and notify the objectors. Returns the objections.

    Upheld: the case goes back to a visit by another officer. Dismissed: the notice goes on.

    Raises OutsideRegion, NotYourTurn or HasConflict.
    """
    demand_task(db, staff, case.matter, case.state)
    decide(db, case.matter, case.round, staff, "uphold" if upheld else "dismiss", now)
    found = list(db.scalars(select(Objection).where(Objection.verification_id == case.id, Objection.state == "open")))
    for objection in found:
        objection.state, objection.decided_by, objection.decided_at = "upheld" if upheld else "dismissed", staff.id, now
        facts = {"number": case.id, "upheld": upheld}
        notify(
            db,
            objection.conversation_id,
            "objection_decided",
            facts,
            f"objection:{objection.id}",
            now,
            ("case", case.id),
        )
    close_task(db, "case", case.id, now, staff)
    if upheld:
        back_to_visit(db, case, staff.actor, now, ("objection",), another=True)
    else:
        MACHINE.move(db, case, "public_notice", staff.actor, now)
    notify_owner(db, case, "case_moved", now, was="adjudication")
    db.flush()
    return found


def pass_to_county(db: Session, case: Verification, staff: Staff, now: datetime) -> None:
    """Pass a case from the township to the county. Raises OutsideRegion, NotYourTurn, HasConflict or DecidedBefore."""
    demand_task(db, staff, case.matter, case.state)
    decide(db, case.matter, case.round, staff, "pass", now)
    case.reviewed_by = staff.id
    _recuse_from_appeals(db, case, staff, "reviewed_them", now)
    close_task(db, "case", case.id, now, staff)
    to_county(db, case, staff.actor, now)
    notify_owner(db, case, "case_moved", now)


def verify(db: Session, case: Verification, staff: Staff, now: datetime) -> None:
    """Verify a household for twelve months, by the county; the earlier case expires.

    Raises as ``pass_to_county`` does, FoundNotInNeed or StillSuspended.
    """
    demand_task(db, staff, case.matter, case.state)
    _demand_need(db, case, now)
    _demand_not_suspended(db, case)
    yes = decide(db, case.matter, case.round, staff, "pass", now)
    overturn(db, case.matter, "reject", yes, all_rounds=True)  # an earlier visitor may have found no need
    _expire_earlier(db, case, now)
    case.expires_at = now + VALIDITY
    _record_outcome(db, case, "verified", staff, now)
    on_verified(db, case.household_id, now)


def reject(db: Session, case: Verification, staff: Staff, reasons: Sequence[str], now: datetime) -> None:
    """Reject a case, by the county, with reasons. Raises OutsideRegion, NotYourTurn or HasConflict."""
    demand_task(db, staff, case.matter, case.state)
    decide(db, case.matter, case.round, staff, "reject", now, reasons)
    case.reasons = ",".join(reasons)
    _record_outcome(db, case, "rejected", staff, now)
    _end_appeals_in_review(db, case, now)


def send_back(db: Session, case: Verification, staff: Staff, reasons: Sequence[str], now: datetime) -> None:
    """Send a case back to a visit, by township or county, with reasons. Raises as ``reject`` does, and WrongState.

    Refused during an objection: it would stay undecided, and the same officer could visit again.
    """
    demand_task(db, staff, case.matter, case.state)
    check_reviewed(case)
    decide(db, case.matter, case.round, staff, "return", now, reasons)
    close_task(db, "case", case.id, now, staff)
    back_to_visit(db, case, staff.actor, now, reasons, another=False)
    notify_owner(db, case, "case_moved", now)
    db.flush()


def check_reviewed(case: Verification) -> None:
    """Check that the case is in township or county review. Raises WrongState."""
    if case.state not in ("township_review", "county_review"):
        raise WrongState(subject="case", state=case.state, wanted="registry_checked")


def check_reopen(db: Session, case: Verification, staff: Staff) -> None:
    """Check that this officer may reopen a rejected case. Raises OutsideRegion, NotYourTurn or HasConflict.

    Only a county officer other than the one who rejected it, and only the person's newest case.
    """
    demand_region(db, staff, case.matter)
    newest = newest_case_of(db, case.user_id)
    if newest is None or newest.id != case.id or case.state != "rejected" or staff.role != By.COUNTY:
        raise NotYourTurn(subject="case", number=case.id, state=case.state, holder=None)
    own = case.decided_by is not None and staff.id in all_seats_of(db, [case.decided_by])
    reason = "decided_before" if own else conflicts_with(db, case.household_id).get(staff.id)
    if reason:
        raise HasConflict(subject="case", number=case.id, reason=reason)


def reopen(db: Session, case: Verification, staff: Staff, reasons: Sequence[str], now: datetime) -> None:
    """Reopen a rejected case: a visit by another officer, and fifteen days from now. Raises as ``check_reopen``."""
    check_reopen(db, case, staff)
    decision = decide(db, case.matter, case.round, staff, "return", now, reasons)
    overturn(db, case.matter, "reject", decision)
    case.decided_by = case.decided_at = None
    case.submitted_at, case.due_at = now, now + PROMISED
    back_to_visit(db, case, staff.actor, now, reasons, another=True)
    notify_owner(db, case, "case_moved", now)
    db.flush()


def suspend(db: Session, case: Verification, staff: Staff, reason: str, now: datetime) -> list[int]:
    """Suspend a verified case, by the county, and freeze the household's live appeals. Returns their numbers."""
    MACHINE.move(db, case, "suspended", staff.actor, now, reason)
    case.reasons = reason
    decide(db, case.matter, case.round, staff, "freeze", now, (reason,))
    close_task(db, "case", case.id, now, staff)  # a task about a doubt, if there was one
    open_task(db, case.matter, "suspended", now, told=False)
    frozen = on_suspended(db, case.household_id, now)
    notify_owner(db, case, "case_moved", now)
    db.flush()
    return frozen


def reinstate(db: Session, case: Verification, staff: Staff, now: datetime) -> None:
    """Reinstate a suspended case until its old expiry; its appeals stay frozen until the county resumes each."""
    MACHINE.move(db, case, "verified", staff.actor, now)
    decide(db, case.matter, case.round, staff, "resume", now)
    close_task(db, "case", case.id, now, staff)
    on_verified(db, case.household_id, now)
    notify_owner(db, case, "case_moved", now, was="suspended")
    db.flush()


def revoke(db: Session, case: Verification, staff: Staff, reason: str, now: datetime) -> None:
    """Revoke a suspended case; frozen appeals stay for the county to decide, and appeals in review end."""
    MACHINE.move(db, case, "revoked", staff.actor, now, reason)
    decide(db, case.matter, case.round, staff, "revoke", now, (reason,))
    case.reasons = reason
    close_task(db, "case", case.id, now, staff)
    notify_owner(db, case, "case_moved", now)
    db.flush()
    _end_appeals_in_review(db, case, now)


def _end_appeals_in_review(db: Session, case: Verification, now: datetime) -> None:
    """End what waits of the household with its case, unless a member has another open case."""
    theirs = (Verification.household_id == case.household_id) & Verification.state.in_(OPEN)
    if db.scalar(select(Verification.id).where(theirs).limit(1)):
        on_ended(db, case.household_id, now)
        return
    on_rejected_or_revoked(db, case.household_id, case.state, now)


def _demand_not_suspended(db: Session, case: Verification) -> None:
    theirs = (Verification.user_id == case.user_id) & (Verification.state == "suspended")
    number = db.scalar(select(Verification.id).where(theirs).with_for_update())
    if number is not None:
        raise StillSuspended(number=number, ways=(("look", f"case:{number}"),))


def _demand_need(db: Session, case: Verification, now: datetime) -> None:
    """Check that the last visit found need and the notice lasted five days. Raises FoundNotInNeed."""
    last = select(Visit.supports).where(Visit.verification_id == case.id).order_by(Visit.id.desc()).limit(1)
    noticed = case.notice_from is not None and case.notice_from + NOTICE_PERIOD <= now
    if not (noticed and db.scalar(last)):
        raise FoundNotInNeed(number=case.id, ways=(("look", f"case:{case.id}"),))


def _expire_earlier(db: Session, case: Verification, now: datetime) -> None:
    """Expire the person's earlier verified case, which this one renews. Locks it."""
    earlier = (Verification.user_id == case.user_id) & (Verification.state == "verified")
    for old in db.scalars(select(Verification).where(earlier).with_for_update()):
        MACHINE.move(db, old, "expired", SYSTEM, now, f"renewed:{case.id}")
    db.flush()


def _recuse_from_appeals(db: Session, case: Verification, staff: Staff, why: str, now: datetime) -> None:
    """Recuse the officer from the household's open review tasks: who verifies it may not pass what it asks for."""
    steps = ("endorse", "sample", "county", "file", "revision", "use_endorse", "use_approve")
    theirs = (Task.household_id == case.household_id) & Task.step.in_(steps)
    for task in db.scalars(select(Task).where(theirs, Task.closed_at.is_(None))):
        recuse(db, task, staff, why, now)


def _record_outcome(db: Session, case: Verification, state: str, staff: Staff, now: datetime) -> None:
    case.decided_by, case.decided_at = staff.id, now
    MACHINE.move(db, case, state, staff.actor, now, (case.reasons or "")[:80] or None)
    close_task(db, "case", case.id, now, staff)
    notify_owner(db, case, "case_moved", now)
    db.flush()
