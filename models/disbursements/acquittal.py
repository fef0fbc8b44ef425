"""Acquit paid disbursements: the receipts, and the appeal's end.

Overdue receipts freeze the appeal. It is completed once all its payments are accounted for and no money is held for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, Appeal, freeze, get_appeal
from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.review import notify_owner as notify_of_appeal
from models.core.audit_trail import record
from models.core.calendar import day_in_china
from models.core.state_machine import SYSTEM, WrongState
from models.disbursements.approval import lock_disbursement, notify_owner, turn_of
from models.disbursements.disbursement import ENDED, MACHINE, SPENT, UNACQUITTED, UNDER_WAY, Disbursement, matter_of
from models.disbursements.evidence import demand_pictures_opened
from models.disbursements.payout import RECEIPTS_WITHIN
from models.ledger import held
from models.ledger.accounts import LedgerAccount
from models.notifications.notify import notify_user
from models.people.photo import attach_photos
from models.staff.decision import decide
from models.staff.member import Staff
from models.staff.task import close_task, find_task, open_task

# How long before receipts are due the owner is reminded.
REMINDED = timedelta(days=7)
_BATCH = 50


def hand_in_receipts(
    db: Session, number: int, pictures: Iterable[Mapping[str, str]], conversation_id: int, now: datetime
) -> list[int]:
    """Attach the receipts' pictures to a paid disbursement; return the ids of the photos to fetch.

    Raises NoSuchDisbursement, and WrongState before it is paid and once it is over.
    """
    disbursement, appeal = lock_disbursement(db, number)
    if disbursement.state not in UNACQUITTED:
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="receipts")
    owed = attach_photos(db, "receipt", number, conversation_id, pictures, now)
    who = f"user:{disbursement.requested_by}"
    record(db, at=now, actor=who, action="receipts", subject="disbursement", subject_id=number)
    disbursement.receipts_at = now
    open_receipts_task(db, disbursement, appeal, now)
    db.flush()
    return owed


def acquit(db: Session, staff: Staff, number: int, now: datetime) -> Disbursement:
    """Accept the receipts, which acquits the disbursement.

    Raises as models.disbursements.approval.turn_of does, WrongState, and PicturesNotOpened.
    """
    disbursement, appeal, task = turn_of(db, staff, number)
    if task.step != "use_acquit":
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="acquitted")
    demand_pictures_opened(db, staff, number, task.step)
    MACHINE.move(db, disbursement, "acquitted", staff.actor, now)
    disbursement.acquitted_by, disbursement.acquitted_at = staff.id, now
    close_task(db, "disbursement", number, now, staff)
    notify_owner(db, disbursement, appeal, now)
    db.flush()
    close_accounts(db, appeal, now)
    return disbursement


def return_receipts(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Disbursement:
    """Send the receipts back for ``reasons``; the owner has RECEIPTS_WITHIN anew. Raises WrongState, as ``turn_of``."""
    disbursement, appeal, task = turn_of(db, staff, number)
    if task.step != "use_acquit":
        raise WrongState(subject="disbursement", state=disbursement.state, wanted="receipts")
    matter = matter_of(disbursement, appeal)
    decide(db, matter, disbursement.round, staff, "return", now, reasons)
    disbursement.receipts_at, disbursement.receipts_due = None, now + RECEIPTS_WITHIN
    disbursement.receipts_reminded = False
    disbursement.reasons = ",".join(reasons)
    close_task(db, "disbursement", number, now, staff)
    _remind(db, disbursement, appeal, now, overdue=False)
    db.flush()
    return disbursement


def enforce_receipt_deadlines(db: Session, now: datetime) -> int:
    """Remind owners a week before receipts are due, and freeze the appeal once they are overdue.

    Returns how many disbursements were found.
    """
    missing = select(Disbursement.id).join(Appeal, Appeal.id == Disbursement.appeal_id)
    missing = missing.where(Disbursement.receipts_at.is_(None), Appeal.state.in_(LIVE))
    missing = missing.where(Disbursement.state.in_(UNACQUITTED)).order_by(Disbursement.receipts_due).limit(_BATCH)
    overdue = db.scalars(missing.where(Disbursement.receipts_due <= now)).all()
    soon = Disbursement.receipts_due.between(now, now + REMINDED) & ~Disbursement.receipts_reminded
    numbers = [*overdue, *db.scalars(missing.where(soon))]
    for number in sorted(numbers):
        disbursement, appeal = lock_disbursement(db, number)
        if disbursement.receipts_at or disbursement.receipts_due is None or appeal.state not in LIVE:
            continue
        late = disbursement.receipts_due <= now
        _remind(db, disbursement, appeal, now, overdue=late)
        disbursement.receipts_reminded = True
        if late:
            freeze(db, appeal, SYSTEM, now, "receipts_overdue")
            notify_of_appeal(db, appeal, now, ("receipts_overdue",))
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
    if appeal.state == "executing" and spent and states <= {*SPENT, *ENDED} and not held(db, [appeal.id])[appeal.id]:
        APPEALS.move(db, appeal, "reporting", SYSTEM, now)
        notify_of_appeal(db, appeal, now)
    if appeal.state == "reporting" and states <= set(ENDED):
        APPEALS.move(db, appeal, "completed", SYSTEM, now)
        close_task(db, "appeal", appeal.id, now)  # perhaps a task about a doubt is open
        notify_of_appeal(db, appeal, now)
    db.flush()


def close_spent_accounts(db: Session, now: datetime) -> int:
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


def open_receipts_task(db: Session, disbursement: Disbursement, appeal: Appeal, now: datetime) -> None:
    """Open the task to read the receipts once money and receipts are there and no check call is open."""
    ready = disbursement.state == "received" and disbursement.receipts_at is not None
    if ready and find_task(db, "disbursement", disbursement.id) is None:
        matter = matter_of(disbursement, appeal)
        barred = {disbursement.called_by: "decided_before"} if disbursement.called_by else {}
        open_task(db, matter, "use_acquit", now, barred)


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
    key = f"receipts_due:{disbursement.id}:{due.date().isoformat()}:{int(overdue)}"
    notify_user(db, appeal.owner_id, "receipts_due", facts, key, now, ("appeal", appeal.id))
