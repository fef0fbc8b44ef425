"""Whom the money goes to, said for the first time or anew: who hears of it, and what has to begin again."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.calendar import day_in_china
from models.core.state_machine import SYSTEM, Actor, By
from models.disbursements.approval import go_back, under_way, withdraw_all
from models.disbursements.disbursement import Disbursement
from models.disbursements.payee import Payee, add_payee
from models.notifications.notification import tell
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import Staff, tell_staff


def fix_payee(
    db: Session,
    appeal: Appeal,
    user: User,
    draft_id: str,
    kind: str,
    name: str,
    account: str,
    now: datetime,
    replaces: Payee | None = None,
) -> Payee:
    """Another payee, or another account in place of ``replaces``. The appeal must be locked. Raises TooManyPayees.

    What was on its way to one that is replaced goes back to its owner, since nobody has seen the new one; owner and
    county hear of it.
    """
    payee = add_payee(db, draft_id, appeal.id, user.id, kind, name, account, now, replaces)
    if replaces is None or payee.fixed_at != now:
        return payee
    for disbursement in under_way(db, appeal.id):
        if disbursement.payee_id == replaces.id:
            disbursement.payee_id = payee.id
            if disbursement.state != "requested":
                go_back(db, disbursement, "requested", SYSTEM, now, ("payee_changed",))
    _tell_of_change(db, appeal, payee, now)
    db.flush()
    return payee


def _tell_of_change(db: Session, appeal: Appeal, payee: Payee, now: datetime) -> None:
    """To the owner, whose phone may be in somebody else's hand, and to the county's people."""
    facts = {"number": appeal.id, "title": appeal.title, "tail": payee.account_tail}
    facts["day"] = day_in_china(payee.payable_from)
    key, about = f"payee:{payee.id}", ("appeal", appeal.id)
    for person in db.scalars(select(Conversation.id).where(Conversation.user_id == appeal.owner_id)):
        tell(db, person, "payee_changed", {**facts, "staff": False}, f"{key}:{person}", now, about=about)
    county = f"{appeal.region_code[:6]}000000"
    theirs = (Staff.role == By.COUNTY) & (Staff.region_code == county) & (Staff.state == "active")
    for staff in db.scalars(select(Staff).where(theirs).order_by(Staff.id)):
        tell_staff(db, staff, "payee_changed", {**facts, "staff": True}, f"{key}:s", now, about)


def forget(db: Session, appeal: Appeal, actor: Actor, now: datetime) -> None:
    """Its owner is no longer there: what is not paid is not paid any more, and those that nothing was paid to are
    nameless. Where money went is the accounts', which the law has a fund holder keep.
    """
    withdraw_all(db, appeal, actor, now, "owner_erased")
    paid = select(Disbursement.payee_id).where(Disbursement.appeal_id == appeal.id, Disbursement.paid_at.is_not(None))
    for payee in db.scalars(select(Payee).where(Payee.appeal_id == appeal.id, Payee.id.not_in(paid))):
        payee.name = payee.account = None
