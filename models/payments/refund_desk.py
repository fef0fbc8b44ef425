"""Settle stuck refunds: the fund holder submits one again, or states that it was paid by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.refusal import Refusal
from models.giving.pledge import Pledge
from models.ledger import Overdrawn
from models.payments.locks import lock_order, lock_pledge, lock_refund
from models.payments.refund import LEASE, MACHINE, STUCK, Refund
from models.payments.refund_result import close_refund_tasks, mark_paid
from models.staff.member import Staff, in_charge_of
from models.staff.turn import demand_identified

# The most refunds of one appeal that are submitted again at once, so that a turn stays short.
MOST_RESUBMITTED = 100


class NoSuchRefund(Refusal):
    """There is no stuck refund with this number, or it is outside the region."""

    code = "no_such_refund"


class RefundShort(Refusal):
    """The ledger's channel account lacks ``short_fen`` of what was paid back: a top-up was not entered."""

    code = "refund_short"


@dataclass(frozen=True, slots=True)
class StuckRefund:
    """A stuck refund. ``gift``: the gift's code. ``others``: how many more of the same appeal are stuck."""

    refund: Refund
    title: str
    gift: str
    given_at: datetime
    others: int


def list_stuck_refunds(db: Session, staff: Staff, most: int, appeal_id: int | None = None) -> Sequence[Refund]:
    """List the stuck refunds of this member of staff's region, or of one appeal in it, the oldest first."""
    found = _seen_by(staff) if appeal_id is None else _seen_by(staff).where(Refund.appeal_id == appeal_id)
    return db.scalars(found.order_by(Refund.id).limit(most)).all()


def find_stuck_refund(db: Session, staff: Staff, number: int) -> StuckRefund:
    """Get a stuck refund of this member of staff's region. Raises NoSuchRefund."""
    refund = db.scalar(_seen_by(staff).where(Refund.id == number))
    if refund is None:
        raise NoSuchRefund(number=number)
    pledge = db.get_one(Pledge, refund.pledge_id)
    same = (Refund.appeal_id == refund.appeal_id) & Refund.state.in_(STUCK) & (Refund.id != refund.id)
    others = db.scalar(select(func.count()).where(same)) or 0
    title = db.get_one(Appeal, refund.appeal_id).title
    return StuckRefund(refund, title, pledge.code, pledge.created_at, others)


def resubmit(db: Session, staff: Staff, number: int, now: datetime) -> Refund:
    """Submit a stuck refund once more, under the same number, or the next one where the platform closed the last.

    The caller enqueues ``ask_refund``. Raises NoSuchRefund.
    """
    find_stuck_refund(db, staff, number)
    return _resubmit(db, staff, [number], now)[0]


def resubmit_all(db: Session, staff: Staff, appeal_id: int, now: datetime) -> list[int]:
    """Do ``resubmit`` for all stuck refunds of an appeal, at most MOST_RESUBMITTED. Returns their ids."""
    theirs = _seen_by(staff).where(Refund.appeal_id == appeal_id).order_by(Refund.id).limit(MOST_RESUBMITTED)
    numbers = [refund.id for refund in db.scalars(theirs)]
    return [refund.id for refund in _resubmit(db, staff, numbers, now)]


def mark_paid_by_hand(db: Session, staff: Staff, number: int, why: str, now: datetime) -> Refund:
    """Record that the fund holder paid a refund on the platform's own page, from the channel's balance.

    ``why``: a code of the reason. Raises NoSuchRefund, NotIdentified or RefundShort.
    """
    find_stuck_refund(db, staff, number)
    demand_identified(staff)
    refund = _lock(db, number)
    try:
        mark_paid(db, refund, now, now, staff, why)
    except Overdrawn as lacks:
        raise RefundShort(number=number, short_fen=lacks.short_fen) from None
    return refund


def _resubmit(db: Session, staff: Staff, numbers: Sequence[int], now: datetime) -> list[Refund]:
    """Lock all refunds before any task is changed, in the order that settling one uses too."""
    refunds = [_lock(db, number) for number in numbers]
    for refund in refunds:
        if refund.state == "closed":
            refund.round, refund.tries = refund.round + 1, 0
        refund.trouble, refund.due_at = None, now + LEASE
        MACHINE.move(db, refund, "owed", staff.actor, now)
    db.flush()
    close_refund_tasks(db, refunds, now, staff)
    return refunds


def _lock(db: Session, number: int) -> Refund:
    """Lock pledge, order and refund, in this order. Raises NoSuchRefund where the refund is no longer stuck."""
    seen = db.get_one(Refund, number)
    lock_pledge(db, seen.pledge_id)
    lock_order(db, seen.pay_order_id)
    refund = lock_refund(db, number)
    if refund is None or refund.state not in STUCK:
        raise NoSuchRefund(number=number)
    return refund


def _seen_by(staff: Staff) -> Select[Refund]:
    theirs = select(Refund).join(Appeal, Appeal.id == Refund.appeal_id)
    return theirs.where(Refund.state.in_(STUCK), in_charge_of(staff, Appeal.region_code, Appeal.charity_id))
