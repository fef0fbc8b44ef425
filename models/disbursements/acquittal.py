"""Acquit paid disbursements: the household's confirmation, the check call, the receipts, and the appeal's end.

An answer of 没收到 freezes the appeal at once and gives the county a task; overdue receipts freeze the appeal too. An
appeal is completed once all its payments are accounted for and no money is held for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, Appeal, freeze, get_appeal
from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.review import notify_owner as tell_of_appeal
from models.core.audit_trail import record
from models.core.calendar import day_in_china
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, By, WrongState
from models.disbursements.approval import barred_from, locked, notify_owner, turn_of
from models.disbursements.disbursement import (
    AFTER,
    MACHINE,
    OVER,
    SPENT,
    UNDER_WAY,
    Disbursement,
    find_by_code,
    matter_of,
)
from models.disbursements.payout import RECEIPTS_WITHIN
from models.ledger import held
from models.ledger.accounts import LedgerAccount
from models.notifications.notification import tell
from models.people.conversation import Conversation
from models.people.photo import attach
from models.people.user import User
from models.staff.decision import decide
from models.staff.member import Staff
from models.staff.task import close_task, find_task, open_task

# What the household may say of a payment, itself or on the telephone. ISSUES: it came, and this was wrong with it.
RECEIVED, NOT_RECEIVED = "received", "not_received"
ISSUES = ("less", "late", "asked_back", "other_use")
OUTCOMES = (RECEIVED, *ISSUES, NOT_RECEIVED)
# How long before receipts are due the owner is reminded.
REMINDED = timedelta(days=7)
_BATCH = 50


class NoSuchPayment(Refusal):
    """No payment has this code, or it is another household's: the words are the same."""

    code = "no_such_payment"


class AnsweredBefore(Refusal):
    """The payment no longer waits for this answer; ``state`` says what became of the earlier one."""

    code = "answered_before"


def payment_of(db: Session, user: User, code: str) -> Disbursement:
    """Find a paid disbursement of this user's household by its code. Raises NoSuchPayment."""
    found = find_by_code(db, code)
    appeal = db.get_one(Appeal, found.appeal_id) if found else None
    if found is None or appeal is None or found.state not in SPENT or not _is_theirs(appeal, user):
        raise NoSuchPayment(said=code.upper())
    return found


def unanswered(db: Session, user: User) -> list[Disbursement]:
    """List the household's paid disbursements that wait for its answer, the oldest first, at most five."""
    theirs = Appeal.household_id == user.household_id
    paid = select(Disbursement).join(Appeal, Appeal.id == Disbursement.appeal_id)
    paid = paid.where(theirs, Disbursement.state == "paid").order_by(Disbursement.id)
    return list(db.scalars(paid.limit(5)))


def answer(db: Session, user: User, code: str, outcome: str, now: datetime) -> Disbursement:
    """Record the household's answer to a payment; the same answer again changes nothing.

    ``outcome``: one of OUTCOMES. Raises NoSuchPayment or AnsweredBefore.
    """
    disbursement, appeal = locked(db, payment_of(db, user, code).id)
    if disbursement.state == _state_of(outcome):
        return disbursement
    if disbursement.state != "paid":
        raise AnsweredBefore(use=disbursement.id, state=disbursement.state)
    _heard(db, disbursement, appeal, outcome, Actor(By.OWNER, f"user:{user.id}"), now)
    return disbursement


def check_calls(db: Session, staff: Staff, number: int) -> tuple[Disbursement, Appeal]:
    """Lock and return the disbursement whose check call is this member of staff's task, and its appeal.

    Raises as models.disbursements.approval.turn_of does, and WrongState.
    """
    disbursement, appeal, task = turn_of(db, staff, number)
    if task.step != "use_call":
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="called")
    return disbursement, appeal


def called(db: Session, staff: Staff, number: int, outcome: str, now: datetime) -> Disbursement:
    """Record what the household said on the check call; it replaces an answer given in the chat.

    Raises as ``check_calls`` does.
    """
    disbursement, appeal = check_calls(db, staff, number)
    disbursement.called_by, disbursement.called_at = staff.id, now
    matter = matter_of(disbursement, appeal.region_code, appeal.household_id)
    decide(db, matter, disbursement.round, staff, "sound" if outcome == RECEIVED else "doubt", now)
    close_task(db, "disbursement", number, now, staff)
    if disbursement.state == _state_of(outcome):
        _go_on(db, disbursement, appeal, now)
    else:
        _heard(db, disbursement, appeal, outcome, staff.actor, now)
    db.flush()
    return disbursement


def clear(db: Session, staff: Staff, number: int, now: datetime) -> Disbursement:
    """Settle a doubt: the county found that the payment arrived. A frozen appeal stays frozen until it is resumed.

    Raises as models.disbursements.approval.turn_of does, and WrongState.
    """
    disbursement, appeal, task = turn_of(db, staff, number)
    if task.step != "use_doubt":
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="received")
    matter = matter_of(disbursement, appeal.region_code, appeal.household_id)
    decide(db, matter, disbursement.round, staff, "sound", now)
    MACHINE.move(db, disbursement, "received", staff.actor, now)
    close_task(db, "disbursement", number, now, staff)
    _go_on(db, disbursement, appeal, now)
    notify_owner(db, disbursement, appeal, now)
    db.flush()
    return disbursement


def hand_in_receipts(
    db: Session, number: int, pictures: Iterable[Mapping[str, str]], conversation_id: int, now: datetime
) -> list[int]:
    """Attach the receipts' pictures to a paid disbursement; return the ids of the photos to fetch.

    Raises NoSuchDisbursement, and WrongState before it is paid and once it is over.
    """
    disbursement, appeal = locked(db, number)
    if disbursement.state not in AFTER:
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="receipts")
    owed = attach(db, "receipt", number, conversation_id, pictures, now)
    who = f"user:{disbursement.requested_by}"
    record(db, at=now, actor=who, action="receipts", subject="disbursement", subject_id=number)
    disbursement.receipts_at = now
    _go_on(db, disbursement, appeal, now)
    db.flush()
    return owed


def acquit(db: Session, staff: Staff, number: int, now: datetime) -> Disbursement:
    """Accept the receipts, which acquits the disbursement.

    Raises as models.disbursements.approval.turn_of does, and WrongState.
    """
    disbursement, appeal, task = turn_of(db, staff, number)
    if task.step != "use_acquit":
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="acquitted")
    MACHINE.move(db, disbursement, "acquitted", staff.actor, now)
    disbursement.acquitted_by, disbursement.acquitted_at = staff.id, now
    close_task(db, "disbursement", number, now, staff)
    notify_owner(db, disbursement, appeal, now)
    db.flush()
    close_accounts(db, appeal, now)
    return disbursement


def want_other_receipts(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Disbursement:
    """Send the receipts back for ``reasons``; the owner has RECEIPTS_WITHIN anew. Raises as ``acquit`` does."""
    disbursement, appeal, task = turn_of(db, staff, number)
    if task.step != "use_acquit":
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="receipts")
    matter = matter_of(disbursement, appeal.region_code, appeal.household_id)
    decide(db, matter, disbursement.round, staff, "return", now, reasons)
    disbursement.receipts_at, disbursement.receipts_due = None, now + RECEIPTS_WITHIN
    disbursement.receipts_reminded = False
    disbursement.reasons = ",".join(reasons)
    close_task(db, "disbursement", number, now, staff)
    _remind(db, disbursement, appeal, now, overdue=False)
    db.flush()
    return disbursement


def look_after_receipts(db: Session, now: datetime) -> int:
    """Remind owners a week before receipts are due, and freeze the appeal once they are overdue.

    Returns how many disbursements were found.
    """
    missing = select(Disbursement.id).join(Appeal, Appeal.id == Disbursement.appeal_id)
    missing = missing.where(Disbursement.receipts_at.is_(None), Appeal.state.in_(LIVE))
    missing = missing.where(Disbursement.state.in_(AFTER)).order_by(Disbursement.receipts_due).limit(_BATCH)
    overdue = db.scalars(missing.where(Disbursement.receipts_due <= now)).all()
    soon = Disbursement.receipts_due.between(now, now + REMINDED) & ~Disbursement.receipts_reminded
    numbers = [*overdue, *db.scalars(missing.where(soon))]
    for number in sorted(numbers):
        disbursement, appeal = locked(db, number)
        if disbursement.receipts_at or disbursement.receipts_due is None or appeal.state not in LIVE:
            continue
        late = disbursement.receipts_due <= now
        _remind(db, disbursement, appeal, now, overdue=late)
        disbursement.receipts_reminded = True
        if late:
            freeze(db, appeal, SYSTEM, now, "receipts_overdue")
            tell_of_appeal(db, appeal, now, ("receipts_overdue",))
            # If the county resumes the appeal, its owner has as long again.
            disbursement.receipts_due, disbursement.receipts_reminded = now + RECEIPTS_WITHIN, False
        db.flush()
    return len(numbers)


def close_accounts(db: Session, appeal: Appeal, now: datetime) -> None:
    """Move an appeal to reporting once its money is spent, and to completed once all of it is accounted for.

    Every change that takes the last of an appeal's money, or accounts for it, calls this; the appeal must be locked.
    """
    states = set(db.scalars(select(Disbursement.state).where(Disbursement.appeal_id == appeal.id).distinct()))
    spent = states & set(SPENT)
    if appeal.state == "executing" and spent and states <= {*SPENT, *OVER} and not held(db, [appeal.id])[appeal.id]:
        APPEALS.move(db, appeal, "reporting", SYSTEM, now)
        tell_of_appeal(db, appeal, now)
    if appeal.state == "reporting" and states <= set(OVER):
        APPEALS.move(db, appeal, "completed", SYSTEM, now)
        close_task(db, "appeal", appeal.id, now)  # perhaps a task about a doubt is open
        tell_of_appeal(db, appeal, now)
    db.flush()


def look_after_accounts(db: Session, now: datetime) -> int:
    """Close the accounts of executing appeals with no money left, such as after a refund. Returns how many."""
    theirs = Disbursement.appeal_id == Appeal.id
    nothing = (LedgerAccount.kind == "appeal") & (LedgerAccount.balance_fen == 0)
    found = select(Appeal.id).join(LedgerAccount, (LedgerAccount.subject_id == Appeal.id) & nothing)
    found = found.where(Appeal.state == "executing", exists().where(theirs, Disbursement.state.in_(SPENT)))
    found = found.where(~exists().where(theirs, Disbursement.state.in_(UNDER_WAY))).order_by(Appeal.id).limit(_BATCH)
    numbers = db.scalars(found).all()
    for number in numbers:
        close_accounts(db, get_appeal(db, number, lock=True), now)
    return len(numbers)


def _heard(db: Session, disbursement: Disbursement, appeal: Appeal, outcome: str, actor: Actor, now: datetime) -> None:
    state = _state_of(outcome)
    MACHINE.move(db, disbursement, state, actor, now, outcome)
    disbursement.confirmed_at = now
    disbursement.issue = None if outcome == RECEIVED else outcome
    if outcome == RECEIVED:
        _go_on(db, disbursement, appeal, now)
        return
    close_task(db, "disbursement", disbursement.id, now)  # no check call any more: the county asks now
    matter = matter_of(disbursement, appeal.region_code, appeal.household_id)
    open_task(db, matter, "use_doubt", now, barred_from(db, disbursement, appeal))
    if outcome == NOT_RECEIVED and appeal.state in LIVE:
        freeze(db, appeal, SYSTEM, now, "money_not_received")
        tell_of_appeal(db, appeal, now, ("money_not_received",))
    db.flush()


def _go_on(db: Session, disbursement: Disbursement, appeal: Appeal, now: datetime) -> None:
    """Open the task to read the receipts once money and receipts are there and no check call is open."""
    ready = disbursement.state == "received" and disbursement.receipts_at is not None
    if ready and find_task(db, "disbursement", disbursement.id) is None:
        matter = matter_of(disbursement, appeal.region_code, appeal.household_id)
        barred = {disbursement.called_by: "decided_before"} if disbursement.called_by else {}
        open_task(db, matter, "use_acquit", now, barred)


def _state_of(outcome: str) -> str:
    return "received_with_issues" if outcome in ISSUES else outcome


def _is_theirs(appeal: Appeal, user: User) -> bool:
    return appeal.owner_id == user.id or (user.household_id is not None and appeal.household_id == user.household_id)


def _remind(db: Session, disbursement: Disbursement, appeal: Appeal, now: datetime, *, overdue: bool) -> None:
    due = disbursement.receipts_due or now
    facts = {
        "number": appeal.id,
        "title": appeal.title,
        "use": disbursement.id,
        "amount_fen": disbursement.amount_fen,
        "day": day_in_china(due),
        "overdue": overdue,
        "reasons": disbursement.reasons.split(",") if disbursement.reasons else [],
    }
    for person in db.scalars(select(Conversation.id).where(Conversation.user_id == appeal.owner_id)):
        key = f"receipts_due:{disbursement.id}:{due.date().isoformat()}:{int(overdue)}:{person}"
        tell(db, person, "receipts_due", facts, key, now, ("appeal", appeal.id))
