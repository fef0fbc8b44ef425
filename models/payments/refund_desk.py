"""What the fund holder does about a refund that is stuck: have it asked for again, or say that it was done by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.refusal import Refusal
from models.giving.pledge import Pledge
from models.ledger import Overdrawn
from models.payments.refund import LEASE, MACHINE, STUCK, Refund
from models.payments.refund_entitlement import hold_order, hold_pledge, hold_refund
from models.payments.refund_result import call_off, settle
from models.staff.member import Staff
from models.staff.queue import within

# Of one appeal at a time, so that a turn stays short.
MOST_AGAIN = 100


class NoSuchRefund(Refusal):
    """There is none that waits for somebody, or it is of another place."""

    code = "no_such_refund"


class RefundShort(Refusal):
    """The ledger has less with the channel than was paid back: what was put there was not entered."""

    code = "refund_short"


@dataclass(frozen=True, slots=True)
class Stuck:
    """``others``: of the same appeal, stuck as well."""

    refund: Refund
    title: str
    gift: str
    given_at: datetime
    others: int


def stuck_ones(db: Session, staff: Staff, most: int, appeal_id: int | None = None) -> Sequence[Refund]:
    """Those of this one's place, or of one appeal there, the oldest first."""
    found = _seen_by(staff) if appeal_id is None else _seen_by(staff).where(Refund.appeal_id == appeal_id)
    return db.scalars(found.order_by(Refund.id).limit(most)).all()


def find_stuck(db: Session, staff: Staff, number: int) -> Stuck:
    """Raises NoSuchRefund."""
    refund = db.scalar(_seen_by(staff).where(Refund.id == number))
    if refund is None:
        raise NoSuchRefund(number=number)
    pledge = db.get_one(Pledge, refund.pledge_id)
    same = (Refund.appeal_id == refund.appeal_id) & Refund.state.in_(STUCK) & (Refund.id != refund.id)
    others = db.scalar(select(func.count()).where(same)) or 0
    title = db.get_one(Appeal, refund.appeal_id).title
    return Stuck(refund, title, pledge.code, pledge.created_at, others)


def again(db: Session, staff: Staff, number: int, now: datetime) -> Refund:
    """Ask for it once more, with the same number; after the platform closed that, with the next. Raises NoSuchRefund.

    The caller enqueues ``ask_refund``.
    """
    find_stuck(db, staff, number)
    return _ask_again(db, staff, [number], now)[0]


def all_again(db: Session, staff: Staff, appeal_id: int, now: datetime) -> list[int]:
    """As ``again``, all of an appeal that are stuck, up to MOST_AGAIN. Returns their numbers."""
    theirs = _seen_by(staff).where(Refund.appeal_id == appeal_id).order_by(Refund.id).limit(MOST_AGAIN)
    numbers = [refund.id for refund in db.scalars(theirs)]
    return [refund.id for refund in _ask_again(db, staff, numbers, now)]


def done_by_hand(db: Session, staff: Staff, number: int, why: str, now: datetime) -> Refund:
    """The fund holder has paid it back on the platform's own page, from what the channel holds. ``why`` is a code.

    Raises NoSuchRefund or RefundShort.
    """
    find_stuck(db, staff, number)
    refund = _hold(db, number)
    try:
        settle(db, refund, now, now, staff, why)
    except Overdrawn as lacks:
        raise RefundShort(number=number, short_fen=lacks.short_fen) from None
    return refund


def _ask_again(db: Session, staff: Staff, numbers: Sequence[int], now: datetime) -> list[Refund]:
    """All are held before anybody's task is touched, as whoever settles one does."""
    refunds = [_hold(db, number) for number in numbers]
    for refund in refunds:
        if refund.state == "closed":
            refund.round, refund.tries = refund.round + 1, 0
        refund.trouble, refund.due_at = None, now + LEASE
        MACHINE.move(db, refund, "owed", staff.actor, now)
    db.flush()
    call_off(db, refunds, now, staff)
    return refunds


def _hold(db: Session, number: int) -> Refund:
    """Pledge, order and refund. Raises NoSuchRefund where somebody else was a moment earlier."""
    seen = db.get_one(Refund, number)
    hold_pledge(db, seen.pledge_id)
    hold_order(db, seen.pay_order_id)
    refund = hold_refund(db, number)
    if refund is None or refund.state not in STUCK:
        raise NoSuchRefund(number=number)
    return refund


def _seen_by(staff: Staff) -> Select[Refund]:
    theirs = select(Refund).join(Appeal, Appeal.id == Refund.appeal_id)
    return theirs.where(Refund.state.in_(STUCK), within(staff, Appeal.region_code))
