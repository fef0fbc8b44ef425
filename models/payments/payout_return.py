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
from models.core.codes import new_order_number
from models.core.state_machine import SYSTEM
from models.disbursements.allocation import PAGE, check_shared, give_page, has_few, is_pending, take_away
from models.disbursements.approval import locked
from models.disbursements.disbursement import MACHINE as DISBURSEMENTS
from models.disbursements.disbursement import Disbursement, NoSuchDisbursement, find_disbursement, matter_of
from models.giving.allocation import DisbursementShare
from models.giving.matching import refunded_gifts_of, hold_matches, return_matches
from models.giving.pledge import LEFT_APPEAL, Pledge
from models.giving.refund_run import give_back
from models.ledger import Account, moves
from models.ledger.accounts import REFUNDS
from models.payments.order import PayOrder
from models.payments.refund import LEASE, Refund
from models.payments.refund_entitlement import hold_order, orders_of
from models.staff.fund_holder import holder_of
from models.staff.member import Staff
from models.staff.task import close_task, demand_no_conflict


def check_return(db: Session, staff: Staff, number: int) -> Disbursement:
    """Check that this fund holder may enter the payout's return.

    Raises NoSuchDisbursement (also for another fund holder's payout), WrongState or HasConflict.
    """
    disbursement = find_disbursement(db, number)
    if disbursement.holder_id != holder_of(staff):
        raise NoSuchDisbursement(number=number)
    DISBURSEMENTS.check(disbursement.state, "returned", staff.actor)
    appeal = db.get_one(Appeal, disbursement.appeal_id)
    demand_no_conflict(db, staff, matter_of(disbursement, appeal.region_code, appeal.household_id))
    return disbursement


def enter_return(db: Session, staff: Staff, number: int, now: datetime) -> Disbursement:
    """Record that the bank returned a payout: the appeal holds the money again, and the gifts have their shares back.

    Raises as ``check_return`` does, and SharesPending. Where ``gifts_to`` is not None afterwards, the caller enqueues
    ``follow_gifts`` for the remaining gifts.
    """
    _, appeal = locked(db, number)
    disbursement = check_return(db, staff, number)
    check_shared(db, appeal.id)
    holder = disbursement.holder_id or 0
    few = has_few(db, appeal.id)
    if few:
        _hold_givers(db, number)
    # With few gifts this transaction also removes their shares, so all its ledger accounts are locked here at once.
    hold_matches(
        db, refunded_gifts_of(db, number) if few else [], (Account("appeal", appeal.id), Account("bank", holder), REFUNDS)
    )
    moves.disbursement_returned(db, appeal.id, holder, disbursement.amount_fen, f"disbursement:{number}", now)
    DISBURSEMENTS.move(db, disbursement, "returned", staff.actor, now)
    disbursement.gifts_to, disbursement.receipts_due = 0, None
    close_task(db, "disbursement", number, now, staff)
    if appeal.state == "reporting":
        APPEALS.move(db, appeal, "executing", SYSTEM, now, f"disbursement:{number}")
    if few:
        _take_page_away(db, disbursement, now)
    db.flush()
    return disbursement


def continue_shares(db: Session, number: int, now: datetime) -> bool:
    """Continue the allocation, or the removal of shares, of the appeal's earliest unfinished payment by one page.

    ``number``: any payment of the appeal. Returns False once no payment of the appeal is unfinished.
    """
    _, appeal = locked(db, number)
    waits = (Disbursement.appeal_id == appeal.id) & Disbursement.gifts_to.is_not(None)
    first = select(Disbursement).where(waits).order_by(Disbursement.paid_at, Disbursement.id).limit(1)
    disbursement = db.scalar(first.execution_options(populate_existing=True))
    if disbursement is None:
        return False
    page = _take_page_away if disbursement.state == "returned" else give_page
    page(db, disbursement, now)
    return is_pending(db, appeal.id)


def _hold_givers(db: Session, disbursement_id: int) -> None:
    """Lock the payment's gifts and the orders of those that were refunded; the caller holds the appeal's lock.

    Called before the return is posted, because the platform may report those refunds at this moment.
    """
    theirs = select(DisbursementShare.pledge_id).where(DisbursementShare.disbursement_id == disbursement_id)
    gifts = select(Pledge).where(Pledge.id.in_(theirs)).order_by(Pledge.id).with_for_update(key_share=True)
    held = db.scalars(gifts.execution_options(populate_existing=True)).all()
    _hold_orders(db, orders_of(db, [gift for gift in held if gift.state in LEFT_APPEAL]).values())


def _take_page_away(db: Session, disbursement: Disbursement, now: datetime, most: int = PAGE) -> bool:
    """Remove the shares of a returned payment's next page of gifts. Returns False once all are removed.

    The caller holds the appeal's lock.
    """
    if disbursement.gifts_to is None:
        return False
    given = take_away(db, disbursement, now, most)
    theirs = select(Pledge).where(Pledge.id.in_(list(given)), Pledge.state.in_(LEFT_APPEAL)).order_by(Pledge.id)
    gone = db.scalars(theirs.with_for_update(key_share=True)).all()
    if gone:
        _give_back(db, disbursement, {gift: given[gift.id] for gift in gone}, now)
    appeal = db.get_one(Appeal, disbursement.appeal_id)
    if disbursement.gifts_to is None and appeal.state in UNSUCCESSFUL:
        give_back(db, appeal.id, appeal.state, now)  # the appeal has ended, so its gifts are refunded
    return disbursement.gifts_to is not None


def _give_back(db: Session, disbursement: Disbursement, gifts: Mapping[Pledge, int], now: datetime) -> None:
    orders, numbers = orders_of(db, list(gifts)), [gift.id for gift in gifts]
    _hold_orders(db, orders.values())
    hold_matches(db, numbers, (REFUNDS,))
    return_matches(db, numbers, now)
    for gift, fen in gifts.items():
        if not fen:
            continue
        refund = Refund(
            pay_order_id=orders[gift.id].id,
            pledge_id=gift.id,
            appeal_id=gift.appeal_id,
            disbursement_id=disbursement.id,
            out_refund_no=new_order_number(),
            amount_fen=fen,
            reason="returned",
            state="owed",
            created_at=now,
            due_at=now + LEASE,
        )
        db.add(refund)
        db.flush()
        moves.refund_owed(db, gift.appeal_id, fen, refund.cause, now)


def _hold_orders(db: Session, orders: Iterable[PayOrder]) -> None:
    for number in sorted({order.id for order in orders}):
        hold_order(db, number)
