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
from models.core.codes import new_order_number
from models.core.money import SMALLEST_PLEDGE
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM
from models.giving.funding import fund
from models.giving.matching import hold_pools, match_gift
from models.giving.notices import tell_of_gift, tell_of_payment
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import Pledge, check_open
from models.ledger import lock, moves
from models.ledger.accounts import CHANNEL, REFUNDS, UNASSIGNED
from models.payments.collection import PAYABLE, check_room, hold_order, hold_pledge, room
from models.payments.order import LIVE, PayOrder, SuspenseItem
from models.payments.order import MACHINE as ORDERS
from models.payments.refund import LEASE, Refund
from models.payments.refund_desk import RefundShort
from models.people.user import User
from models.staff.member import Staff, covered_by
from models.staff.task import Matter, Task, close_task, demand_task


class NoSuchSuspenseItem(Refusal):
    """No open suspense item has this ``number``, or it is outside the region."""

    code = "no_such_suspense_item"
    final = True


class NotForThis(Refusal):
    """The item cannot be settled in this way.

    ``why``: order_unknown, order_known, paid_before or too_small; the last two with the ``state`` of the pledge.
    """

    code = "suspense_item_not_so"
    final = True


class RefundNumberUsed(Refusal):
    """Another payment was refunded under this number."""

    code = "refund_number_used"
    step = "reference"


@dataclass(frozen=True, slots=True)
class Stray:
    """An open suspense item as the fund holder sees it. ``appeal``, ``gift``, ``title``: of the order, if it is ours.

    ``wanted_fen``: the order's amount. ``may_assign``: whether ``assign`` is possible now.
    """

    case: SuspenseItem
    due_at: datetime
    appeal: int | None = None
    title: str = ""
    gift: str = ""
    wanted_fen: int | None = None
    may_assign: bool = False


def stray_ones(db: Session, staff: Staff, most: int) -> Sequence[SuspenseItem]:
    """List the suspense items that this member of staff may settle, the oldest first."""
    return db.scalars(_seen_by(staff).order_by(SuspenseItem.id).limit(most)).all()


def find_stray(db: Session, staff: Staff, number: int, now: datetime) -> Stray:
    """Get an open suspense item that this member of staff may see. Raises NoSuchSuspenseItem."""
    row = db.execute(_seen_by(staff).add_columns(Task.due_at).where(SuspenseItem.id == number)).first()
    if row is None:
        raise NoSuchSuspenseItem(number=number)
    case, due_at = row
    order = db.get(PayOrder, case.order_id) if case.order_id else None
    if order is None:
        return Stray(case, due_at)
    pledge = db.get_one(Pledge, order.pledge_id)
    appeal = db.get_one(Appeal, pledge.appeal_id)
    try:
        _check_assign(db, case, order, pledge, appeal, now)
    except Refusal:
        may = False
    else:
        may = True
    return Stray(case, due_at, appeal.id, appeal.title, pledge.code, order.amount_fen, may)


def give_back(db: Session, staff: Staff, number: int, now: datetime) -> Refund:
    """Refund the item to its payer through the channel; the caller enqueues ``ask_refund``.

    Raises as ``_hold`` does, or NotForThis.
    """
    case, order, pledge, appeal = _hold(db, staff, number)
    if order is None or pledge is None or appeal is None:
        raise NotForThis(number=number, why="order_unknown")
    refund = Refund(
        pay_order_id=order.id,
        pledge_id=pledge.id,
        appeal_id=appeal.id,
        case_id=case.id,
        out_refund_no=new_order_number(),
        amount_fen=case.amount_fen,
        reason="case",
        state="owed",
        created_at=now,
        due_at=now + LEASE,
    )
    db.add(refund)
    db.flush()
    moves.refund_from_unassigned(db, case.amount_fen, refund.cause, now)
    if order.state in LIVE:  # paid at the platform, and so nothing that its donor could pay again
        ORDERS.move(db, order, "closed", SYSTEM, now, detail=f"suspense_item:{number}")
    _close(db, case, staff, "given_back", now)
    return refund


def given_back_by_hand(db: Session, staff: Staff, number: int, refund_no: str, now: datetime) -> SuspenseItem:
    """Record a refund that the fund holder made on the platform's page under ``refund_no``, as the payer is unknown.

    Raises as ``_hold`` does, NotForThis, RefundNumberUsed or RefundShort.
    """
    case, order, _, _ = _hold(db, staff, number)
    if order is not None:
        raise NotForThis(number=number, why="order_known")
    ours = select(Refund.id).where(Refund.out_refund_no == refund_no)
    if db.scalar(select(SuspenseItem.id).where(SuspenseItem.refund_no == refund_no)) or db.scalar(ours):
        raise RefundNumberUsed(reference=refund_no)
    there = lock(db, (CHANNEL, REFUNDS, UNASSIGNED))[CHANNEL].balance_fen
    if there < case.amount_fen:
        raise RefundShort(number=number, short_fen=case.amount_fen - there)
    moves.refund_from_unassigned(db, case.amount_fen, case.cause, now)
    moves.refund_paid(db, case.amount_fen, case.cause, now)
    case.refund_no = refund_no
    _close(db, case, staff, "by_hand", now)
    return case


def assign(db: Session, staff: Staff, number: int, now: datetime) -> Pledge:
    """Accept the item as the pledged gift, with the amount that was paid.

    Raises as ``_hold`` does, NotForThis, NotFunding, OwnHousehold or OverCap.
    """
    case, order, pledge, appeal = _hold(db, staff, number)
    if order is None or pledge is None or appeal is None:
        raise NotForThis(number=number, why="order_unknown")
    _check_assign(db, case, order, pledge, appeal, now)
    order.amount_fen = pledge.amount_fen = case.amount_fen
    order.transaction_id, order.paid_at = case.transaction_id, case.opened_at
    ORDERS.move(db, order, "paid", SYSTEM, now, detail=f"suspense_item:{number}")
    PLEDGES.move(db, pledge, "paid", SYSTEM, now, detail=f"suspense_item:{number}")
    pools = hold_pools(db, appeal, now, (UNASSIGNED,))
    moves.payment_assigned(db, appeal.id, case.amount_fen, case.cause, now)
    PLEDGES.move(db, pledge, "committed", SYSTEM, now)
    added = match_gift(db, pools, appeal, pledge, room(db, appeal), now)
    _close(db, case, staff, "assigned", now)
    donor = db.get_one(User, pledge.donor_id)
    tell_of_payment(db, appeal, pledge, "payment_received", now, added)
    tell_of_gift(db, appeal, pledge, None if pledge.anonymous else donor.display_name, now, added)
    if room(db, appeal) < SMALLEST_PLEDGE:
        fund(db, appeal, now)
    db.flush()
    return pledge


def _check_assign(
    db: Session, case: SuspenseItem, order: PayOrder, pledge: Pledge, appeal: Appeal, now: datetime
) -> None:
    if case.kind != "other_amount" or order.state == "paid" or pledge.state not in PAYABLE:
        raise NotForThis(number=case.id, why="paid_before", state=pledge.state)
    if case.amount_fen < SMALLEST_PLEDGE:
        raise NotForThis(number=case.id, why="too_small", state=pledge.state)
    check_open(appeal, db.get_one(User, pledge.donor_id), now)
    check_room(db, appeal, case.amount_fen, but=pledge.id)


def _hold(db: Session, staff: Staff, number: int) -> tuple[SuspenseItem, PayOrder | None, Pledge | None, Appeal | None]:
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
        pledge, order = hold_pledge(db, pledge.id), hold_order(db, order.id)
    case = db.get_one(SuspenseItem, number, with_for_update=True, populate_existing=True)
    if case.closed_at is not None:
        raise NoSuchSuspenseItem(number=number)
    task = db.scalars(select(Task).where(_open_task(number))).one()
    household = appeal.household_id if appeal else None
    demand_task(db, staff, Matter("suspense_item", number, task.region_code, household), case.kind)
    return case, order, pledge, appeal


def _close(db: Session, case: SuspenseItem, staff: Staff, outcome: str, now: datetime) -> None:
    case.closed_at, case.closed_by, case.outcome = now, staff.id, outcome
    who = staff.actor.name
    record(db, at=now, actor=who, action="closed", subject="suspense_item", subject_id=case.id, detail=outcome)
    close_task(db, "suspense_item", case.id, now, staff)
    db.flush()


def _open_task(number: int) -> ColumnElement[bool]:
    return (Task.subject == "suspense_item") & (Task.subject_id == number) & Task.closed_at.is_(None)


def _seen_by(staff: Staff) -> Select[SuspenseItem]:
    """Select open items whose task is in the region or assigned to this member of staff.

    An item of an unknown order has no region, so the region of its task counts.
    """
    waits = (Task.subject == "suspense_item") & (Task.subject_id == SuspenseItem.id) & Task.closed_at.is_(None)
    theirs = or_(covered_by(staff, Task.region_code), Task.assignee == staff.id)
    return select(SuspenseItem).join(Task, waits).where(SuspenseItem.closed_at.is_(None), theirs)
