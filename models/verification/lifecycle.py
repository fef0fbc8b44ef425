"""Move cases without staff: the registry's answer, an objection, the end of the notice and of the year."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.core.lottery import draw
from models.core.state_machine import SYSTEM
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import Staff
from models.staff.task import Matter, close_task, find_task, open_task, recuse
from models.staff.task_notices import notify_objection
from models.verification.case import MACHINE, REMINDER, STANDING, UNDER_WAY, NotOnNotice, Verification, get_case
from models.verification.objection import ON_NOTICE, Objection, ObjectionHeard, OwnNotice
from models.verification.registry import Finding
from models.verification.steps import barred, notify_owner, to_township

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
    case = get_case(db, number)
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


def wait_no_longer(db: Session, now: datetime) -> int:
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


def is_due(now: datetime) -> ColumnElement[bool]:
    """Select cases under way for which the registry is to be asked now; decided cases are never asked about."""
    return Verification.state.in_(UNDER_WAY) & (Verification.registry_next_at <= now)


def due_for_registry(db: Session, now: datetime, most: int = _BATCH) -> Sequence[int]:
    """List the cases for which the registry is to be asked now, the longest due first."""
    due = select(Verification.id).where(is_due(now)).order_by(Verification.registry_next_at)
    return db.scalars(due.limit(most)).all()


def object_to(
    db: Session, case: Verification, conversation_id: int, words: str, draft_id: str, now: datetime
) -> Objection:
    """Record an objection and open its task for the township; the notice does not go on until that is decided.

    One per conversation and notice: until it is decided, a second one replaces its words. The same draft twice gives
    the same objection. Staff who object have no part in the decision. The caller holds the case. Raises OwnNotice,
    NotOnNotice or ObjectionHeard.
    """
    earlier = db.scalar(select(Objection).where(Objection.draft_id == draft_id))
    if earlier:
        return earlier
    said = check_may_object(db, case, conversation_id, now)
    objection = said or Objection(
        draft_id=draft_id, verification_id=case.id, conversation_id=conversation_id, words=words, at=now
    )
    objection.words = words
    db.add(objection)
    db.flush()
    if case.state == "public_notice":
        MACHINE.move(db, case, "adjudication", SYSTEM, now, f"objection:{objection.id}")
        open_task(db, case.matter, "adjudicate", now, barred(case) | _objectors(db, conversation_id), told=False)
        notify_owner(db, case, "case_moved", now)
    elif task := find_task(db, "case", case.id):
        for staff_id, reason in _objectors(db, conversation_id).items():
            recuse(db, task, db.get_one(Staff, staff_id), reason, now)
    task = find_task(db, "case", case.id)
    if task and task.assignee:
        notify_objection(db, task.assignee, case.id, objection.id, task.due_at, now)
    db.flush()
    return objection


def check_may_object(db: Session, case: Verification, conversation_id: int, now: datetime) -> Objection | None:
    """Find this conversation's open objection; None without one. Raises as ``object_to`` does."""
    theirs = select(User.household_id).join(Conversation, Conversation.user_id == User.id)
    if db.scalar(theirs.where(Conversation.id == conversation_id)) == case.household_id:
        raise OwnNotice(number=case.id)
    if case.state not in ON_NOTICE or case.notice_until is None or case.notice_until <= now:
        raise NotOnNotice(number=case.id, state=case.state)
    said = (Objection.verification_id == case.id) & (Objection.conversation_id == conversation_id)
    last = db.scalar(select(Objection).where(said).order_by(Objection.id.desc()).limit(1))
    if last and last.state == "open":
        return last
    if last and case.notice_from and last.at >= case.notice_from:
        raise ObjectionHeard(number=case.id)
    return None


def _objectors(db: Session, conversation_id: int) -> dict[int, str]:
    """Staff id -> ``objector``: staff who object from their own WeChat may not decide on the objection."""
    seat = (Conversation.account == Staff.account) & (Conversation.openid == Staff.openid)
    found = db.scalars(select(Staff.id).join(Conversation, seat).where(Conversation.id == conversation_id))
    return dict.fromkeys(found, "objector")


def end_notices(db: Session, now: datetime) -> int:
    """Send cases whose notice is over to the township, or to the county if not sampled. Returns how many.

    Sampled are a share drawn by lot, every case that the registry did not match, and those sampled in an earlier round.
    """
    over = (Verification.state == "public_notice") & (Verification.notice_until <= now)
    found = db.scalars(select(Verification).where(over).limit(_BATCH).with_for_update(skip_locked=True)).all()
    for case in found:
        drawn = bool(case.sampled) or is_drawn(case.matter, case.round)
        to_township(db, case, now, sampled=drawn or case.registry_result != "match")
        notify_owner(db, case, "case_moved", now)
    return len(found)


def is_drawn(matter: Matter, round_: int) -> bool:
    """Tell whether the lot draws it for the township's review in this round (SAMPLED_OF_HUNDRED)."""
    return draw(f"{matter.subject}:{matter.number}:{round_}", "sample", 100) < SAMPLED_OF_HUNDRED


def expire(db: Session, now: datetime) -> int:
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
        count += 1
    for case in db.scalars(soon.limit(_BATCH).with_for_update(skip_locked=True)):
        case.reminded_at = now
        notify_owner(db, case, "case_ends_soon", now)
        count += 1
    db.flush()
    return count
