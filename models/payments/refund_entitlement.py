"""Decide when a gift is refunded and how much of it: all that no disbursement has spent.

A donor may ask while anything is left, and the rules grant it at once. An appeal that fails or is cancelled refunds all
its gifts (models.payments.refund_run). What is left of a gift's match returns to its pools with it
(models.giving.matching). The family is not notified of a single refund: it is the donor's private matter, even where
the gift has a name. The appeal's page shows its present total to everybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from models.appeals.appeal import get_appeal, titles_of
from models.core.base import among, write_columns
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.disbursements.allocation_run import check_allocated
from models.disbursements.payout_claim import check_not_transferring
from models.giving.allocation import DisbursementShare
from models.giving.matching import lock_matches, return_matches
from models.giving.pledge import LEFT_APPEAL, OwnPledge, Pledge
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.refund_run import HELD
from models.ledger import moves
from models.ledger.accounts import refunds_of
from models.organisations.merchant import charity_of_merchant
from models.payments.locks import lock_order, lock_pledge
from models.payments.order import PayOrder
from models.payments.refund import BESIDE, LAST_DAY, UNASSIGNED, Refund, new_refund
from models.payments.shortfall import settle_shortfall
from models.people.user import User

# How many of a donor's newest gifts are looked at; an older one is named by its code.
_LOOKED_AT = 50


class NoSuchGift(Refusal):
    """No gift has this code, or it is another donor's: the words are the same."""

    code = "no_such_gift"
    final = True


class NothingPaid(Refusal):
    """The pledge was never paid, so nothing can be refunded. ``state`` of the pledge."""

    code = "nothing_paid"
    final = True


class RefundUnderWay(Refusal):
    """The gift is being refunded, was refunded, or was redirected to another appeal. ``state`` of the pledge."""

    code = "refund_under_way"
    final = True


class AllSpent(Refusal):
    """The whole gift was paid out for the appeal."""

    code = "all_spent"
    final = True


class TooLongAgo(Refusal):
    """The payment is older than ``days``, the channel's limit for refunds."""

    code = "too_long_ago"
    final = True


@dataclass(frozen=True, slots=True)
class Refundable:
    """What a refund of a gift would return: ``fen`` are left of it, ``spent_fen`` were paid out."""

    pledge: Pledge
    order: PayOrder
    fen: int

    @property
    def spent_fen(self) -> int:
        return self.pledge.amount_fen - self.fen


def unspent_of(db: Session, pledges: Sequence[Pledge]) -> dict[int, int]:
    """Pledge id -> fen of it that no disbursement spent.

    To refund them, the caller holds the appeal's lock and has called models.disbursements.allocation.check_allocated.
    """
    ids = [pledge.id for pledge in pledges]
    shares = select(DisbursementShare.pledge_id, func.sum(DisbursementShare.amount_fen))
    shares = shares.where(DisbursementShare.pledge_id.in_(ids)).group_by(DisbursementShare.pledge_id)
    spent = {number: int(fen) for number, fen in db.execute(shares)}
    return {pledge.id: pledge.amount_fen - spent.get(pledge.id, 0) for pledge in pledges}


def orders_of(db: Session, pledges: Sequence[Pledge]) -> dict[int, PayOrder]:
    """Pledge id -> the order that paid for it: its own, or that of the gift it was redirected from."""
    ids = [pledge.id for pledge in pledges]
    made_of = select(Refund.redirected_to, PayOrder).join(PayOrder, PayOrder.id == Refund.pay_order_id)
    found: dict[int, PayOrder] = {}
    for number, order in db.execute(made_of.where(Refund.redirected_to.in_(ids))):
        found[number or 0] = order
    # Of a gift that was paid twice, the payment that was reported first is its own; the other is refunded by itself.
    twice = exists().where(Refund.pay_order_id == PayOrder.id, Refund.reason == "twice")
    paid = select(PayOrder).where(PayOrder.pledge_id.in_(ids), PayOrder.state == "paid", ~twice)
    for order in db.scalars(paid.order_by(PayOrder.id)):
        found[order.pledge_id] = order
    return found


def owe_refund(
    db: Session,
    order: PayOrder,
    fen: int,
    reason: str,
    now: datetime,
    *,
    pledge: Pledge | None = None,
    actor: Actor = SYSTEM,
) -> Refund:
    """Owe the donor a refund of ``fen`` of this paid order; the second time, return the refund that exists.

    The caller holds appeal, pledge and order, in that order, and enqueues ``ask_refund`` after the commit; else the
    sweep finds it. For a ``reason`` of models.payments.refund.UNASSIGNED the ledger must have the payment as
    unassigned; where another order of the gift was paid before, the reason becomes ``twice``. The pledge moves to
    ``refund_pending``, except for ``twice``. ``pledge``: the one that holds the money now, if not the order's own.
    """
    pledge = pledge or db.get_one(Pledge, order.pledge_id)
    if reason in UNASSIGNED and _was_paid_before(db, pledge, order):
        reason = "twice"
    of_it = (Refund.pledge_id == pledge.id) & Refund.reason.not_in(BESIDE)
    if reason == "twice":
        of_it = (Refund.pay_order_id == order.id) & (Refund.reason == reason)
    earlier = db.scalar(select(Refund).where(of_it))
    if earlier:
        return earlier
    refund = new_refund(db, order, pledge, fen, reason, now)
    charity = charity_of_merchant(db, order.merchant)
    if reason in UNASSIGNED:
        moves.refund_from_unassigned(db, charity, fen, refund.cause, now)
    else:
        lock_matches(db, [pledge.id], (refunds_of(charity),))
        moves.refund_owed(db, pledge.appeal_id, fen, refund.cause, now)
        return_matches(db, [pledge.id], now)
    if refund.is_of_gift and pledge.state != "refund_pending":
        PLEDGES.move(db, pledge, "refund_pending", actor, now, detail=reason)
    db.flush()
    return refund


def owe_refunds(
    db: Session,
    gifts: Sequence[tuple[Pledge, PayOrder, int]],
    reason: str,
    now: datetime,
    run_id: int,
) -> list[int]:
    """Owe the refunds of gifts to one appeal, which a run refunds, as ``owe_refund`` does; return their ids.

    ``gifts``: each with the order that paid it and the fen of it that are left. The caller holds appeal, pledges,
    orders and accounts, and returns the matches. For any number in as many statements as for one.
    """
    if not gifts:
        return []
    theirs = [pledge.id for pledge, _, _ in gifts]
    earlier = select(Refund.pledge_id, Refund.id).where(among(Refund.pledge_id, theirs), Refund.reason.not_in(BESIDE))
    there = {row.pledge_id: row.id for row in db.execute(earlier)}
    new = [gift for gift in gifts if gift[0].id not in there]
    refunds = [
        new_refund(db, order, pledge, fen, reason, now, run_id=run_id, flush=False) for pledge, order, fen in new
    ]
    db.flush()
    moves.refunds_owed(db, gifts[0][0].appeal_id, {each.cause: each.amount_fen for each in refunds}, now)
    with db.no_autoflush:
        for pledge, _, _ in new:
            PLEDGES.move(db, pledge, "refund_pending", SYSTEM, now, detail=reason)
        if new:
            write_columns(db, ([pledge for pledge, _, _ in new], ["state"]))
    return sorted([*there.values(), *(each.id for each in refunds)])


def find_refundable(db: Session, donor: User, code: str, now: datetime) -> Refundable:
    """Compute what the donor would get back if they asked now. Raises what ``request_refund`` does."""
    pledge = db.scalar(select(Pledge).where(Pledge.code == code.upper()))
    if pledge is None or pledge.donor_id != donor.id:
        raise NoSuchGift(gift=code.upper())
    return _check(db, pledge, now)


def request_refund(db: Session, donor: User, code: str, now: datetime) -> Refund:
    """Owe the donor a refund of their gift, as they asked.

    Raises NoSuchGift, NothingPaid, RefundUnderWay, AllSpent, TooLongAgo or AllocationPending.
    """
    seen = find_refundable(db, donor, code, now).pledge
    appeal = get_appeal(db, seen.appeal_id, lock=True)
    pledge = lock_pledge(db, seen.id)
    found = _check(db, pledge, now)
    order = lock_order(db, found.order.id)
    actor = Actor.owner(donor.id)
    refund = owe_refund(db, order, found.fen, "asked", now, pledge=pledge, actor=actor)
    settle_shortfall(db, appeal, now)
    return refund


def refundable_gifts(db: Session, donor_id: int, most: int) -> list[OwnPledge]:
    """List this donor's gifts of which something can be refunded, the newest first."""
    theirs = select(Pledge).where(Pledge.donor_id == donor_id, Pledge.state.in_(HELD)).order_by(Pledge.id.desc())
    gifts = db.scalars(theirs.limit(_LOOKED_AT)).all()
    unspent, orders = unspent_of(db, gifts), orders_of(db, gifts)
    found = [gift for gift in gifts if unspent[gift.id] > 0 and gift.id in orders][:most]
    title_of = titles_of(db, [gift.appeal_id for gift in found])
    return [
        OwnPledge(
            number=gift.id,
            code=gift.code,
            appeal=gift.appeal_id,
            title=title_of[gift.appeal_id],
            amount_fen=gift.amount_fen,
            anonymous=gift.anonymous,
            state=gift.state,
            created_at=gift.created_at,
        )
        for gift in found
    ]


def _was_paid_before(db: Session, pledge: Pledge, order: PayOrder) -> bool:
    paid = select(PayOrder.id).where(PayOrder.pledge_id == pledge.id, PayOrder.state == "paid", PayOrder.id != order.id)
    return db.scalar(paid.limit(1)) is not None


def _check(db: Session, pledge: Pledge, now: datetime) -> Refundable:
    facts: dict[str, Any] = {
        "gift": pledge.code,
        "number": pledge.appeal_id,
        "state": pledge.state,
        "amount_fen": pledge.amount_fen,
    }
    if pledge.state in LEFT_APPEAL:
        raise RefundUnderWay(**facts)
    order = orders_of(db, [pledge]).get(pledge.id)
    if order is None or order.paid_at is None:
        raise NothingPaid(**facts)
    check_not_transferring(db, pledge.appeal_id)
    check_allocated(db, pledge.appeal_id)
    fen = unspent_of(db, [pledge])[pledge.id] if pledge.state in HELD else 0
    if fen <= 0:
        raise AllSpent(**facts)
    if now - order.paid_at >= LAST_DAY:
        raise TooLongAgo(**facts, days=LAST_DAY.days)
    return Refundable(pledge, order, fen)
