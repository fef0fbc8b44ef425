"""Hold back an appeal's payouts for a time; collecting and every step before the payout go on."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.core.hooks import Hook
from models.core.refusal import Refusal

# Arguments: the appeal's number, and now. Returns until when its payouts are held, None while they are not.
held_until: Hook[[Session, int, datetime], datetime | None] = Hook("disbursements.hold.held_until")


class PayoutsHeld(Refusal):
    """The county looks into the appeal ``number``, and nothing is paid out of it before ``until`` or its decision."""

    code = "payouts_held"
    final = True


def demand_not_held(db: Session, appeal_id: int, use: int, now: datetime) -> None:
    """Check that this disbursement (``use``) may be paid; the caller holds the appeal. Raises PayoutsHeld."""
    until = held_until(db, appeal_id, now)
    if until is not None:
        raise PayoutsHeld(number=appeal_id, use=use, until=until)
