"""Reopen or fail an appeal that was funded and no longer is, because donors had their gifts refunded.

This happens only before its first payout; after that the appeal spends what it has. While open requests are covered by
the held money, nothing changes: otherwise a donor could stop a family's payment by giving one yuan and taking it back.
Requests that are no longer covered are withdrawn. After the deadline an appeal without a minimum of its own goes on
with half of its target, the least minimum that may be set; with less it fails and all gifts are refunded.
"""

from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import MACHINE, Appeal, fail, get_appeal
from models.appeals.review import notify_owner
from models.core.money import SMALLEST_PLEDGE, least_minimum
from models.core.state_machine import SYSTEM
from models.disbursements.approval import withdraw_all
from models.disbursements.disbursement import UNDER_WAY, Disbursement, asked_of, transfers_of
from models.giving.pledge import raised
from models.ledger import held
from models.ledger.accounts import LedgerAccount
from models.payments.refund import Refund

HAD_ENOUGH = ("funded", "minimum_met")
_WHY = "gift_back"
_BATCH = 50


def settle_shortfall(db: Session, appeal: Appeal, now: datetime) -> bool:
    """Reopen or fail the appeal if a refund left it short, and notify its owner. Returns whether it changed.

    Runs in the refund's transaction; the caller holds the appeal's lock. Where the appeal fails, its donors are
    notified too.
    """
    has = raised(db, [appeal.id])[appeal.id]
    missing, collects = appeal.target_fen - has.raised_fen, appeal.closes_at > now
    least = appeal.minimum_fen or least_minimum(appeal.target_fen)
    if appeal.state not in HAD_ENOUGH or missing < SMALLEST_PLEDGE or (has.raised_fen >= least and not collects):
        return False
    asked = asked_of(db, appeal.id)
    if 0 < asked <= held(db, [appeal.id])[appeal.id] or transfers_of(db, appeal.id):
        return False
    withdraw_all(db, appeal, SYSTEM, now, _WHY)
    if collects:
        MACHINE.move(db, appeal, "funding", SYSTEM, now, _WHY)
    else:
        fail(db, appeal, now, _WHY)
    sums = {"missing_fen": missing, **has.facts, "withdrawn": int(asked > 0)}
    notify_owner(db, appeal, now, sums=sums)
    db.flush()
    return True


def settle_shortfalls(db: Session, now: datetime) -> int:
    """Check appeals that a refund left short and that did not change then. Returns how many changed now."""
    asked = select(func.coalesce(func.sum(Disbursement.amount_fen), 0))
    asked = asked.where(Disbursement.appeal_id == Appeal.id, Disbursement.state.in_(UNDER_WAY))
    fen, covered = LedgerAccount.balance_fen, asked.correlate(Appeal).scalar_subquery()
    below = 2 * fen < func.coalesce(2 * Appeal.minimum_fen, Appeal.target_fen)
    short = (Appeal.target_fen - fen >= SMALLEST_PLEDGE) & or_(Appeal.deadline > now, below)
    account = (LedgerAccount.kind == "appeal") & (LedgerAccount.subject_id == Appeal.id)
    gone = exists().where(Refund.appeal_id == Appeal.id, Refund.reason == "asked")
    found = select(Appeal.id).join(LedgerAccount, account).where(Appeal.state.in_(HAD_ENOUGH), gone, short)
    found = found.where(or_(covered == 0, covered > fen)).order_by(Appeal.id).limit(_BATCH)
    numbers = db.scalars(found).all()
    return sum(settle_shortfall(db, get_appeal(db, number, lock=True), now) for number in numbers)
