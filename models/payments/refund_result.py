"""Apply the channel's results of refunds exactly once: paid, stuck, or not what was submitted.

Locks are taken in this order: pledge, order, refund.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.audit_trail import record
from models.core.state_machine import SYSTEM
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import Pledge
from models.ledger import Overdrawn, moves
from models.notifications.notify import notify_user
from models.organisations.merchant import charity_of_merchant
from models.payments.locks import lock_order, lock_pledge, lock_refund
from models.payments.order import PayOrder
from models.payments.refund import MACHINE, STUCK, Refund, find_refund
from models.payments.suspense import SuspenseItem
from models.staff.member import Staff
from models.staff.task import Matter, Task, close_task, open_task


class RefundResult(Protocol):
    """A verified result of a refund: bot.pay's Refund, of an answer or a callback. ``state``: the platform's word."""

    @property
    def merchant(self) -> str: ...
    @property
    def out_refund_no(self) -> str: ...
    @property
    def refund_id(self) -> str: ...
    @property
    def out_trade_no(self) -> str: ...
    @property
    def transaction_id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def fen(self) -> int: ...
    @property
    def order_fen(self) -> int: ...
    @property
    def done_at(self) -> datetime | None: ...


class RefundOutcome(StrEnum):
    """What became of a result. ``unknown``: the number is none of ours. ``differs``: it does not fit; it has a task."""

    DONE = "done"
    STUCK = "stuck"
    KNOWN = "known"
    UNKNOWN = "unknown"
    DIFFERS = "differs"


def apply_refund_result(db: Session, result: RefundResult, now: datetime) -> RefundOutcome:
    """Apply a result of a refund, however often and in whatever order they come; a paid refund stays paid."""
    seen = find_refund(db, result.merchant, result.out_refund_no)
    if seen is None:
        return RefundOutcome.UNKNOWN
    lock_pledge(db, seen.pledge_id)
    order, refund = lock_order(db, seen.pay_order_id), lock_refund(db, seen.id)
    assert refund is not None  # noqa: S101 - no refund is ever deleted
    if not _fits(db, result, order, refund):
        return _differs(db, refund, now)
    if refund.state == "paid":
        return RefundOutcome.KNOWN
    if result.out_refund_no != refund.number:
        # It is of an earlier round, which was closed: only a success would matter, as it means a second payment.
        return _differs(db, refund, now) if result.state == "SUCCESS" else RefundOutcome.KNOWN
    refund.refund_id = result.refund_id
    match result.state:
        case "SUCCESS":
            try:
                mark_paid(db, refund, result.done_at or now, now)
            except Overdrawn:
                # It was paid from a top-up that the fund holder has not entered: after that, it submits it again.
                return _differs(db, refund, now, "channel_short")
            return RefundOutcome.DONE
        case "ABNORMAL" | "CLOSED":
            state = result.state.lower()
            if (refund.state, state) not in MACHINE.moves:
                return RefundOutcome.KNOWN
            mark_stuck(db, refund, state, state, now)
            return RefundOutcome.STUCK
    return RefundOutcome.KNOWN


def mark_paid(
    db: Session, refund: Refund, at: datetime, now: datetime, by: Staff | None = None, why: str | None = None
) -> None:
    """Mark a refund as paid in the ledger and with its pledge, and notify the donor.

    ``by``: the member of staff who paid it by hand; ``why``: a code of the reason. The caller holds pledge and refund.
    Raises Overdrawn, and then nothing was written.
    """
    moves.refund_paid(db, charity_of_merchant(db, refund.merchant), refund.amount_fen, refund.cause, now)
    refund.ended_at, refund.due_at, refund.trouble = at, None, None
    refund.by_hand = by.id if by else None
    MACHINE.move(db, refund, "paid", by.actor if by else SYSTEM, now, detail=why)
    pledge = db.get_one(Pledge, refund.pledge_id)
    if refund.is_of_gift:
        PLEDGES.move(db, pledge, "refunded", SYSTEM, now)
    db.flush()
    _notify(db, refund, pledge, now)
    close_refund_tasks(db, [refund], now, by)


def mark_stuck(db: Session, refund: Refund, state: str, trouble: str, now: datetime) -> None:
    """Move a refund to a stuck state and open the fund holder's task; the caller holds the refund."""
    refund.due_at, refund.trouble = None, trouble[:32]
    MACHINE.move(db, refund, state, SYSTEM, now, detail=refund.trouble)
    db.flush()
    _open_refund_task(db, refund.appeal_id, now)


def close_refund_tasks(db: Session, refunds: Sequence[Refund], now: datetime, staff: Staff | None = None) -> None:
    """Close the tasks of these refunds; where others of their appeal are stuck, open a task for one of them."""
    for refund in refunds:
        close_task(db, "refund", refund.id, now, staff)
    for appeal_id in sorted({refund.appeal_id for refund in refunds}):
        _open_refund_task(db, appeal_id, now)


def _open_refund_task(db: Session, appeal_id: int, now: datetime) -> None:
    """Open at most one task for an appeal's stuck refunds: what stops one often stops all."""
    stuck = select(Refund.id).where(Refund.appeal_id == appeal_id, Refund.state.in_(STUCK))
    if db.scalar(refunds_with_task(appeal_id).limit(1)) is not None:
        return
    first = db.scalar(stuck.order_by(Refund.id).limit(1))
    if first is not None:
        appeal = db.get_one(Appeal, appeal_id)
        open_task(db, Matter("refund", first, appeal.region_code, None, appeal.charity_id), "refund", now)


def refunds_with_task(appeal_id: int) -> Select[int]:
    """Select the refunds of an appeal that have an open task."""
    waits = (Task.subject == "refund") & Task.closed_at.is_(None)
    return select(Refund.id).join(Task, waits & (Task.subject_id == Refund.id)).where(Refund.appeal_id == appeal_id)


def _fits(db: Session, result: RefundResult, order: PayOrder, refund: Refund) -> bool:
    number = refund.suspense_item_id
    paid: PayOrder | SuspenseItem = db.get_one(SuspenseItem, number) if number else order
    said = (result.out_trade_no, result.transaction_id, result.fen, result.order_fen)
    return said == (order.out_trade_no, paid.transaction_id, refund.amount_fen, paid.amount_fen)


def _differs(db: Session, refund: Refund, now: datetime, trouble: str = "differs") -> RefundOutcome:
    record(db, at=now, actor="system", action="result_differs", subject="refund", subject_id=refund.id, detail=trouble)
    if (refund.state, "abnormal") in MACHINE.moves:
        mark_stuck(db, refund, "abnormal", trouble, now)
    return RefundOutcome.DIFFERS


def _notify(db: Session, refund: Refund, pledge: Pledge, now: datetime) -> None:
    appeal = db.get_one(Appeal, refund.appeal_id)
    facts = {
        "number": appeal.id,
        "title": appeal.title,
        "amount_fen": refund.amount_fen,
        "code": pledge.code,
        "why": refund.reason,
        "whole": refund.amount_fen == pledge.amount_fen,
    }
    notify_user(db, pledge.donor_id, "refunded", facts, f"refunded:{refund.id}", now, ("appeal", appeal.id))
