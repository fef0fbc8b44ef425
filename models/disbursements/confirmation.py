"""Confirm paid disbursements: the household's answer, the check call, and the county's word on a doubt.

An answer of 没收到 freezes the appeal at once and gives the county a task.
"""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, Appeal, freeze
from models.appeals.review import notify_owner as notify_of_appeal
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, WrongState
from models.disbursements.acquittal import open_receipts_task
from models.disbursements.approval import barred_from, lock_disbursement, notify_owner, turn_of
from models.disbursements.disbursement import MACHINE, SPENT, Disbursement, find_by_code, matter_of
from models.people.user import User
from models.staff.decision import decide
from models.staff.member import Staff
from models.staff.task import close_task, open_task

# What the household may say of a payment, itself or on the telephone. ISSUES: it came, and this was wrong with it.
RECEIVED, NOT_RECEIVED = "received", "not_received"
ISSUES = ("less", "late", "asked_back", "other_use")
OUTCOMES = (RECEIVED, *ISSUES, NOT_RECEIVED)


class NoSuchPayout(Refusal):
    """No payment has this code, or it is another household's: the words are the same."""

    code = "no_such_payout"


class AnsweredBefore(Refusal):
    """The payment no longer waits for this answer; ``state`` says what became of the earlier one."""

    code = "answered_before"


def payout_of(db: Session, user: User, code: str) -> Disbursement:
    """Find a paid disbursement of this user's household by its code. Raises NoSuchPayout."""
    found = find_by_code(db, code)
    appeal = db.get_one(Appeal, found.appeal_id) if found else None
    if found is None or appeal is None or found.state not in SPENT or not _is_theirs(appeal, user):
        raise NoSuchPayout(said=code.upper())
    return found


def unanswered(db: Session, user: User) -> list[Disbursement]:
    """List the household's paid disbursements that wait for its answer, the oldest first, at most five."""
    theirs = or_(Appeal.household_id == user.household_id, Appeal.owner_id == user.id)
    paid = select(Disbursement).join(Appeal, Appeal.id == Disbursement.appeal_id)
    paid = paid.where(theirs, Disbursement.state == "paid").order_by(Disbursement.id)
    return list(db.scalars(paid.limit(5)))


def answer(db: Session, user: User, code: str, outcome: str, now: datetime) -> Disbursement:
    """Record the household's answer to a payment; the same answer again changes nothing.

    ``outcome``: one of OUTCOMES. Raises NoSuchPayout or AnsweredBefore.
    """
    disbursement, appeal = lock_disbursement(db, payout_of(db, user, code).id)
    if disbursement.state == _state_of(outcome):
        return disbursement
    if disbursement.state != "paid":
        raise AnsweredBefore(use=disbursement.id, state=disbursement.state)
    _record_answer(db, disbursement, appeal, outcome, Actor.owner(user.id), now)
    return disbursement


def lock_for_phone_check(db: Session, staff: Staff, number: int) -> tuple[Disbursement, Appeal]:
    """Lock a disbursement that the member of staff has to check by phone; return it and its appeal.

    Raises as models.disbursements.approval.turn_of does, and WrongState.
    """
    disbursement, appeal, task = turn_of(db, staff, number)
    if task.step != "use_call":
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="called")
    return disbursement, appeal


def record_call(db: Session, staff: Staff, number: int, outcome: str, now: datetime) -> Disbursement:
    """Record what the household said on the check call; it replaces an answer given in the chat.

    Raises as ``lock_for_phone_check`` does.
    """
    disbursement, appeal = lock_for_phone_check(db, staff, number)
    disbursement.called_by, disbursement.called_at = staff.id, now
    matter = matter_of(disbursement, appeal)
    decide(db, matter, disbursement.round, staff, "sound" if outcome == RECEIVED else "doubt", now)
    close_task(db, "disbursement", number, now, staff)
    if disbursement.state == _state_of(outcome):
        open_receipts_task(db, disbursement, appeal, now)
    else:
        _record_answer(db, disbursement, appeal, outcome, staff.actor, now)
    db.flush()
    return disbursement


def settle_doubt(db: Session, staff: Staff, number: int, now: datetime) -> Disbursement:
    """Settle a doubt: the county found that the payment arrived. A frozen appeal stays frozen until it is resumed.

    Raises as models.disbursements.approval.turn_of does, and WrongState.
    """
    disbursement, appeal, task = turn_of(db, staff, number)
    if task.step != "use_doubt":
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="received")
    matter = matter_of(disbursement, appeal)
    decide(db, matter, disbursement.round, staff, "sound", now)
    MACHINE.move(db, disbursement, "received", staff.actor, now)
    close_task(db, "disbursement", number, now, staff)
    open_receipts_task(db, disbursement, appeal, now)
    notify_owner(db, disbursement, appeal, now)
    db.flush()
    return disbursement


def _record_answer(
    db: Session, disbursement: Disbursement, appeal: Appeal, outcome: str, actor: Actor, now: datetime
) -> None:
    state = _state_of(outcome)
    MACHINE.move(db, disbursement, state, actor, now, outcome)
    disbursement.confirmed_at = now
    disbursement.issue = None if outcome == RECEIVED else outcome
    if outcome == RECEIVED:
        open_receipts_task(db, disbursement, appeal, now)
        return
    close_task(db, "disbursement", disbursement.id, now)  # no check call any more: the county asks now
    matter = matter_of(disbursement, appeal)
    open_task(db, matter, "use_doubt", now, barred_from(db, disbursement, appeal))
    if outcome == NOT_RECEIVED and appeal.state in LIVE:
        freeze(db, appeal, SYSTEM, now, "money_not_received")
        notify_of_appeal(db, appeal, now, ("money_not_received",))
    db.flush()


def _state_of(outcome: str) -> str:
    return "received_with_issues" if outcome in ISSUES else outcome


def _is_theirs(appeal: Appeal, user: User) -> bool:
    return appeal.owner_id == user.id or (user.household_id is not None and appeal.household_id == user.household_id)
