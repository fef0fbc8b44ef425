"""Seal apart what a law requires to be kept of an erased person, with the day on which it expires; the clock purges it.

donation, payout: who gave, and to whom money was paid, are part of the charity's vouchers: 30 years (the measures on
accounting archives of 2015, article 14 and their table; the Charity Law, article 12, obliges charities to keep them).
What the E-commerce Law (article 31) keeps of orders stays with them for three years (models/market/orders/order.py).
"""

import json
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import Date, ForeignKey, Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import Appeal
from models.core.base import Base, RowId, one_of
from models.core.calendar import CHINA
from models.core.encryption import CannotOpen, Encrypted
from models.core.leaver import Leaver
from models.disbursements.disbursement import TRANSFERRING, Disbursement
from models.disbursements.payee import Payee
from models.giving.pledge import PAID, Pledge
from models.people.conversation import Conversation
from models.people.user import User
from models.rights.erasure.erasure import Erasure
from models.rights.erasure.paper import withdraw_paper_erasure
from models.rights.name_change import forget_names
from models.rights.number_claim import forget_claims
from models.rights.request import end_requests

log = structlog.get_logger()

# Law -> years, counted from the end of the year.
LAWS = {"donation": 30, "payout": 30}
# An appeal in another state may still pay out or be paid back, so its payees stay where they are.
_OVER = ("completed", "failed", "cancelled")
_BATCH = 500
_PAID_OUT = (
    Appeal.state.in_(_OVER),
    Payee.id.in_(select(Disbursement.payee_id).where(Disbursement.paid_at.is_not(None))),
    Payee.id.not_in(select(Disbursement.payee_id).where(Disbursement.state == TRANSFERRING)),
    Payee.name.is_not(None),
)


class SealedRemainder(Base):
    """What one law keeps of one erased person. ``contents`` is JSON; nothing that people use reads it."""

    __tablename__ = "sealed_remainders"
    id: Mapped[RowId]
    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasures.id"), index=True)
    law: Mapped[str] = mapped_column(String(12))
    expires_on: Mapped[date] = mapped_column(Date)
    contents: Mapped[str] = mapped_column(Encrypted("sealed remainder"))

    __table_args__ = (one_of("law", tuple(LAWS)), Index("ix_sealed_remainders_expires_on", "expires_on"))


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Seal what has to be kept, before anything is deleted; and end the person's other requests on their data."""
    if leaver.conversation_id:
        end_requests(db, leaver.conversation_id, leaver.now)
        forget_claims(db, leaver)
    if leaver.user_id:
        _seal_donor(db, leaver, leaver.user_id)
        _seal_payees(db, leaver)
        forget_names(db, leaver.user_id, leaver.now)
        withdraw_paper_erasure(db, leaver.user_id, leaver.now)
    db.flush()


def seal_paid_payees(db: Session, now: datetime) -> int:
    """Seal the payees of erased owners whose appeals have ended only since. Returns how many.

    One that does not decrypt keeps nobody else's unsealed.
    """
    found = select(Erasure).join(User, User.id == Erasure.user_id).join(Appeal, Appeal.owner_id == User.id)
    found = found.join(Payee, Payee.appeal_id == Appeal.id).where(User.state == "erased", *_PAID_OUT)
    erasures = db.scalars(found.distinct().order_by(Erasure.id).limit(_BATCH)).all()
    return sum(_seal_alone(db, Leaver(one.id, one.conversation_id, one.user_id, now)) for one in erasures)


def _seal_alone(db: Session, leaver: Leaver) -> int:
    try:
        with db.begin_nested():
            return _seal_payees(db, leaver)
    except CannotOpen:
        log.exception("erasure.cannot_open", erasure=leaver.erasure_id)
        return 0


def purge_remainders(db: Session, now: datetime) -> int:
    """Delete what is past its day. Returns how many."""
    old = select(SealedRemainder.id).where(SealedRemainder.expires_on < now.astimezone(CHINA).date()).limit(_BATCH)
    gone = delete(SealedRemainder).where(SealedRemainder.id.in_(old)).returning(SealedRemainder.id)
    return len(db.scalars(gone).all())


def _seal_donor(db: Session, leaver: Leaver, number: int) -> None:
    """Seal who gave, where something was paid: the gifts themselves stay, and name this user's number."""
    paid = select(Pledge.id).where(Pledge.donor_id == number, Pledge.state.in_(PAID)).limit(1)
    if db.scalar(paid) is None:
        return
    user = db.get_one(User, number)
    conversation = db.get(Conversation, leaver.conversation_id) if leaver.conversation_id else None
    who = {"user": number, "name": user.name, "display_name": user.display_name}
    openid = (conversation.parked_openid or conversation.openid) if conversation else None
    _seal(db, leaver, "donation", {**who, "openid": openid})


def _seal_payees(db: Session, leaver: Leaver) -> int:
    """Seal the payees that were paid by the person's appeals, once nothing more is paid to them or comes back."""
    theirs = select(Payee).join(Appeal, Appeal.id == Payee.appeal_id).where(Appeal.owner_id == leaver.user_id)
    found = db.scalars(theirs.where(*_PAID_OUT).order_by(Payee.id)).all()
    for payee in found:
        _seal(db, leaver, "payout", {"payee": payee.id, "name": payee.name, "account": payee.account})
        payee.name = payee.account = None
    db.flush()
    return len(found)


def _seal(db: Session, leaver: Leaver, law: str, contents: dict[str, Any]) -> None:
    until = date(leaver.now.astimezone(CHINA).year + LAWS[law], 12, 31)
    written = json.dumps(contents, ensure_ascii=False)
    db.add(SealedRemainder(erasure_id=leaver.erasure_id, law=law, expires_on=until, contents=written))
