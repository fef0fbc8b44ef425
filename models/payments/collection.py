"""Collect gifts: create pay orders for pledges, and commit, refund or put aside the payments that arrive.

An order reserves nothing: whether the appeal still takes the gift is decided when the payment arrives, and a late or
excess payment is refunded. models.payments.expiry deals with unpaid orders and pledges.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, OwnHousehold, get_appeal
from models.core.codes import new_order_number
from models.core.database import collects_money
from models.core.money import SMALLEST_PLEDGE
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.giving.gift_notifications import notify_of_late_payment
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import (
    UNPAID,
    NoCollector,
    NotFunding,
    OverCap,
    Pledge,
    Raised,
    check_not_full,
    check_open,
    collected,
    own_gifts,
    raised,
)
from models.ledger import lock, moves, totals
from models.ledger.accounts import channel_of, refunds_of, unassigned_of
from models.notifications.service_window import open_by_payment
from models.organisations.merchant import charity_of_merchant, merchant_of
from models.payments.commit import commit_gifts
from models.payments.locks import PaidOrder, lock_gifts, lock_pledge
from models.payments.order import MACHINE as ORDERS
from models.payments.order import ORDER_LASTS, PayOrder, live_order
from models.payments.platform_order import FIRST_CHECK, Payment
from models.payments.refund_entitlement import owe_refund
from models.payments.suspense import has_open_suspense_item, open_suspense_item
from models.people.user import User, get_user

# How long a gift can be paid. The pledge keeps the moment (``pay_by``): its link, the words that tell of it and the
# order's ``time_expire`` all follow from that.
PAY_WITHIN = timedelta(days=3)
# How long an order lasts at least: who opens the page at the last moment can pay. It ends before its appeal does.
LAST_ORDER = timedelta(minutes=5)
# A payment for a pledge in one of these states is the pledge's first payment.
_FIRST = (*UNPAID, "expired", "cancelled")


class NotPayable(Refusal):
    """The pledge is paid or its time is over (``state``), or a suspense item of it is open (``in_question``)."""

    code = "not_payable"
    final = True


class PaymentOutcome(StrEnum):
    """What became of a payment. ``SUSPENSE``: a suspense item. ``REPEATED``: nothing, it was applied before."""

    COMMITTED = "committed"
    REFUND_OWED = "refund_owed"
    SUSPENSE = "suspense"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class AppliedPayment:
    """The result of ``apply_payment``. ``refund_id``: a refund to submit after the commit, if there is one."""

    outcome: PaymentOutcome
    refund_id: int | None = None


def await_payment(db: Session, pledge: Pledge, appeal: Appeal, now: datetime) -> None:
    """Let the donor pay the pledge for PAY_WITHIN, at most until an order would outlast the appeal's deadline.

    The caller holds the appeal's lock. Does nothing unless the pledge is ``intended``. Raises OverCap or NotFunding.
    """
    if pledge.state != "intended":
        return
    check_room(db, appeal, pledge.amount_fen)
    pledge.pay_by = min(now + PAY_WITHIN, appeal.closes_at - LAST_ORDER)
    if pledge.pay_by <= now:
        raise NotFunding(number=appeal.id, title=appeal.title, state=appeal.state)
    PLEDGES.move(db, pledge, "awaiting_payment", Actor.owner(pledge.donor_id), now)
    db.flush()


def room(db: Session, appeal: Appeal) -> int:
    """Return the fen that may still be paid for the appeal. Only money counts: a promise keeps nobody out."""
    return appeal.target_fen - totals(db, appeal.id).public


def check_room(db: Session, appeal: Appeal, fen: int) -> None:
    """Check that the appeal still needs ``fen``: money over its budget could never be paid out. Raises OverCap."""
    left = room(db, appeal)
    if fen > left:
        raise OverCap(number=appeal.id, title=appeal.title, room_fen=left if left >= SMALLEST_PLEDGE else 0)


def admit_donor(db: Session, appeal: Appeal, user_id: int | None, now: datetime, *, then: str = "") -> User:
    """Return the registered person, who may give to the appeal now. ``then``: what they said, for after registering.

    Raises NotFunding, NotRegistered, OwnHousehold or OverCap; NoCollector, where no charity collects, is a NotFunding.
    """
    # Checked first without a donor: a person should not register for an appeal that is closed.
    check_open(db, appeal, None, now)
    donor = get_user(db, user_id, then=then)
    check_open(db, appeal, donor, now)
    if collects_money(db):
        demand_merchant(db, appeal)
    check_not_full(db, appeal)
    return donor


def check_payable(db: Session, pledge: Pledge, now: datetime) -> None:
    """Check that the donor may pay the pledge now. Raises NotPayable, NotFunding, OwnHousehold or OverCap.

    NoCollector, where no charity collects, is a NotFunding.
    """
    appeal = get_appeal(db, pledge.appeal_id)
    in_question = has_open_suspense_item(db, pledge.id)
    until = pledge.pay_by or appeal.closes_at - LAST_ORDER
    if pledge.state not in UNPAID or until <= now or in_question:
        raise NotPayable(number=appeal.id, state=pledge.state, in_question=in_question)
    check_open(db, appeal, db.get_one(User, pledge.donor_id), now)
    demand_merchant(db, appeal)
    check_room(db, appeal, pledge.amount_fen)


def is_payable(db: Session, pledge: Pledge, now: datetime) -> bool:
    """Tell whether ``check_payable`` lets the donor pay."""
    try:
        check_payable(db, pledge, now)
    except (NotPayable, NotFunding, OwnHousehold, OverCap):
        return False
    return True


def demand_merchant(db: Session, appeal: Appeal) -> str:
    """Return the merchant number under which the appeal's charity collects. Raises NoCollector where it has none."""
    merchant = merchant_of(db, appeal.charity_id)
    if merchant is None:
        raise NoCollector(number=appeal.id, title=appeal.title, state=appeal.state)
    return merchant


def begin_order(db: Session, merchant: str, pledge_id: int, now: datetime, fallback: str | None = None) -> PayOrder:
    """Get or create the pledge's one live order; two simultaneous taps get the same one.

    ``merchant``: the account that a new one is placed with, one of the appeal's charity. ``fallback``: what the donor
    chose, one of FALLBACKS. Raises what ``check_payable`` does. An order that no longer ``is_fresh`` has to be closed
    first.
    """
    pledge = lock_pledge(db, pledge_id)
    check_payable(db, pledge, now)
    pledge.fallback = fallback or pledge.fallback
    appeal = get_appeal(db, pledge.appeal_id)
    if order := live_order(db, pledge.id):
        return order
    await_payment(db, pledge, appeal, now)
    if charity_of_merchant(db, merchant) != appeal.charity_id:
        raise NoCollector(number=appeal.id, title=appeal.title, state=appeal.state)
    assert pledge.pay_by is not None  # noqa: S101 - a CHECK holds it
    order = PayOrder(
        pledge_id=pledge.id,
        merchant=merchant,
        out_trade_no=new_order_number(),
        amount_fen=pledge.amount_fen,
        state="created",
        created_at=now,
        expires_at=min(now + ORDER_LASTS, max(pledge.pay_by, now + LAST_ORDER)),
        check_at=now + FIRST_CHECK,
    )
    db.add(order)
    db.flush()
    return order


def apply_payment(db: Session, payment: Payment, now: datetime) -> AppliedPayment:
    """Apply a payment exactly once, however often and in whatever order it is reported.

    A payment that cannot be right (another amount, a second transaction of one order, no order of ours) becomes a
    suspense item with a task for the fund holder.
    """
    (applied,) = apply_payments(db, [payment], now)
    return applied or _apply_alone(db, payment, now)


def apply_payments(db: Session, payments: Sequence[Payment], now: datetime) -> list[AppliedPayment | None]:
    """Apply payments of gifts that their appeals certainly take, in this order; in as many statements as for one.

    None for every other, which ``apply_payment`` then applies in a transaction of its own: one that cannot be right, is
    late, is told twice, or comes when the appeal has nearly enough.
    """
    gifts = lock_gifts(db, [(payment.merchant, payment.out_trade_no) for payment in payments])
    had = raised(db, sorted({gift.appeal.id for gift in gifts.values()}))
    taken = _taken(db, payments, gifts, had, now)
    if taken:
        _commit(db, taken.values(), had, now)
        paid: dict[int, datetime] = {}
        for place, gift in taken.items():
            paid[gift.donor.id] = max(payments[place].paid_at, paid.get(gift.donor.id, payments[place].paid_at))
        open_by_payment(db, paid)
    return [AppliedPayment(PaymentOutcome.COMMITTED) if place in taken else None for place in range(len(payments))]


def _taken(
    db: Session,
    payments: Sequence[Payment],
    gifts: Mapping[tuple[str, str], PaidOrder],
    had: Mapping[int, Raised],
    now: datetime,
) -> dict[int, PaidOrder]:
    """Map the places of payments with which nothing is wrong, and whose gifts the appeals take, to what they pay.

    Notes at their orders that they are paid. ``had``: what their appeals had before.
    """
    first: dict[int, PaidOrder] = {}
    for place, payment in enumerate(payments):
        gift = gifts.get((payment.merchant, payment.out_trade_no))
        if gift and gift.order.amount_fen == payment.fen and gift.order.state != "paid" and gift.pledge.state in UNPAID:
            first[place] = gift
    appeals = {gift.appeal.id: gift.appeal for gift in first.values() if gift.appeal.collects(now)}
    ready = collected(db, appeals.values())
    own = own_gifts(db, [(gift.donor, gift.appeal) for gift in first.values() if gift.appeal.id in ready])
    rooms = {number: appeals[number].target_fen - had[number].paid_fen for number in ready}
    taken: dict[int, PaidOrder] = {}
    for place, gift in first.items():
        number, fen = gift.appeal.id, gift.pledge.amount_fen
        again = gift.pledge.state not in UNPAID  # by the payment before
        if rooms.get(number, 0) < fen or again or (gift.donor.id, number) in own:
            continue
        # Pools may add as much again: what the next gift then finds no room for, is left to be applied alone.
        rooms[number] -= 2 * fen
        taken[place] = gift
        gift.order.transaction_id, gift.order.paid_at = payments[place].transaction_id, payments[place].paid_at
        ORDERS.move(db, gift.order, "paid", SYSTEM, now)
        PLEDGES.move(db, gift.pledge, "paid", SYSTEM, now)
    return taken


def _commit(db: Session, gifts: Collection[PaidOrder], had: Mapping[int, Raised], now: datetime) -> None:
    orders = [gift.order for gift in gifts]
    with db.no_autoflush:  # what is moved here and there is one UPDATE
        commit_gifts(db, [gift.arrived for gift in gifts], "payment_received", now, orders=orders, had=had)


def _apply_alone(db: Session, payment: Payment, now: datetime) -> AppliedPayment:
    """Apply a payment whose gift is not taken: refund it, put it in suspense, or do nothing where it was applied."""
    gift = lock_gifts(db, [(payment.merchant, payment.out_trade_no)]).get((payment.merchant, payment.out_trade_no))
    if gift is None:
        return _put_in_suspense(db, payment, "unknown_order", None, now)
    order, pledge = gift.order, gift.pledge
    if order.state == "paid":
        if order.transaction_id == payment.transaction_id:
            return AppliedPayment(PaymentOutcome.REPEATED)
        return _put_in_suspense(db, payment, "paid_twice", order, now)
    if order.amount_fen != payment.fen:
        return _put_in_suspense(db, payment, "other_amount", order, now)
    order.transaction_id, order.paid_at = payment.transaction_id, payment.paid_at
    ORDERS.move(db, order, "paid", SYSTEM, now)
    if pledge.state not in _FIRST:
        applied = _refund(db, order, "twice", now)
    else:
        over = _is_over(db, gift, now)
        PLEDGES.move(db, pledge, "paid", SYSTEM, now)
        notify_of_late_payment(db, gift.appeal, pledge, now)
        applied = _refund(db, order, "over" if over else "late", now)
    open_by_payment(db, {pledge.donor_id: payment.paid_at})
    return applied


def _is_over(db: Session, gift: PaidOrder, now: datetime) -> bool:
    """Tell whether nothing but the appeal's target keeps the gift from it."""
    try:
        check_open(db, gift.appeal, gift.donor, now)
        check_room(db, gift.appeal, gift.pledge.amount_fen)
    except OverCap:
        return True
    except (NotFunding, OwnHousehold):
        pass
    return False


def _refund(db: Session, order: PayOrder, reason: str, now: datetime) -> AppliedPayment:
    charity = charity_of_merchant(db, order.merchant)
    # The accounts of both postings at once, so that all lock in one order.
    lock(db, (channel_of(charity), refunds_of(charity), unassigned_of(charity)))
    moves.payment_unassigned(db, charity, order.amount_fen, order.cause, now)
    refund = owe_refund(db, order, order.amount_fen, reason, now)
    return AppliedPayment(PaymentOutcome.REFUND_OWED, refund.id)


def _put_in_suspense(db: Session, payment: Payment, kind: str, order: PayOrder | None, now: datetime) -> AppliedPayment:
    item = open_suspense_item(db, kind, payment, order, now)
    if item is None:
        return AppliedPayment(PaymentOutcome.REPEATED)
    moves.payment_unassigned(db, charity_of_merchant(db, item.merchant), item.amount_fen, item.cause, now)
    return AppliedPayment(PaymentOutcome.SUSPENSE)
