"""Settle suspense items: the fund holder refunds the payment, or assigns it to the pledge that it was meant for.

Until then the ledger has it in the account ``unassigned``. Where its order is ours, it is refunded through the channel
to the payer. Where it is not, the payer is unknown: the fund holder refunds it on the platform's own page and enters
the number of that refund, which the day's bill has too. Only a payment of another amount can be assigned, while the
pledge waits for payment and the appeal takes all of it; a second payment of one order is always refunded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, get_appeal
from models.core.audit_trail import record
from models.core.money import SMALLEST_PLEDGE
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import UNPAID, Pledge, check_open
from models.ledger import lock, moves
from models.ledger.accounts import channel_of, refunds_of, unassigned_of
from models.organisations.merchant import charity_of_merchant
from models.payments.collection import check_room
from models.payments.commit import ArrivedGift, commit_gifts
from models.payments.locks import lock_order, lock_pledge
from models.payments.order import MACHINE as ORDERS
from models.payments.order import PayOrder
from models.payments.platform_order import LIVE
from models.payments.refund import Refund, find_refund, new_refund
from models.payments.refund_desk import RefundShort
from models.payments.suspense import SuspenseItem
from models.people.user import User
from models.staff.member import Staff, in_charge_of
from models.staff.task import Matter, Task, close_task
from models.staff.turn import demand_task


class NoSuchSuspenseItem(Refusal):
    """No open suspense item has this ``number``, or it is outside the region."""

    code = "no_such_suspense_item"
    final = True


class OutcomeNotAllowed(Refusal):
    """The item cannot be settled in this way.

    ``why``: order_unknown, order_known, paid_before or too_small; the last two with the ``state`` of the pledge.
    """

    code = "outcome_not_allowed"
    final = True


class RefundNumberUsed(Refusal):
    """Another payment was refunded under this number."""

    code = "refund_number_used"
    step = "reference"


@dataclass(frozen=True, slots=True)
class SuspenseFile:
    """An open suspense item as the fund holder sees it. ``appeal``, ``gift``, ``title``: of the order, if it is ours.

    ``wanted_fen``: the order's amount. ``may_assign``: whether ``assign_item`` is possible now.
    """

    item: SuspenseItem
    due_at: datetime
    appeal: int | None = None
    title: str = ""
    gift: str = ""
    wanted_fen: int | None = None
    may_assign: bool = False


def list_suspense_items(db: Session, staff: Staff, most: int) -> Sequence[SuspenseItem]:
    """List the suspense items that this member of staff may settle, the oldest first."""
    return db.scalars(_seen_by(staff).order_by(SuspenseItem.id).limit(most)).all()


def find_suspense_item(db: Session, staff: Staff, number: int, now: datetime) -> SuspenseFile:
    """Get an open suspense item that this member of staff may see. Raises NoSuchSuspenseItem."""
    row = db.execute(_seen_by(staff).add_columns(Task.due_at).where(SuspenseItem.id == number)).first()
    if row is None:
        raise NoSuchSuspenseItem(number=number)
    item, due_at = row
    order = db.get(PayOrder, item.order_id) if item.order_id else None
    if order is None:
        return SuspenseFile(item, due_at)
    pledge = db.get_one(Pledge, order.pledge_id)
    appeal = db.get_one(Appeal, pledge.appeal_id)
    try:
        _check_assign(db, item, order, pledge, appeal, now)
    except Refusal:
        may = False
    else:
        may = True
    return SuspenseFile(item, due_at, appeal.id, appeal.title, pledge.code, order.amount_fen, may)


def refund_item(db: Session, staff: Staff, number: int, now: datetime) -> Refund:
    """Refund the item to its payer through the channel; the caller enqueues ``ask_refund``.

    Raises as ``_lock`` does, or OutcomeNotAllowed.
    """
    item, order, pledge, appeal = _lock(db, staff, number)
    if order is None or pledge is None or appeal is None:
        raise OutcomeNotAllowed(number=number, why="order_unknown")
    refund = new_refund(db, order, pledge, item.amount_fen, "suspense", now, suspense_item_id=item.id)
    moves.refund_from_unassigned(db, charity_of_merchant(db, item.merchant), item.amount_fen, refund.cause, now)
    if order.state in LIVE:  # paid at the platform, and so nothing that its donor could pay again
        ORDERS.move(db, order, "closed", SYSTEM, now, detail=f"suspense_item:{number}")
    _close(db, item, staff, "given_back", now)
    return refund


def record_refund_by_hand(db: Session, staff: Staff, number: int, refund_no: str, now: datetime) -> SuspenseItem:
    """Record a refund that the fund holder made on the platform's page under ``refund_no``, as the payer is unknown.

    Raises as ``_lock`` does, OutcomeNotAllowed, RefundNumberUsed or RefundShort.
    """
    item, order, _, _ = _lock(db, staff, number)
    if order is not None:
        raise OutcomeNotAllowed(number=number, why="order_known")
    same = (SuspenseItem.merchant == item.merchant) & (SuspenseItem.refund_no == refund_no)
    if db.scalar(select(SuspenseItem.id).where(same)) or find_refund(db, item.merchant, refund_no):
        raise RefundNumberUsed(reference=refund_no)
    charity = charity_of_merchant(db, item.merchant)
    channel = channel_of(charity)
    there = lock(db, (channel, refunds_of(charity), unassigned_of(charity)))[channel].balance_fen
    if there < item.amount_fen:
        raise RefundShort(number=number, short_fen=item.amount_fen - there)
    moves.refund_from_unassigned(db, charity, item.amount_fen, item.cause, now)
    moves.refund_paid(db, charity, item.amount_fen, item.cause, now)
    item.refund_no = refund_no
    _close(db, item, staff, "by_hand", now)
    return item


def assign_item(db: Session, staff: Staff, number: int, now: datetime) -> Pledge:
    """Accept the item as the pledged gift, with the amount that was paid.

    Raises as ``_lock`` does, OutcomeNotAllowed, NotFunding, OwnHousehold or OverCap.
    """
    item, order, pledge, appeal = _lock(db, staff, number)
    if order is None or pledge is None or appeal is None:
        raise OutcomeNotAllowed(number=number, why="order_unknown")
    _check_assign(db, item, order, pledge, appeal, now)
    order.amount_fen = pledge.amount_fen = item.amount_fen
    order.transaction_id, order.paid_at = item.transaction_id, item.opened_at
    ORDERS.move(db, order, "paid", SYSTEM, now, detail=f"suspense_item:{number}")
    PLEDGES.move(db, pledge, "paid", SYSTEM, now, detail=f"suspense_item:{number}")
    source = unassigned_of(charity_of_merchant(db, item.merchant))
    arrived = ArrivedGift(appeal, pledge, db.get_one(User, pledge.donor_id), source, item.cause)
    commit_gifts(db, [arrived], "payment_assigned", now)
    _close(db, item, staff, "assigned", now)
    return pledge


def _check_assign(
    db: Session, item: SuspenseItem, order: PayOrder, pledge: Pledge, appeal: Appeal, now: datetime
) -> None:
    if item.kind != "other_amount" or order.state == "paid" or pledge.state not in UNPAID:
        raise OutcomeNotAllowed(number=item.id, why="paid_before", state=pledge.state)
    if item.amount_fen < SMALLEST_PLEDGE:
        raise OutcomeNotAllowed(number=item.id, why="too_small", state=pledge.state)
    check_open(db, appeal, db.get_one(User, pledge.donor_id), now)
    check_room(db, appeal, item.amount_fen)


def _lock(db: Session, staff: Staff, number: int) -> tuple[SuspenseItem, PayOrder | None, Pledge | None, Appeal | None]:
    """Lock appeal, pledge, order and item, in this order, if the task is this member of staff's.

    Raises NoSuchSuspenseItem, OutsideRegion, NotYourTurn or HasConflict.
    """
    seen = db.scalar(_seen_by(staff).where(SuspenseItem.id == number))
    if seen is None:
        raise NoSuchSuspenseItem(number=number)
    appeal = pledge = order = None
    if seen.order_id:
        order = db.get_one(PayOrder, seen.order_id)
        pledge = db.get_one(Pledge, order.pledge_id)
        appeal = get_appeal(db, pledge.appeal_id, lock=True)
        pledge, order = lock_pledge(db, pledge.id), lock_order(db, order.id)
    item = db.get_one(SuspenseItem, number, with_for_update=True, populate_existing=True)
    if item.closed_at is not None:
        raise NoSuchSuspenseItem(number=number)
    task = db.scalars(select(Task).where(_open_task(number))).one()
    household = appeal.household_id if appeal else None
    demand_task(db, staff, Matter("suspense_item", number, task.region_code, household, task.charity_id), item.kind)
    return item, order, pledge, appeal


def _close(db: Session, item: SuspenseItem, staff: Staff, outcome: str, now: datetime) -> None:
    item.closed_at, item.closed_by, item.outcome = now, staff.id, outcome
    who = staff.actor.name
    record(db, at=now, actor=who, action="closed", subject="suspense_item", subject_id=item.id, detail=outcome)
    close_task(db, "suspense_item", item.id, now, staff)
    db.flush()


def _open_task(number: int) -> ColumnElement[bool]:
    return (Task.subject == "suspense_item") & (Task.subject_id == number) & Task.closed_at.is_(None)


def _seen_by(staff: Staff) -> Select[SuspenseItem]:
    """Select open items whose task is in the region or assigned to this member of staff.

    An item of an unknown order has no region, so the region of its task counts.
    """
    waits = (Task.subject == "suspense_item") & (Task.subject_id == SuspenseItem.id) & Task.closed_at.is_(None)
    theirs = or_(in_charge_of(staff, Task.region_code, Task.charity_id), Task.assignee == staff.id)
    return select(SuspenseItem).join(Task, waits).where(SuspenseItem.closed_at.is_(None), theirs)
