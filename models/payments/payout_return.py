"""Record a payout that the bank returned: remove its shares from the gifts, and refund those of gifts that are gone.

A gift that is still there has its share back; if its appeal has ended meanwhile, it is refunded with it. If a gift was
refunded or redirected meanwhile, its share goes to the donor as a second refund of the gift's order, and the match's
share goes back to its pools. If the channel no longer makes that refund, it becomes a task of the fund holder like any
stuck refund.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import UNSUCCESSFUL, Appeal
from models.core.state_machine import SYSTEM
from models.disbursements.allocation import allocate, remove_page
from models.disbursements.allocation_run import (
    AllocationRun,
    begin_run,
    check_allocated,
    end_run,
    first_run,
    fits_one_page,
    is_pending,
)
from models.disbursements.approval import lock_disbursement
from models.disbursements.disbursement import MACHINE as DISBURSEMENTS
from models.disbursements.disbursement import Disbursement, NoSuchDisbursement, find_disbursement, matter_of
from models.giving.allocation import DisbursementShare
from models.giving.matching import lock_matches, refunded_gifts_of, return_matches
from models.giving.pledge import LEFT_APPEAL, Pledge
from models.giving.refund_run import begin_refund_run
from models.ledger import Account, moves
from models.ledger.accounts import charity_of_bank, refunds_of
from models.organisations.merchant import charity_of_merchant
from models.payments.locks import lock_order
from models.payments.order import PayOrder
from models.payments.refund import new_refund
from models.payments.refund_entitlement import orders_of
from models.staff.fund_holder import holder_of
from models.staff.member import Staff
from models.staff.task import close_task
from models.staff.turn import demand_no_conflict


def check_return(db: Session, staff: Staff, number: int) -> Disbursement:
    """Check that this fund holder may enter the payout's return.

    Raises NoSuchDisbursement (also for another fund holder's payout), WrongState or HasConflict.
    """
    disbursement = find_disbursement(db, number)
    if disbursement.holder_id != holder_of(staff):
        raise NoSuchDisbursement(number=number)
    DISBURSEMENTS.check(disbursement.state, "returned", staff.actor)
    appeal = db.get_one(Appeal, disbursement.appeal_id)
    demand_no_conflict(db, staff, matter_of(disbursement, appeal))
    return disbursement


def enter_return(db: Session, staff: Staff, number: int, now: datetime) -> tuple[Disbursement, bool]:
    """Record that the bank returned a payout: the appeal holds the money again, and the gifts have their shares back.

    Returns it, and True where the caller must enqueue ``follow_gifts`` for the rest of the gifts. Raises as
    ``check_return`` does, and AllocationPending.
    """
    _, appeal = lock_disbursement(db, number)
    disbursement = check_return(db, staff, number)
    check_allocated(db, appeal.id)
    holder = disbursement.holder_id or 0
    few = fits_one_page(db, appeal.id)
    if few:
        _lock_givers(db, number)
    # With few gifts this transaction also removes their shares, so all its ledger accounts are locked here at once.
    accounts = (Account("appeal", appeal.id), Account("bank", holder), refunds_of(charity_of_bank(holder)))
    lock_matches(db, refunded_gifts_of(db, number) if few else [], accounts)
    moves.disbursement_returned(db, appeal.id, holder, disbursement.amount_fen, f"disbursement:{number}", now)
    DISBURSEMENTS.move(db, disbursement, "returned", staff.actor, now)
    disbursement.receipts_due = None
    run = begin_run(db, disbursement, None)
    close_task(db, "disbursement", number, now, staff)
    if appeal.state == "reporting":
        APPEALS.move(db, appeal, "executing", SYSTEM, now, f"disbursement:{number}")
    if few:
        _remove(db, run, now)
    db.flush()
    return disbursement, not few


def continue_allocation(db: Session, number: int, now: datetime) -> bool:
    """Continue the allocation, or the removal of shares, of the appeal's earliest unfinished payment by one page.

    ``number``: any payment of the appeal. Returns False once no payment of the appeal is unfinished.
    """
    _, appeal = lock_disbursement(db, number)
    run = first_run(db, appeal.id)
    if run is None:
        return False
    (_remove if run.removes else allocate)(db, run, now)
    return is_pending(db, appeal.id)


def _lock_givers(db: Session, disbursement_id: int) -> None:
    """Lock the payment's gifts and the orders of those that were refunded; the caller holds the appeal's lock.

    Called before the return is posted, because the platform may report those refunds at this moment.
    """
    theirs = select(DisbursementShare.pledge_id).where(DisbursementShare.disbursement_id == disbursement_id)
    gifts = select(Pledge).where(Pledge.id.in_(theirs)).order_by(Pledge.id).with_for_update(key_share=True)
    held = db.scalars(gifts.execution_options(populate_existing=True)).all()
    _lock_orders(db, orders_of(db, [gift for gift in held if gift.state in LEFT_APPEAL]).values())


def _remove(db: Session, run: AllocationRun, now: datetime) -> None:
    """Remove the shares of a returned payment's next page of gifts, and end the run with the last.

    The caller holds the appeal's lock.
    """
    given, more = remove_page(db, run, now)
    theirs = select(Pledge).where(Pledge.id.in_(list(given)), Pledge.state.in_(LEFT_APPEAL)).order_by(Pledge.id)
    gone = db.scalars(theirs.with_for_update(key_share=True)).all()
    if gone:
        _give_back(db, run.disbursement_id, {gift: given[gift.id] for gift in gone}, now)
    if more:
        return
    end_run(db, run)
    appeal = db.get_one(Appeal, run.appeal_id)
    if appeal.state in UNSUCCESSFUL:
        begin_refund_run(db, appeal.id, appeal.state, now)  # the appeal has ended, so its gifts are refunded


def _give_back(db: Session, disbursement_id: int, gifts: Mapping[Pledge, int], now: datetime) -> None:
    orders, numbers = orders_of(db, list(gifts)), [gift.id for gift in gifts]
    _lock_orders(db, orders.values())
    lock_matches(db, numbers, [refunds_of(charity_of_merchant(db, order.merchant)) for order in orders.values()])
    return_matches(db, numbers, now)
    for gift, fen in gifts.items():
        if not fen:
            continue
        refund = new_refund(db, orders[gift.id], gift, fen, "returned", now, disbursement_id=disbursement_id)
        moves.refund_owed(db, gift.appeal_id, fen, refund.cause, now)


def _lock_orders(db: Session, orders: Iterable[PayOrder]) -> None:
    for number in sorted({order.id for order in orders}):
        lock_order(db, number)
