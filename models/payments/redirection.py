"""Redirect a gift to a similar appeal instead of refunding it, where the donor chose that while paying.

A similar appeal has the same category, is in the same county, is open, has room for the whole gift and is not of the
donor's own household. The one that was published first is chosen, because it has waited longest. Where there is none,
the gift is refunded. Its matches have already been returned to their pools; the new appeal's pools may match it anew.
The donor is notified, and may ask for a refund of the new gift as for any other.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, get_appeal
from models.core.codes import new_code
from models.core.money import SMALLEST_PLEDGE
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM
from models.giving.gift_notifications import match_facts
from models.giving.matching import SponsorMatch
from models.giving.pledge import CODE_LENGTH, Pledge, check_open
from models.giving.pledge import MACHINE as PLEDGES
from models.ledger.accounts import refunds_of
from models.notifications.notify import notify_user
from models.organisations.merchant import charity_of_merchant
from models.payments.collection import check_room
from models.payments.commit import ArrivedGift, commit_gifts
from models.payments.locks import lock_order, lock_pledge, lock_refund
from models.payments.refund import MACHINE, MAY_REDIRECT, Refund
from models.people.user import User
from models.places.region import county_of, inside

# The most appeals that are tried; if none of them has room, the gift is refunded.
MOST_LOOKED_AT = 20


def redirect(db: Session, number: int, now: datetime) -> Pledge | None:
    """Make a new gift of a refund that is owed. None: it may not be redirected, or has been already."""
    refund = db.get(Refund, number)
    if refund is None or not _may(db, refund):
        return None
    before = db.get_one(Pledge, refund.pledge_id)
    donor = db.get_one(User, before.donor_id)
    wanted = _similar(db, db.get_one(Appeal, refund.appeal_id), donor, refund.amount_fen, now)
    if wanted is None:
        return None
    target = get_appeal(db, wanted, lock=True)
    before = lock_pledge(db, before.id)
    lock_order(db, refund.pay_order_id)
    refund = lock_refund(db, number)
    # While this waited for the appeal's lock, other gifts may have filled it, or another worker taken the refund.
    if refund is None or not _may(db, refund) or not _takes(db, target, donor, refund.amount_fen, now):
        return None
    gift = _make(db, refund, before, target, now)
    refund.redirected_to, refund.ended_at, refund.due_at = gift.id, now, None
    MACHINE.move(db, refund, "redirected", SYSTEM, now)
    PLEDGES.move(db, before, "redirected", SYSTEM, now)
    source, donor = refunds_of(charity_of_merchant(db, refund.merchant)), db.get_one(User, gift.donor_id)

    def notify(arrived: ArrivedGift, added: Sequence[SponsorMatch]) -> None:
        _notify(db, refund, before, arrived, now, added)

    arrived = ArrivedGift(target, gift, donor, source, refund.cause)
    commit_gifts(db, [arrived], "refund_redirected", now, notify)
    return gift


def _may(db: Session, refund: Refund) -> bool:
    """Tell whether the refund may be redirected: not submitted yet, chosen by its donor, and the donor is active."""
    if refund.state != "owed" or refund.tries or refund.round > 1 or refund.reason not in MAY_REDIRECT:
        return False
    pledge = db.get_one(Pledge, refund.pledge_id)
    there = db.get_one(User, pledge.donor_id).state == "active"
    return pledge.fallback == "similar" and there and refund.amount_fen >= SMALLEST_PLEDGE


def _similar(db: Session, appeal: Appeal, donor: User, fen: int, now: datetime) -> int | None:
    """Find the similar appeal that was published first; it is not locked yet."""
    near = inside(Appeal.region_code, county_of(appeal.region_code))
    wanted = select(Appeal).where(near, Appeal.state == "funding", Appeal.category == appeal.category)
    # The money stays with the charity that has it.
    wanted = wanted.where(Appeal.charity_id == appeal.charity_id)
    wanted = wanted.where(Appeal.id != appeal.id, Appeal.deadline > now).order_by(Appeal.published_at, Appeal.id)
    for found in db.scalars(wanted.limit(MOST_LOOKED_AT)):
        if _takes(db, found, donor, fen, now):
            return found.id
    return None


def _takes(db: Session, appeal: Appeal, donor: User, fen: int, now: datetime) -> bool:
    try:
        check_open(db, appeal, donor, now)
        check_room(db, appeal, fen)
    except Refusal:
        return False
    return True


def _make(db: Session, refund: Refund, before: Pledge, target: Appeal, now: datetime) -> Pledge:
    gift = Pledge(
        draft_id=f"refund-{refund.id}",
        code=new_code(CODE_LENGTH),
        appeal_id=target.id,
        donor_id=before.donor_id,
        amount_fen=refund.amount_fen,
        anonymous=before.anonymous,
        by_staff=before.by_staff,
        fallback=before.fallback,
        state="intended",
        created_at=now,
    )
    db.add(gift)
    db.flush()
    PLEDGES.move(db, gift, "paid", SYSTEM, now, detail=f"refund {refund.id}")
    return gift


def _notify(
    db: Session, refund: Refund, before: Pledge, arrived: ArrivedGift, now: datetime, added: Sequence[SponsorMatch]
) -> None:
    target, gift = arrived.appeal, arrived.pledge
    facts = {
        "number": target.id,
        "title": target.title,
        "amount_fen": refund.amount_fen,
        "before": before.appeal_id,
        "before_title": db.get_one(Appeal, before.appeal_id).title,
        "code": gift.code,
        "matches": match_facts(added),
    }
    notify_user(db, gift.donor_id, "redirected", facts, f"redirected:{refund.id}", now, ("appeal", target.id))
