"""Hold an appeal's payouts after a report of it, for HOLD_LASTS and until the inquiry is decided, whichever is first.

One inquiry holds once, and the undecided ones into an appeal and its updates hold once together: nobody makes it longer
by reporting again, nor one update after another.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.appeals.appeal import get_appeal
from models.core.audit_trail import record
from models.disbursements.payout_claim import warn
from models.support.inquiry import LIVE, SUBJECT, Inquiry
from models.support.reporters import Weight

HOLD_LASTS = timedelta(hours=72)
# So many verified people without ties hold the payouts before the county has looked.
VERIFIED_TO_HOLD = 3


def hold_payouts(db: Session, inquiry: Inquiry, weight: Weight, now: datetime) -> None:
    """Begin the hold where the reports have the weight for it, or the county has read what somebody credible said.

    The caller holds the inquiry; this locks the appeal, under whose lock money is paid out.
    """
    read = inquiry.county_read_at is not None and weight.circles > 0
    if inquiry.appeal_id is None or inquiry.held_until is not None:
        return
    if read or weight.verified >= VERIFIED_TO_HOLD:
        get_appeal(db, inquiry.appeal_id, lock=True)
        others = (Inquiry.appeal_id == inquiry.appeal_id) & Inquiry.held_until.is_not(None) & Inquiry.state.in_(LIVE)
        if db.scalar(select(Inquiry.id).where(others).limit(1)):
            return
        inquiry.held_until = now + HOLD_LASTS
        warn(db, inquiry.appeal_id, "held", now)
        record(db, at=now, actor="system", action="held", subject=SUBJECT, subject_id=inquiry.id, detail="payouts")
        db.flush()


def held_until(db: Session, appeal_id: int, now: datetime) -> datetime | None:
    """Return until when undecided inquiries hold the appeal's payouts; None while none does."""
    holds = (Inquiry.appeal_id == appeal_id) & (Inquiry.held_until > now) & Inquiry.state.in_(LIVE)
    return db.scalar(select(func.max(Inquiry.held_until)).where(holds))
