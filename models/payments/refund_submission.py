"""Submit refunds to the channel: when one may be submitted, under which number, and what a refusal means.

Each step is a short transaction of the caller; the call itself comes between two of them. A worker may be killed
anywhere: ``due_at`` says when the next one looks at the refund.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.state_machine import SYSTEM
from models.payments.locks import lock_order, lock_refund
from models.payments.order import PayOrder
from models.payments.refund import APART, GOING, LAST_DAY, LEASE, MACHINE, MOST_OF_ORDER, Refund
from models.payments.refund_result import mark_stuck
from models.payments.suspense import SuspenseItem

# How long until a refund is looked at again, by its tries. An accepted one takes the bank up to three days.
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 180, 360))


@dataclass(frozen=True, slots=True)
class RefundSubmission:
    """A refund to submit. ``before``: it was submitted under this number before, and the result is not known.

    ``transaction_id``: names the payment where its order's number does not (a suspense item's); else None.
    """

    refund: int
    out_trade_no: str
    out_refund_no: str
    fen: int
    order_fen: int
    before: bool
    transaction_id: str | None = None


def lease_due_refunds(db: Session, now: datetime, most: int) -> Sequence[int]:
    """List refunds that are due, the longest due first, and lease them: no other worker gets them for LEASE."""
    found = select(Refund).where(Refund.due_at <= now).order_by(Refund.due_at, Refund.id).limit(most)
    refunds = db.scalars(found.with_for_update(skip_locked=True)).all()
    for refund in refunds:
        refund.due_at = now + LEASE
    return [refund.id for refund in refunds]


def begin_submission(db: Session, number: int, now: datetime) -> RefundSubmission | None:
    """Mark a refund as submitted and return what to send to the channel.

    None: it is over, it is stuck, or another refund of its order was submitted less than a minute ago.
    """
    seen = db.get(Refund, number)
    if seen is None or seen.state not in GOING:
        return None
    order, refund = lock_order(db, seen.pay_order_id), lock_refund(db, number)
    if refund is None or refund.state not in GOING:
        return None
    last = db.scalar(select(func.max(Refund.asked_at)).where(Refund.pay_order_id == order.id))
    if last is not None and now - last < APART:
        refund.due_at = last + APART
        return None
    if refund.state == "owed":
        trouble = _impossible(db, order, refund, now)
        if trouble:
            mark_stuck(db, refund, "refused", trouble, now)
            return None
        MACHINE.move(db, refund, "asked", SYSTEM, now)
    before = refund.tries > 0
    refund.asked_at, refund.due_at = now, now + BACKOFF[min(refund.tries, len(BACKOFF) - 1)]
    refund.tries += 1
    db.flush()
    item = db.get(SuspenseItem, refund.suspense_item_id) if refund.suspense_item_id else None
    paid_fen, transaction = (item.amount_fen, item.transaction_id) if item else (order.amount_fen, None)
    numbers = (refund.id, order.out_trade_no, refund.number)
    return RefundSubmission(*numbers, refund.amount_fen, paid_fen, before, transaction)


def mark_refused(db: Session, submission: RefundSubmission, trouble: str, now: datetime) -> None:
    """Record that the channel refused a submission, which would be refused again: the fund holder gets a task."""
    refund = lock_refund(db, submission.refund)
    if refund is not None and refund.state == "asked" and refund.number == submission.out_refund_no:
        mark_stuck(db, refund, "refused", trouble, now)


def _impossible(db: Session, order: PayOrder, refund: Refund, now: datetime) -> str | None:
    """Return the channel's rule that rules this refund out, as a code; None where there is none."""
    item = db.get(SuspenseItem, refund.suspense_item_id) if refund.suspense_item_id else None
    paid_at = item.opened_at if item else order.paid_at
    if paid_at is None or now - paid_at >= LAST_DAY:
        return "too_long_ago"
    others = select(func.count()).where(Refund.pay_order_id == order.id, Refund.id != refund.id)
    asked = db.scalar(others.where(Refund.asked_at.is_not(None))) or 0
    return "too_many" if asked >= MOST_OF_ORDER else None
