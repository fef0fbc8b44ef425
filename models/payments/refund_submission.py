"""Asking the channel for a refund: when it may be asked, under which number, and what a refusal means.

Each step is a short transaction of its caller's; the call itself comes between two of them. Whoever asks may die
anywhere: ``due_at`` says when the next one looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.state_machine import SYSTEM
from models.payments.order import PayOrder, SuspenseItem
from models.payments.refund import APART, GOING, LAST_DAY, LEASE, MACHINE, MOST_OF_ORDER, Refund
from models.payments.refund_entitlement import hold_order, hold_refund
from models.payments.refund_result import get_stuck

# Until it is looked at again, by how often it was asked for. What is accepted takes the bank up to three days.
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 180, 360))


@dataclass(frozen=True, slots=True)
class Ask:
    """``before``: it was asked for before, with this number, and nobody knows what became of that.

    ``transaction_id``: of a payment that its order's number does not tell apart.
    """

    refund: int
    out_trade_no: str
    out_refund_no: str
    fen: int
    order_fen: int
    before: bool
    transaction_id: str | None = None


def due(db: Session, now: datetime, most: int) -> Sequence[int]:
    """Those that somebody should look at now, the longest due first; nobody else gets them for a while."""
    found = select(Refund).where(Refund.due_at <= now).order_by(Refund.due_at, Refund.id).limit(most)
    refunds = db.scalars(found.with_for_update(skip_locked=True)).all()
    for refund in refunds:
        refund.due_at = now + LEASE
    return [refund.id for refund in refunds]


def begin_ask(db: Session, number: int, now: datetime) -> Ask | None:
    """None: not now, or not any more. Of one order a minute passes between two."""
    seen = db.get(Refund, number)
    if seen is None or seen.state not in GOING:
        return None
    order, refund = hold_order(db, seen.pay_order_id), hold_refund(db, number)
    if refund is None or refund.state not in GOING:
        return None
    last = db.scalar(select(func.max(Refund.asked_at)).where(Refund.pay_order_id == order.id))
    if last is not None and now - last < APART:
        refund.due_at = last + APART
        return None
    if refund.state == "owed":
        trouble = _impossible(db, order, refund, now)
        if trouble:
            get_stuck(db, refund, "refused", trouble, now)
            return None
        MACHINE.move(db, refund, "asked", SYSTEM, now)
    before = refund.tries > 0
    refund.asked_at, refund.due_at = now, now + BACKOFF[min(refund.tries, len(BACKOFF) - 1)]
    refund.tries += 1
    db.flush()
    case = db.get(SuspenseItem, refund.case_id) if refund.case_id else None
    paid_fen, transaction = (case.amount_fen, case.transaction_id) if case else (order.amount_fen, None)
    return Ask(refund.id, order.out_trade_no, refund.number, refund.amount_fen, paid_fen, before, transaction)


def refuse(db: Session, asked: Ask, trouble: str, now: datetime) -> None:
    """The channel said no to this, and the same again would be refused again: a person must see to it."""
    refund = hold_refund(db, asked.refund)
    if refund is not None and refund.state == "asked" and refund.number == asked.out_refund_no:
        get_stuck(db, refund, "refused", trouble, now)


def _impossible(db: Session, order: PayOrder, refund: Refund, now: datetime) -> str | None:
    """Why the channel takes it no more, by its own rules."""
    case = db.get(SuspenseItem, refund.case_id) if refund.case_id else None
    paid_at = case.opened_at if case else order.paid_at
    if paid_at is None or now - paid_at >= LAST_DAY:
        return "too_long_ago"
    others = select(func.count()).where(Refund.pay_order_id == order.id, Refund.id != refund.id)
    asked = db.scalar(others.where(Refund.asked_at.is_not(None))) or 0
    return "too_many" if asked >= MOST_OF_ORDER else None
