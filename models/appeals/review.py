"""Staff review an appeal: pass it, send it back, reject it or freeze it, within their region and role.

A one-to-one appeal passes the village. Crowdfunding passes the village, the township for a sample, the county and the
fund holder. An officer who visited or reviewed the household, or passed an earlier step, may not pass it now. The
county officer who decided its case may: most counties have one or two, and that one did not visit the household.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import IN_REVIEW, MACHINE, Appeal, freeze, lock_appeal, resume
from models.appeals.file import has_read_appeal
from models.appeals.publication import filed_by, publish
from models.core.calendar import day_in_china
from models.core.hooks import Hook
from models.core.refusal import Refusal
from models.core.state_machine import WrongState
from models.notifications.broadcast import notify_backers
from models.notifications.notify import notify_user
from models.organisations.charity import Charity
from models.proxy.act import notify_writer
from models.staff.decision import decide, passed_by
from models.staff.member import Staff
from models.staff.task import Task, close_task, find_task, open_task
from models.staff.turn import NotYourTurn, demand_may_undo, demand_no_conflict, demand_region, demand_task
from models.verification.case import check_verified, lock_cases
from models.verification.eligibility import open_endorsement, verifiers_of
from models.verification.lifecycle import is_drawn

# Arguments: the owner's and the appeal's number. Called before the county freezes an appeal for which a withdrawal of
# the owner's consent waits; the caller holds the household's cases and the appeal.
on_denied: Hook[[Session, int, int, datetime], None] = Hook("appeals.review.on_denied")

# Reason of a return -> the questions to answer again (flows/appeals/start_appeal.py).
TO_CORRECT: Mapping[str, tuple[str, ...]] = {
    "title_unclear": ("title",),
    "category_wrong": ("category",),
    "story_unclear": ("story",),
    "budget_unclear": ("budget",),
    "amount_high": ("target", "budget"),
    "photos_unclear": ("photos",),
    "place_wrong": ("place",),
    "deadline_unfit": ("deadline",),
}
# Step -> the state from which an appeal is sent back or rejected at it.
_STATE_AT: Mapping[str, str] = {
    "endorse": "village_review",
    "sample": "endorsed",
    "county": "county_review",
    "file": "county_review",
}


class ChangedSince(Refusal):
    """The owner has changed the appeal, and this reviewer has not read it since."""

    code = "changed_since"

    def __init__(self, number: int) -> None:
        super().__init__(number=number, ways=(("look", f"appeal:{number}"),))


class ConsentWithdrawn(Refusal):
    """The appeal collected, and its owner withdraws the consent to publish: it can only end."""

    code = "consent_withdrawn"

    def __init__(self, number: int, title: str) -> None:
        super().__init__(number=number, title=title, ways=(("look", f"appeal:{number}"),))


class DeadlinePassed(Refusal):
    """The appeal's deadline passed during review."""

    code = "deadline_passed"


def demand_review_task(db: Session, staff: Staff, appeal: Appeal, now: datetime) -> Task:
    """Get the open task for this reviewer. Raises OutsideRegion, NotYourTurn, HasConflict or NotVerified."""
    try:
        return demand_task(db, staff, appeal.matter, appeal.state)
    except NotYourTurn as refusal:
        if appeal.state == "submitted" and refusal.values["holder"] is None:
            check_verified(db, appeal.household_id, now)
        raise


def approve(db: Session, staff: Staff, number: int, now: datetime) -> Appeal:
    """Pass an appeal at the reviewer's step and notify its owner. Locks the household's cases, then the appeal.

    Raises NoSuchAppeal, OutsideRegion, NotYourTurn, HasConflict, DecidedBefore, ChangedSince, NotVerified,
    DeadlinePassed, WrongState, NoCharity or NoFiling.
    """
    appeal = lock_after_cases(db, number)
    task = demand_review_task(db, staff, appeal, now)
    if task.step not in _STATE_AT:
        # The task is about a frozen appeal or a doubt: there is nothing to pass.
        raise WrongState(subject="appeal", state=appeal.state, wanted="passed")
    if appeal.round > 1 and not has_read_appeal(db, staff, number):
        raise ChangedSince(number)
    if appeal.is_overdue(now):
        raise DeadlinePassed(number=number, title=appeal.title, deadline=appeal.deadline)
    check_verified(db, appeal.household_id, now)
    decide(db, appeal.matter, appeal.round, staff, "pass", now)
    close_task(db, "appeal", number, now, staff)
    _pass_step(db, appeal, task, staff, now)
    notify_owner(db, appeal, now)
    db.flush()
    return appeal


def send_back(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Appeal:
    """Return an appeal for correction of what the reasons name; locks it.

    Raises as ``demand_review_task``, NoSuchAppeal or DecidedBefore, and WrongState where this step cannot return it.
    """
    appeal = lock_appeal(db, number)
    task = demand_review_task(db, staff, appeal, now)
    fields = [field for reason in reasons for field in TO_CORRECT[reason]]
    appeal.returned_fields = ",".join(dict.fromkeys(fields))
    _return_or_reject(db, appeal, task, staff, "return", "returned", reasons, now)
    return appeal


def reject(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Appeal:
    """Reject an appeal for good, by village or county. Locks it. Raises as ``send_back`` does."""
    appeal = lock_appeal(db, number)
    task = demand_review_task(db, staff, appeal, now)
    _return_or_reject(db, appeal, task, staff, "reject", "rejected", reasons, now)
    return appeal


def lock_after_cases(db: Session, number: int) -> Appeal:
    """Lock the household's cases, then the appeal (see lock_cases), so that no suspension happens meanwhile.

    Raises NoSuchAppeal.
    """
    lock_cases(db, db.scalar(select(Appeal.household_id).where(Appeal.id == number)))
    return lock_appeal(db, number)


def state_at_step(appeal: Appeal, task: Task) -> str:
    """Return the state from which an appeal is sent back or rejected at this task's step."""
    return _STATE_AT.get(task.step, appeal.state)


def freeze_by_county(db: Session, staff: Staff, number: int, reason: str, now: datetime) -> Appeal:
    """The county freezes a live appeal; a withdrawal of consent that its owner did not mean ends with that.

    Raises NoSuchAppeal, OutsideRegion, HasConflict or WrongState.
    """
    appeal = lock_after_cases(db, number)
    demand_region(db, staff, appeal.matter)
    demand_no_conflict(db, staff, appeal.matter)
    task = find_task(db, "appeal", number)
    if task and task.step == "withdrawal":
        close_task(db, "appeal", number, now, staff)
        on_denied(db, appeal.owner_id, number, now)
    return _freeze(db, staff, appeal, reason, now)


def freeze_reported(db: Session, staff: Staff, number: int, reason: str, now: datetime) -> Appeal:
    """Freeze an appeal after a report of it, which may have come before another county than its own.

    Raises NoSuchAppeal, HasConflict or WrongState.
    """
    appeal = lock_appeal(db, number)
    demand_no_conflict(db, staff, appeal.matter)
    return _freeze(db, staff, appeal, reason, now)


def resume_by_county(db: Session, staff: Staff, number: int, now: datetime) -> Appeal:
    """The county that froze it resumes an appeal; one that was under review is reviewed from the beginning.

    Raises as ``freeze_by_county`` does, and of what was public NotVerified, or ConsentWithdrawn where it would collect
    unread.
    """
    appeal = lock_after_cases(db, number)
    demand_may_undo(db, staff, appeal.matter)
    if appeal.hidden_at and (appeal.state, appeal.was) == ("frozen", "funding"):
        raise ConsentWithdrawn(number, appeal.title)
    close_task(db, "appeal", number, now, staff)
    # Of the round that it ends.
    decide(db, appeal.matter, appeal.round, staff, "resume", now)
    resume(db, appeal, staff.actor, now)
    if appeal.published_at:
        check_verified(db, appeal.household_id, now)
    elif appeal.state == "submitted":
        open_endorsement(db, appeal.matter, now)
    notify_owner(db, appeal, now, resumed=True)
    return appeal


def cancel_frozen(db: Session, staff: Staff, number: int, reason: str, now: datetime) -> Appeal:
    """The county that froze it cancels an appeal, for good. Raises as ``freeze_by_county`` does."""
    appeal = lock_appeal(db, number)
    demand_may_undo(db, staff, appeal.matter)
    if appeal.state != "frozen":
        raise WrongState(subject="appeal", state=appeal.state, wanted="cancelled")
    MACHINE.move(db, appeal, "cancelled", staff.actor, now, reason)
    notify_backers(
        db, "appeal_failed", number, appeal.title, f"appeal_failed:{number}:cancelled", now, state=appeal.state
    )
    decide(db, appeal.matter, appeal.round, staff, "revoke", now, (reason,))
    close_task(db, "appeal", number, now, staff)
    notify_owner(db, appeal, now, (reason,))
    return appeal


def notify_owner(
    db: Session,
    appeal: Appeal,
    now: datetime,
    reasons: Sequence[str] = (),
    *,
    resumed: bool = False,
    sums: Mapping[str, int | None] | None = None,
) -> None:
    """Notify the owner of the appeal's state, or the officer who wrote it if the owner has no WeChat.

    ``sums``: in fen, if it has less than its target: it begins with less, or a gift was refunded.
    """
    opened = appeal.state == "funding" and not resumed and not appeal.was and not sums
    template = "appeal_opened" if opened else "appeal_moved"
    values = {"number": appeal.id, "title": appeal.title, "state": appeal.state, "reasons": list(reasons)}
    values |= {"resumed": resumed, **(sums or {})}
    if opened:
        values["closes"] = day_in_china(appeal.closes_at)
    key = f"appeal:{appeal.id}:{appeal.state}:{now.timestamp()}"  # it may come to this state more than once
    if not notify_user(db, appeal.owner_id, template, values, key, now, ("appeal", appeal.id)):
        notify_writer(db, appeal.id, values, key, now)


def _pass_step(db: Session, appeal: Appeal, task: Task, staff: Staff, now: datetime) -> None:
    match task.step:
        case "endorse":
            _move_through(db, appeal, staff, ("village_review", "endorsed"), now)
            appeal.endorsed_by, appeal.endorsed_at = staff.id, now
            if appeal.kind == "one_to_one":
                publish(db, appeal, now)
                return
            appeal.sampled = bool(appeal.sampled) or is_drawn(appeal.matter, appeal.round)
            _open_next_step(db, appeal, "sample" if appeal.sampled else "county", now)
        case "sample":
            _open_next_step(db, appeal, "county", now)
        case "county":
            _move_through(db, appeal, staff, ("county_review",), now)
            _open_next_step(db, appeal, "file", now, filed_by(db, appeal))
        case "file":
            _move_through(db, appeal, staff, ("fund_holder_filed",), now)
            publish(db, appeal, now, db.get_one(Charity, staff.charity_id))


def _open_next_step(db: Session, appeal: Appeal, step: str, now: datetime, charity: int | None = None) -> None:
    passed = dict.fromkeys(passed_by(db, appeal.matter, appeal.round), "decided_before")
    barred = {**passed, **verifiers_of(db, appeal.household_id)}
    matter = appeal.matter if charity is None else replace(appeal.matter, charity_id=charity)
    open_task(db, matter, step, now, barred)


def _move_through(db: Session, appeal: Appeal, staff: Staff, states: Sequence[str], now: datetime) -> None:
    for state in states:
        if state != appeal.state:
            MACHINE.move(db, appeal, state, staff.actor, now)


def _return_or_reject(
    db: Session,
    appeal: Appeal,
    task: Task,
    staff: Staff,
    verdict: str,
    state: str,
    reasons: Sequence[str],
    now: datetime,
) -> None:
    _move_through(db, appeal, staff, (state_at_step(appeal, task),), now)
    MACHINE.move(db, appeal, state, staff.actor, now, ",".join(reasons)[:80])
    decide(db, appeal.matter, appeal.round, staff, verdict, now, reasons)
    close_task(db, "appeal", appeal.id, now, staff)
    notify_owner(db, appeal, now, reasons)
    db.flush()


def _freeze(db: Session, staff: Staff, appeal: Appeal, reason: str, now: datetime) -> Appeal:
    if appeal.state in IN_REVIEW:
        # Officers review it; only a household that joins another stops that.
        raise WrongState(subject="appeal", state=appeal.state, wanted="frozen")
    close_task(db, "appeal", appeal.id, now, staff)  # a task about a doubt, if there was one
    # Before the task: whom a report keeps from that is found by this decision (models.support.recusals).
    decide(db, appeal.matter, appeal.round, staff, "freeze", now, (reason,))
    freeze(db, appeal, staff.actor, now, reason)
    notify_owner(db, appeal, now, (reason,))
    return appeal
