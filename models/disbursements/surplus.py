"""Refund an appeal's surplus to its donors and pools, as if the appeal had failed.

The owner declares it, or has requested nothing for eight months despite a reminder. Where the owner is erased
(models.rights.erasure) the appeal is frozen and the county may cancel it, which refunds everything; so no other role
needs this power.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, get_appeal
from models.core.audit_trail import AuditEvent, record
from models.core.calendar import day_in_china
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.disbursements.budget import check_spendable, is_spendable
from models.disbursements.disbursement import SPENT, UNACQUITTED, UNDER_WAY, Disbursement
from models.giving.refund_run import SURPLUS, begin_refund_run, is_being_refunded
from models.ledger import held
from models.ledger.accounts import LedgerAccount
from models.notifications.notify import notify_user

# Well before the pay channel's limit: it refunds nothing a year after the payment.
QUIET = timedelta(days=240)
REMINDED = timedelta(days=30)
_REMINDER = "surplus_reminder"
_BATCH = 50


class NothingSpent(Refusal):
    """No money of the appeal was ever paid out, so there is no surplus; the county may cancel the appeal."""

    code = "nothing_spent"
    final = True


class NothingLeft(Refusal):
    """All of the appeal's money is spent or refunded."""

    code = "nothing_left"
    final = True


class RequestUnderWay(Refusal):
    """Request ``use`` is open, and must be paid or withdrawn first."""

    code = "request_under_way"
    final = True


class ReceiptsMissing(Refusal):
    """Payment ``use`` has no receipts yet."""

    code = "receipts_missing"
    final = True


def check_surplus(db: Session, appeal: Appeal) -> int:
    """Return the surplus in fen, if it may be refunded now.

    Raises NotSpendable, NothingSpent, RequestUnderWay, ReceiptsMissing or NothingLeft.
    """
    check_spendable(db, appeal)
    uses = select(Disbursement).where(Disbursement.appeal_id == appeal.id).order_by(Disbursement.id)
    found = db.scalars(uses).all()
    for use in found:
        if use.state in UNDER_WAY:
            raise RequestUnderWay(number=appeal.id, use=use.id)
    if not any(use.state in SPENT for use in found):
        raise NothingSpent(number=appeal.id)
    for use in found:
        if use.state in UNACQUITTED and use.receipts_at is None:
            raise ReceiptsMissing(number=appeal.id, use=use.id)
    fen = held(db, [appeal.id])[appeal.id]
    if not fen:
        raise NothingLeft(number=appeal.id)
    return fen


def refund_surplus(db: Session, appeal: Appeal, actor: Actor, now: datetime) -> int:
    """Begin to refund the surplus of this locked appeal, which ends its spending; return the fen.

    Raises as ``check_surplus`` does.
    """
    fen = check_surplus(db, appeal)
    begin_refund_run(db, appeal.id, SURPLUS, now)
    if is_spendable(db, appeal):
        raise NothingLeft(number=appeal.id)  # the held balance belongs to no remaining gift
    record(db, at=now, actor=actor.name, action=SURPLUS, subject="appeal", subject_id=appeal.id, detail=str(fen))
    db.flush()
    return fen


def refund_quiet_surpluses(db: Session, now: datetime) -> int:
    """Refund money that was not requested for QUIET; the owner is reminded a month before.

    Appeals with open requests or missing receipts are left to other sweeps. Returns how many appeals were reminded or
    found due for a refund.
    """
    reminded = exists().where(_is_reminder(), AuditEvent.at > now - QUIET + REMINDED)
    quiet = _quiet(now - QUIET + REMINDED).where(~reminded).limit(_BATCH)
    soon = db.scalars(quiet).all()
    for number in soon:
        _remind(db, get_appeal(db, number, lock=True), now)
    warned = exists().where(_is_reminder(), AuditEvent.at.between(now - QUIET, now - REMINDED))
    over = db.scalars(_quiet(now - QUIET).where(warned).limit(_BATCH)).all()
    for number in over:
        appeal = get_appeal(db, number, lock=True)
        try:
            refund_surplus(db, appeal, SYSTEM, now)
        except Refusal:
            continue  # the owner made a request while this waited for the row's lock
    return len(soon) + len(over)


def _quiet(since: datetime) -> Select[int]:
    """Select executing appeals with money left and neither a request nor a payment ``since``."""
    use, account = Disbursement, LedgerAccount
    theirs = use.appeal_id == Appeal.id
    lately = theirs & or_(use.created_at > since, use.paid_at > since)
    waits = theirs & or_(use.state.in_(UNDER_WAY), use.state.in_(UNACQUITTED) & use.receipts_at.is_(None))
    left = (account.kind == "appeal") & (account.subject_id == Appeal.id) & (account.balance_fen > 0)
    found = select(Appeal.id).join(account, left).where(Appeal.state == "executing")
    found = found.where(exists().where(theirs, use.state.in_(SPENT)), ~exists().where(lately), ~exists().where(waits))
    return found.where(~is_being_refunded(Appeal.id)).order_by(Appeal.id)


def _is_reminder() -> ColumnElement[bool]:
    event = AuditEvent
    return (event.subject == "appeal") & (event.subject_id == Appeal.id) & (event.action == _REMINDER)


def _remind(db: Session, appeal: Appeal, now: datetime) -> None:
    """Remind the owner, and record it in the audit trail: the term also runs for an owner without WeChat."""
    record(db, at=now, actor=SYSTEM.name, action=_REMINDER, subject="appeal", subject_id=appeal.id)
    day, left = day_in_china(now + REMINDED), held(db, [appeal.id])[appeal.id]
    facts = {"number": appeal.id, "title": appeal.title, "day": day, "overdue": False, "left_fen": left}
    notify_user(db, appeal.owner_id, "update_due", facts, f"{_REMINDER}:{appeal.id}:{day}", now, ("appeal", appeal.id))
