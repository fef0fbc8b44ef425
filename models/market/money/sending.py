"""Send transfers: owe what an ended order leaves, ask WeChat Pay for it between transactions, and apply its word once.

A worker may be killed anywhere: ``due_at`` says when the next one looks at the transfer. A word that does not fit ends
nothing: the transfer waits for the operator (``seller stuck``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.base import among
from models.core.state_machine import SYSTEM
from models.market.money.account import post
from models.market.money.payment import OrderPayment, lock_payment, paid_payments
from models.market.money.transfer import (
    GOING,
    LEASE,
    TRANSFER_MACHINE,
    OrderTransfer,
    find_transfer,
    left_of,
    lock_transfer,
    owe,
    owe_all,
)
from models.market.orders.order import Order
from models.notifications.notify import notify_user

# The platform takes two refunds of one payment a minute apart. PW/doc/v3/merchant/4012556457
APART = timedelta(minutes=1)
# How long until a transfer is looked at again, by its tries. An accepted refund takes the bank up to three days.
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 180, 360))
_POSTED = {"refund": "returned", "release": "released"}


class SentOutcome(StrEnum):
    """What became of a word about a transfer. ``DIFFERS``: it does not fit ours, which waits for the operator."""

    DONE = "done"
    STUCK = "stuck"
    KNOWN = "known"
    UNKNOWN = "unknown"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Submission:
    """What to ask for. ``before``: it was asked for under this number before, and the outcome is not known."""

    transfer: int
    kind: str
    sub_merchant: str
    out_trade_no: str
    transaction_id: str
    number: str
    fen: int
    paid_fen: int
    before: bool


@dataclass(frozen=True, slots=True)
class Word:
    """The platform's word about a transfer. ``state``: done, stuck (``trouble``), or under way.

    ``fen``: None where it does not say; ``at``: when it was done, where it says.
    """

    sub_merchant: str
    number: str
    state: str
    fen: int | None
    trouble: str = ""
    at: datetime | None = None


def owe_back(db: Session, orders: Sequence[int], now: datetime) -> None:
    """Owe what was paid for cancelled orders back to their buyers, in a few statements. The caller holds the orders.

    What came for an order that does not count as paid was owed back when it came (models.market.money.paying).
    """
    counted = select(Order.id).where(among(Order.id, orders), Order.paid_at.is_not(None))
    owe_all(db, counted, "refund", "cancelled", now)


def owe_beyond(db: Session, order_id: int, _state: str, now: datetime) -> None:
    """Owe what was paid beyond the order's sum, since it was lowered. The caller holds the order."""
    order = db.get_one(Order, order_id)
    if order.paid_at is None:
        return
    payments = paid_payments(db, order_id, lock=True)
    left = sum(left_of(db, payment) for payment in payments)
    _owe_part(db, payments, left - order.total_fen, "less", now)


def owe_part(db: Session, order_id: int, fen: int, now: datetime) -> None:
    """Owe a part of what was paid for an order back to its buyer. The caller holds the order."""
    _owe_part(db, paid_payments(db, order_id, lock=True), fen, "after_sale", now)


def owe_release(db: Session, order_id: int, _state: str, now: datetime) -> None:
    """Owe what was paid for an order that is over, and is still held, to its seller. The caller holds the order."""
    if db.get_one(Order, order_id).paid_at is None:
        return
    for payment in paid_payments(db, order_id, lock=True):
        owe(db, payment, "release", "completed", now)


def lease_due(db: Session, now: datetime, most: int) -> Sequence[int]:
    """List the transfers that are due, and lease them: no other worker gets them for LEASE."""
    due = select(OrderTransfer).where(OrderTransfer.due_at <= now).order_by(OrderTransfer.due_at, OrderTransfer.id)
    transfers = db.scalars(due.limit(most).with_for_update(skip_locked=True)).all()
    for transfer in transfers:
        transfer.due_at = now + LEASE
    return [transfer.id for transfer in transfers]


def begin_submission(db: Session, number: int, now: datetime) -> Submission | None:
    """Mark a transfer as asked for and return what to ask; None: it is over, stuck, or another came just before.

    A release waits until no refund of its payment is under way: it would take what that is to give back.
    """
    seen = db.get(OrderTransfer, number)
    if seen is None or seen.state not in GOING:
        return None
    payment, transfer = lock_payment(db, seen.payment_id), lock_transfer(db, number)
    if transfer is None or transfer.state not in GOING:
        return None
    wait_until = _waits(db, transfer, now)
    if wait_until:
        transfer.due_at = wait_until
        db.flush()
        return None
    if transfer.state == "owed":
        TRANSFER_MACHINE.move(db, transfer, "asked", SYSTEM, now)
    before = transfer.tries > 0
    transfer.asked_at, transfer.due_at = now, now + BACKOFF[min(transfer.tries, len(BACKOFF) - 1)]
    transfer.tries += 1
    db.flush()
    assert payment.transaction_id  # noqa: S101 - a CHECK holds it of what is paid
    assert payment.paid_fen  # noqa: S101 - the same
    return Submission(
        transfer=transfer.id,
        kind=transfer.kind,
        sub_merchant=payment.sub_merchant,
        out_trade_no=payment.out_trade_no,
        transaction_id=payment.transaction_id,
        number=transfer.number,
        fen=transfer.amount_fen,
        paid_fen=payment.paid_fen,
        before=before,
    )


def apply_word(db: Session, word: Word, now: datetime) -> SentOutcome:
    """Apply the platform's word about a transfer, however often and in whatever order; what is done stays done."""
    seen = find_transfer(db, word.number)
    if seen is None:
        return SentOutcome.UNKNOWN
    payment, transfer = lock_payment(db, seen.payment_id), lock_transfer(db, seen.id)
    assert transfer is not None  # noqa: S101 - no transfer is ever deleted
    earlier = word.number != transfer.number
    if payment.sub_merchant != word.sub_merchant:
        return SentOutcome.UNKNOWN
    if word.fen not in (None, transfer.amount_fen) or (earlier and word.state == "done" and transfer.state != "done"):
        return _stick(db, transfer, "differs", now, SentOutcome.DIFFERS)
    if transfer.state == "done" or earlier or word.state not in ("done", "stuck"):
        return SentOutcome.KNOWN
    if word.state == "stuck":
        return _stick(db, transfer, word.trouble, now, SentOutcome.STUCK)
    _finish(db, transfer, word.at or now, now)
    return SentOutcome.DONE


def mark_refused(db: Session, submission: Submission, trouble: str, now: datetime) -> None:
    """Record that the platform refused a transfer, and would again."""
    lock_payment(db, db.get_one(OrderTransfer, submission.transfer).payment_id)
    transfer = lock_transfer(db, submission.transfer)
    if transfer is not None and transfer.number == submission.number:
        _stick(db, transfer, trouble, now, SentOutcome.STUCK)


def stuck(db: Session) -> Sequence[OrderTransfer]:
    """List the transfers that wait for the operator."""
    return db.scalars(select(OrderTransfer).where(OrderTransfer.state == "stuck").order_by(OrderTransfer.id)).all()


def retry(db: Session, number: int, now: datetime) -> bool:
    """Have a stuck transfer asked for again; what the platform closed, under a new number. False: it is not stuck."""
    transfer = _lock_stuck(db, number)
    if transfer is None:
        return False
    if transfer.trouble == "closed":
        transfer.round += 1
        transfer.tries = 0
    transfer.trouble, transfer.due_at = None, now
    TRANSFER_MACHINE.move(db, transfer, "owed", SYSTEM, now, detail="operator")
    db.flush()
    return True


def settle_by_hand(db: Session, number: int, now: datetime) -> bool:
    """Note that the operator saw it done on WeChat Pay's page. False: it is not stuck."""
    transfer = _lock_stuck(db, number)
    if transfer is None:
        return False
    transfer.by_hand = True
    _finish(db, transfer, now, now)
    return True


def _owe_part(db: Session, payments: Sequence[OrderPayment], fen: int, reason: str, now: datetime) -> None:
    for payment in payments:
        back = owe(db, payment, "refund", reason, now, most=fen) if fen > 0 else None
        fen -= back.amount_fen if back else 0


def _lock_stuck(db: Session, number: int) -> OrderTransfer | None:
    seen = db.get(OrderTransfer, number)
    if seen is None:
        return None
    lock_payment(db, seen.payment_id)
    transfer = lock_transfer(db, number)
    return transfer if transfer is not None and transfer.state == "stuck" else None


def _waits(db: Session, transfer: OrderTransfer, now: datetime) -> datetime | None:
    """Return until when it has to wait for another transfer of its payment; None: not at all."""
    others = (OrderTransfer.payment_id == transfer.payment_id) & (OrderTransfer.id != transfer.id)
    if transfer.kind == "release":
        going = select(OrderTransfer.id).where(others, OrderTransfer.state != "done").limit(1)
        return now + BACKOFF[2] if db.scalar(going) is not None else None
    last = db.scalar(select(func.max(OrderTransfer.asked_at)).where(OrderTransfer.payment_id == transfer.payment_id))
    return last + APART if last is not None and now - last < APART else None


def _stick(db: Session, transfer: OrderTransfer, trouble: str, now: datetime, outcome: SentOutcome) -> SentOutcome:
    if transfer.state == "asked":
        transfer.due_at, transfer.trouble = None, trouble[:32]
        TRANSFER_MACHINE.move(db, transfer, "stuck", SYSTEM, now, detail=transfer.trouble)
        db.flush()
    return outcome


def _finish(db: Session, transfer: OrderTransfer, at: datetime, now: datetime) -> None:
    transfer.ended_at, transfer.due_at, transfer.trouble = at, None, None
    TRANSFER_MACHINE.move(db, transfer, "done", SYSTEM, now, detail="operator" if transfer.by_hand else None)
    db.flush()
    post(db, transfer.order_id, _POSTED[transfer.kind], transfer.amount_fen, transfer.cause, now)
    _tell(db, transfer, now)


def _tell(db: Session, transfer: OrderTransfer, now: datetime) -> None:
    """Tell the buyer that their money is back, or the seller that it is theirs."""
    order = db.get_one(Order, transfer.order_id)
    back = transfer.kind == "refund"
    facts = {
        "order": order.id,
        "code": order.code,
        "name": order.name,
        "amount_fen": transfer.amount_fen,
        "why": transfer.reason,
    }
    kind, user = ("order_refunded", order.buyer_id) if back else ("order_released", order.seller_id)
    notify_user(db, user, kind, facts, f"{kind}:{transfer.id}", now, ("order", order.id))
