"""放款: record the fund holder's transfer in the ledger, begin its allocation to gifts, and notify donors and owner."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import Appeal, BudgetLine
from models.core.lottery import draw
from models.core.state_machine import SYSTEM
from models.disbursements.allocation import allocate
from models.disbursements.allocation_run import AllocationPending, begin_run, fits_one_page, is_pending
from models.disbursements.approval import barred_from, lock_disbursement
from models.disbursements.disbursement import MACHINE, Disbursement, matter_of
from models.disbursements.payee import Payee
from models.disbursements.payee_change import notify_county
from models.disbursements.payout_claim import claim_payout, what_stops
from models.ledger import Account, lock, moves
from models.ledger.errors import PayoutShort, ReferenceUsed
from models.notifications.broadcast import notify_backers
from models.notifications.notify import notify_user
from models.outreach.reporting_duty import start_reporting_period
from models.staff.fund_holder import holder_of
from models.staff.member import Staff
from models.staff.task import Task, close_task, open_task

# Receipts are due in this time: shops in the mountains write them by hand, and market day may be every tenth day.
RECEIPTS_WITHIN = timedelta(days=30)
# One payment in so many gets a check call, by an officer who had no part in it.
ONE_CALL_IN = 5
# The states that an appeal's first payout ends.
HAD_ENOUGH = ("funded", "minimum_met")


def pay(db: Session, staff: Staff, number: int, reference: str, now: datetime) -> tuple[Disbursement, bool]:
    """Record the payout under the bank's ``reference``. The same reference again is the same payment.

    What was claimed is recorded, whatever has stopped payouts since, and the county is told. What was not, is claimed.
    Returns it, and True where the caller must enqueue ``follow_gifts`` for the rest of the allocation. Raises as
    models.disbursements.payout_claim.claim_payout does, ReferenceUsed, PayoutShort or AllocationPending.
    """
    before, _ = lock_disbursement(db, number)
    if before.paid_at and before.paid_by == staff.id and before.bank_reference == reference:
        return before, False
    disbursement, appeal = claim_payout(db, staff, number, now)
    # The bank account that it was claimed from, even where another fund holder has taken over the task.
    holder = disbursement.holder_id or holder_of(staff)
    same = (Disbursement.holder_id == holder) & (Disbursement.bank_reference == reference)
    if db.scalar(select(Disbursement.id).where(same)):
        raise ReferenceUsed(reference=reference)
    held_for, bank = Account("appeal", appeal.id), Account("bank", holder)
    accounts = lock(db, [held_for, bank])
    if accounts[bank].balance_fen < disbursement.amount_fen:
        raise PayoutShort(held_fen=accounts[bank].balance_fen, need_fen=disbursement.amount_fen)
    if is_pending(db, appeal.id, returned=True):
        raise AllocationPending(number=appeal.id)
    alone = not is_pending(db, appeal.id) and fits_one_page(db, appeal.id)
    disbursement.paid_despite = what_stops(db, appeal, now)
    run = begin_run(db, disbursement, accounts[held_for].balance_fen)
    moves.disbursed(db, appeal.id, holder, disbursement.amount_fen, f"disbursement:{number}", now)
    _mark_paid(db, disbursement, staff, reference, now)
    MACHINE.move(db, disbursement, "paid", staff.actor, now, disbursement.paid_despite)
    close_task(db, "disbursement", number, now, staff)
    db.flush()
    _begin_spending(db, appeal, number, now)
    if disbursement.sampled:
        _open_check_call(db, disbursement, appeal, now)
    _notify(db, disbursement, appeal, now)
    if alone:
        allocate(db, run, now)
    return disbursement, not alone


def _mark_paid(db: Session, disbursement: Disbursement, staff: Staff, reference: str, now: datetime) -> None:
    payee = db.get_one(Payee, disbursement.payee_id)
    disbursement.paid_by, disbursement.paid_at, disbursement.payable_from = staff.id, now, payee.payable_from
    disbursement.bank_reference = reference
    disbursement.receipts_due = now + RECEIPTS_WITHIN
    disbursement.sampled = draw(str(disbursement.id), "disbursement_sample", ONE_CALL_IN) == 0


def _begin_spending(db: Session, appeal: Appeal, number: int, now: datetime) -> None:
    """Let the appeal execute from its first payout on; one that is frozen does so when it is resumed."""
    if appeal.state in HAD_ENOUGH:
        APPEALS.move(db, appeal, "executing", SYSTEM, now, f"disbursement:{number}")
        start_reporting_period(appeal, now)
    elif appeal.state == "frozen" and appeal.was in HAD_ENOUGH:
        appeal.was = "executing"
        start_reporting_period(appeal, now)


def _open_check_call(db: Session, disbursement: Disbursement, appeal: Appeal, now: datetime) -> Task:
    """Open the check call's task, for an officer who had no part in the payment or the appeal."""
    barred = barred_from(db, disbursement, appeal)
    for staff_id in (disbursement.paid_by, appeal.endorsed_by):
        if staff_id:
            barred.setdefault(staff_id, "decided_before")
    return open_task(db, matter_of(disbursement, appeal), "use_call", now, barred)


def _notify(db: Session, disbursement: Disbursement, appeal: Appeal, now: datetime) -> None:
    item = db.get_one(BudgetLine, disbursement.line_id).item
    facts = {"amount_fen": disbursement.amount_fen, "item": item}
    notify_backers(db, "disbursed", appeal.id, appeal.title, f"disbursed:{disbursement.id}", now, owner=False, **facts)
    own = {"number": appeal.id, "title": appeal.title, "owner": True, "code": disbursement.code, **facts}
    if disbursement.paid_despite:
        told = {**facts, "number": appeal.id, "title": appeal.title, "use": disbursement.id}
        told["why"] = disbursement.paid_despite
        notify_county(db, appeal, "paid_despite", told, f"paid_despite:{disbursement.id}", now)
    notify_user(db, appeal.owner_id, "disbursed", own, f"disbursed:{disbursement.id}", now, ("appeal", appeal.id))
