"""Move cases: by the registry's answer and the clock, and by the steps that several decisions share."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.core.calendar import day_in_china
from models.core.lottery import draw
from models.core.state_machine import SYSTEM, Actor
from models.notifications.notify import notify_user
from models.staff.decision import overturned_by_objection
from models.staff.task import Matter, close_task, open_task
from models.verification.case import MACHINE, REMINDER, STANDING, UNDER_WAY, Verification, lock_case, on_ended
from models.verification.registry import Finding

# The township reviews so many of a hundred that villages endorsed, drawn by a lot that officers cannot foresee.
SAMPLED_OF_HUNDRED = 20
# How long a household waits for the registry before an officer visits without its answer.
PATIENCE = timedelta(days=3)
_ASK_AGAIN = timedelta(minutes=5)
_ASK_AT_LEAST = timedelta(hours=6)
_BATCH = 100


def registry_answered(db: Session, number: int, finding: Finding, now: datetime) -> None:
    """Store the registry's answer and open the visit task; an unavailable registry is asked again later.

    A different name or an unknown number does not refuse the case: the officer sees it, and the township always
    reviews it. An answer that comes after the visit task was opened without it is stored and moves nothing. Locks the
    case.
    """
    case = lock_case(db, number)
    if case.state not in UNDER_WAY or case.registry_next_at is None:
        return
    case.registry_result, case.registry_tries = finding.result, case.registry_tries + 1
    if finding.result == "unavailable":
        case.registry_next_at = now + min(_ASK_AGAIN * 2 ** min(case.registry_tries - 1, 10), _ASK_AT_LEAST)
        return
    case.registry_status, case.registry_source, case.registry_as_of = finding.status, finding.source, finding.as_of
    case.registry_next_at = None
    if case.state == "submitted":
        _open_visit(db, case, now)
    db.flush()


def open_visits_without_answer(db: Session, now: datetime) -> int:
    """Open the visit task of cases without a registry answer for three days; the registry is still asked."""
    late = (Verification.state == "submitted") & Verification.registry_next_at.is_not(None)
    late &= Verification.submitted_at <= now - PATIENCE
    found = db.scalars(select(Verification).where(late).limit(_BATCH).with_for_update(skip_locked=True)).all()
    for case in found:
        case.registry_result = "unavailable"
        _open_visit(db, case, now)
    db.flush()
    return len(found)


def _open_visit(db: Session, case: Verification, now: datetime) -> None:
    MACHINE.move(db, case, "registry_checked", SYSTEM, now, case.registry_result)
    open_task(db, case.matter, "visit", now)
    notify_owner(db, case, "case_moved", now)


def registry_is_due(now: datetime) -> ColumnElement[bool]:
    """Select cases under way for which the registry is to be asked now; decided cases are never asked about."""
    return Verification.state.in_(UNDER_WAY) & (Verification.registry_next_at <= now)


def cases_for_registry(db: Session, now: datetime, most: int = _BATCH) -> Sequence[int]:
    """List the cases for which the registry is to be asked now, the longest due first."""
    due = select(Verification.id).where(registry_is_due(now)).order_by(Verification.registry_next_at, Verification.id)
    return db.scalars(due.limit(most)).all()


def end_notices(db: Session, now: datetime) -> int:
    """Send cases whose notice is over to the township, or to the county if not sampled. Returns how many.

    Sampled are a share drawn by lot, every case that the registry did not match, and those sampled in an earlier round.
    """
    over = (Verification.state == "public_notice") & (Verification.notice_until <= now)
    first = select(Verification).where(over).order_by(Verification.notice_until, Verification.id).limit(_BATCH)
    found = db.scalars(first.with_for_update(skip_locked=True)).all()
    for case in found:
        drawn = bool(case.sampled) or is_drawn(case.matter, case.round)
        to_township(db, case, now, sampled=drawn or case.registry_result != "match")
        notify_owner(db, case, "case_moved", now)
    return len(found)


def is_drawn(matter: Matter, round_: int) -> bool:
    """Tell whether the lot draws it for the township's review in this round (SAMPLED_OF_HUNDRED)."""
    return draw(f"{matter.subject}:{matter.number}:{round_}", "sample", 100) < SAMPLED_OF_HUNDRED


def expire_and_remind(db: Session, now: datetime) -> int:
    """Expire cases after twelve months and remind owners a month before; both are notified. Returns how many."""
    stand = Verification.state == "verified"
    # A suspension ends with the year of verification that it is about.
    over = select(Verification).where(Verification.state.in_(STANDING), Verification.expires_at <= now)
    soon = select(Verification).where(
        stand,
        Verification.expires_at <= now + REMINDER,
        Verification.expires_at > now,
        Verification.reminded_at.is_(None),
    )
    count = 0
    for case in db.scalars(over.limit(_BATCH).with_for_update(skip_locked=True)):
        MACHINE.move(db, case, "expired", SYSTEM, now)
        close_task(db, "case", case.id, now)  # a task about a doubt or suspension, if there was one
        notify_owner(db, case, "case_moved", now)
        on_ended(db, case.household_id, now)
        count += 1
    for case in db.scalars(soon.limit(_BATCH).with_for_update(skip_locked=True)):
        case.reminded_at = now
        notify_owner(db, case, "case_ends_soon", now)
        count += 1
    db.flush()
    return count


def took_part(case: Verification) -> dict[int, str]:
    """Staff id -> ``decided_before``: who visited or reviewed the case in this round."""
    return {staff_id: "decided_before" for staff_id in (case.visited_by, case.reviewed_by) if staff_id}


def to_township(db: Session, case: Verification, now: datetime, *, sampled: bool) -> None:
    case.sampled = sampled
    MACHINE.move(db, case, "township_review", SYSTEM, now, "sampled" if sampled else "not_sampled")
    if sampled:
        open_task(db, case.matter, "township_review", now, took_part(case))
    else:
        to_county(db, case, SYSTEM, now)
    db.flush()


def to_county(db: Session, case: Verification, actor: Actor, now: datetime) -> None:
    MACHINE.move(db, case, "county_review", actor, now)
    open_task(db, case.matter, "county_review", now, took_part(case))
    db.flush()


def back_to_visit(
    db: Session, case: Verification, actor: Actor, now: datetime, reasons: Sequence[str], *, another: bool
) -> None:
    """Send a case back to a visit, in a new round. ``another``: not by the officer who visited last.

    An officer against whom an objection was upheld never visits again.
    """
    barred = overturned_by_objection(db, case.matter) | ({case.visited_by} if another and case.visited_by else set())
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
        # An objection may be decided after the notice's last day, which is none to wait for.
        "until": day_in_china(case.notice_until) if case.notice_until and case.notice_until > now else None,
        "expires": day_in_china(case.expires_at) if case.expires_at else None,
    }
    key = f"case:{case.id}:{template}:{case.state}:{case.round}:{int(now.timestamp())}"
    notify_user(db, case.user_id, template, facts, key, now, ("case", case.id))
