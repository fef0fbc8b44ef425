"""Cancel the gifts that an erased donor has not paid; a payment that comes all the same is refunded like any late one.

A promise that nothing collects (PAY_MODE=off) stays: it counts in what its appeal has.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.leaver import PAGE, Leaver
from models.giving.pledge import Pledge
from models.payments.expiry import let_go
from models.payments.suspense import has_open_suspense_item
from models.people.user import User


def forget(db: Session, leaver: Leaver, after: int) -> int | None:
    """Cancel a page of unpaid gifts, a tenth of PAGE: each holds the lock of its appeal until the page ends."""
    if not leaver.user_id:
        return None
    waits = (Pledge.donor_id == leaver.user_id) & (Pledge.state == "awaiting_payment") & (Pledge.id > after)
    found = db.execute(select(Pledge.id, Pledge.code).where(waits).order_by(Pledge.id).limit(PAGE // 10)).all()
    donor = db.get_one(User, leaver.user_id)
    for number, code in found:
        # A payment in question is the fund holder's to settle.
        if not has_open_suspense_item(db, number):
            let_go(db, donor, code, leaver.now)
    db.flush()
    return found[-1].id if found else None
