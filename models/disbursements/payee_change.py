"""Add or replace a payee: return its open requests to the owner, and notify the owner and the county."""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.calendar import day_in_china
from models.core.state_machine import SYSTEM, Actor, By
from models.disbursements.approval import return_or_refuse, unpaid_requests, withdraw_all
from models.disbursements.disbursement import TRANSFERRING, Disbursement
from models.disbursements.payee import Payee, add_payee
from models.notifications.notify import notify_user
from models.people.user import User
from models.places.region import county_of
from models.staff.member import Staff, notify_staff


def set_payee(
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
    """Add a payee, or replace ``replaces`` by one. The appeal must be locked. Raises TooManyPayees.

    Unpaid requests to a replaced payee return to the owner, because no officer has seen the new one. Owner and county
    are notified of a replacement.
    """
    payee = add_payee(db, draft_id, appeal.id, user.id, kind, name, account, now, replaces)
    if replaces is None or payee.fixed_at != now:
        return payee
    for disbursement in unpaid_requests(db, appeal.id):
        if disbursement.payee_id == replaces.id:
            disbursement.payee_id = payee.id
            if disbursement.state != "requested":
                return_or_refuse(db, disbursement, "requested", SYSTEM, now, ("payee_changed",))
    _notify_of_change(db, appeal, payee, now)
    db.flush()
    return payee


def _notify_of_change(db: Session, appeal: Appeal, payee: Payee, now: datetime) -> None:
    """Notify the owner and the county, because another person may be using the owner's phone."""
    facts = {"number": appeal.id, "title": appeal.title, "tail": payee.account_tail}
    facts["day"] = day_in_china(payee.payable_from)
    key, about = f"payee:{payee.id}", ("appeal", appeal.id)
    notify_user(db, appeal.owner_id, "payee_changed", {**facts, "staff": False}, key, now, about)
    notify_county(db, appeal, "payee_changed", {**facts, "staff": True}, f"{key}:s", now)


def notify_county(db: Session, appeal: Appeal, kind: str, facts: dict[str, Any], key: str, now: datetime) -> None:
    """Notify everybody of the appeal's county of something about its money."""
    county = county_of(appeal.region_code)
    theirs = (Staff.role == By.COUNTY) & (Staff.region_code == county) & (Staff.state == "active")
    for staff in db.scalars(select(Staff).where(theirs).order_by(Staff.id)):
        notify_staff(db, staff, kind, facts, key, now, ("appeal", appeal.id))


def forget(db: Session, appeal: Appeal, actor: Actor, now: datetime) -> None:
    """Withdraw an erased owner's unpaid requests, and erase the payees to whom nothing was paid.

    Paid ones stay, and those to whom money may be on its way: the law requires the fund holder to keep its accounts.
    """
    withdraw_all(db, appeal, actor, now, "owner_erased")
    moved = or_(Disbursement.paid_at.is_not(None), Disbursement.state == TRANSFERRING)
    paid = select(Disbursement.payee_id).where(Disbursement.appeal_id == appeal.id, moved)
    for payee in db.scalars(select(Payee).where(Payee.appeal_id == appeal.id, Payee.id.not_in(paid))):
        payee.name = payee.account = None
