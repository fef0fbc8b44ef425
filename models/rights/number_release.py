"""Release an ID number from an account that it does not belong to: two of the county answer for it, on evidence.

That is the picture of a claim (models.rights.number_claim), or on the command line what stands on a ticket.

The number is free at once, for its owner to register with: for some days after a claim, for the claimant alone
(models.rights.number_claim.KEPT). Whoever had it keeps the account without it: public appeals stop until the county
has decided on each, what was under review ends, and they are told how to object.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, MACHINE, Appeal, freeze, is_under_review
from models.core.audit_trail import record
from models.core.state_machine import SYSTEM
from models.goods.household import hide, open_reviews
from models.notifications.notify import notify_user
from models.people.conversation import Conversation
from models.people.user import User, withdraw_consent
from models.proxy.mandate import revoke_all_mandates
from models.rights.erasure.paper import withdraw_paper_erasure
from models.rights.name_change import withdraw_waiting
from models.rights.number_claim import RELEASED
from models.staff.signers import Signers, check_signers
from models.staff.task import close_task
from models.support.ticket import Ticket
from models.verification.case import withdraw


class NoEvidence(Exception):
    """There is no ticket of this number, or it is the holder's own."""


@dataclass(frozen=True, slots=True)
class Released:
    """The numbers of the holder's appeals that are ``frozen``, and of those that were ``cancelled``."""

    frozen: list[int]
    cancelled: list[int]


def release_number(db: Session, user: User, evidence: str, by: Signers, place: str, now: datetime) -> Released:
    """Take the ID number from the person who is registered with it. ``evidence``: ``ticket:3``, ``number_claim:2``.
    ``place``: both officers are of its county.

    Raises CannotSign, before anything is changed.

    Locks the cases, the appeals, what is sold and asked for, then the person. The trail names both officers, and the
    evidence.
    """
    check_signers(db, by, user.household_id, place, now, county=True)
    withdraw(db, user.id, SYSTEM, now)
    released = _stop_appeals(db, user, now)
    if user.household_id:
        hide(db, user.household_id, now)
        open_reviews(db, user.household_id, now)  # if another member is verified
    withdraw_waiting(db, user.id, now)
    withdraw_paper_erasure(db, user.id, now)
    revoke_all_mandates(db, user.id, SYSTEM.name, now)
    withdraw_consent(db, user.id, "identity", now)
    db.refresh(user, with_for_update=True)
    user.id_number = user.id_hash = None
    # A resident is known by the number.
    user.role = "donor"
    db.flush()
    for staff in by:
        who = staff.actor.name
        record(db, at=now, actor=who, action=RELEASED, subject="user", subject_id=user.id, detail=evidence)
    facts = {"frozen": released.frozen, "cancelled": released.cancelled}
    notify_user(db, user.id, RELEASED, facts, f"{RELEASED}:{user.id}:{now.timestamp()}", now, ("user", user.id))
    return released


def _stop_appeals(db: Session, user: User, now: datetime) -> Released:
    released = Released([], [])
    theirs = select(Appeal).where(Appeal.owner_id == user.id, Appeal.state.in_(LIVE) | is_under_review())
    locked = theirs.order_by(Appeal.id).with_for_update().execution_options(populate_existing=True)
    for appeal in db.scalars(locked).all():
        if appeal.state in LIVE:
            freeze(db, appeal, SYSTEM, now, RELEASED)
            released.frozen.append(appeal.id)
        else:
            MACHINE.move(db, appeal, "cancelled", SYSTEM, now, RELEASED)
            close_task(db, "appeal", appeal.id, now)
            released.cancelled.append(appeal.id)
    return released


def check_ticket(db: Session, user: User, number: int) -> None:
    """Check that there is a ticket of this number, and that it is somebody else's. Raises NoEvidence."""
    whose = select(Conversation.user_id).join(Ticket, Ticket.conversation_id == Conversation.id)
    found = db.execute(whose.where(Ticket.id == number)).first()
    if found is None or found.user_id == user.id:
        raise NoEvidence(str(number))
