"""Steps shared by several decisions on a case: to township or county, back to a visit, and the owner's notification."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from models.core.calendar import day_in_china
from models.core.state_machine import SYSTEM, Actor
from models.notifications.notify import notify_user
from models.staff.decision import disbelieved
from models.staff.task import open_task
from models.verification.case import MACHINE, Verification


def barred(case: Verification) -> dict[int, str]:
    """Staff id -> ``decided_before``: who visited or reviewed the case in this round."""
    return {staff_id: "decided_before" for staff_id in (case.visited_by, case.reviewed_by) if staff_id}


def to_township(db: Session, case: Verification, now: datetime, *, sampled: bool) -> None:
    case.sampled = sampled
    MACHINE.move(db, case, "township_review", SYSTEM, now, "sampled" if sampled else "not_sampled")
    if sampled:
        open_task(db, case.matter, "township_review", now, barred(case))
    else:
        to_county(db, case, SYSTEM, now)
    db.flush()


def to_county(db: Session, case: Verification, actor: Actor, now: datetime) -> None:
    MACHINE.move(db, case, "county_review", actor, now)
    open_task(db, case.matter, "county_review", now, barred(case))
    db.flush()


def go_back(
    db: Session, case: Verification, actor: Actor, now: datetime, reasons: Sequence[str], *, another: bool
) -> None:
    """Send a case back to a visit, in a new round. ``another``: not by the officer who visited last.

    An officer against whom an objection was upheld never visits again.
    """
    barred = disbelieved(db, case.matter) | ({case.visited_by} if another and case.visited_by else set())
    MACHINE.move(db, case, "registry_checked", actor, now, ",".join(reasons)[:80])
    case.round += 1
    case.reasons = ",".join(reasons)
    case.visited_by = case.visited_at = case.reviewed_by = case.notice_from = case.notice_until = None
    open_task(db, case.matter, "visit", now, dict.fromkeys(barred, "decided_before"))
    db.flush()


def notify_owner(db: Session, case: Verification, template: str, now: datetime, was: str | None = None) -> None:
    """Notify the owner of the case's state. ``was``: the state before, if returning to this state needs other words."""
    facts = {
        "number": case.id,
        "state": case.state,
        "was": was,
        "reasons": case.reasons.split(",") if case.reasons else [],
        "registry": case.registry_result,
        "due": day_in_china(case.due_at),
        "until": day_in_china(case.notice_until) if case.notice_until else None,
        "expires": day_in_china(case.expires_at) if case.expires_at else None,
    }
    key = f"case:{case.id}:{template}:{case.state}:{case.round}:{int(now.timestamp())}"
    notify_user(db, case.user_id, template, facts, key, now, ("case", case.id))
