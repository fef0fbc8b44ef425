"""What an organisation sells passes to who speaks for it next, stops while nobody may, and ends with it.

The caller holds the organisation, which is locked before listings, and these before orders.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM
from models.goods.household import hide, open_reviews
from models.market.after_sales.answers import hand_to_township
from models.market.campaigns.campaign import Campaign, CampaignGrower
from models.market.campaigns.growers import withdraw
from models.market.listing import MACHINE, Listing
from models.market.money.sub_merchant import Owner, own_number, withdraw_sub_merchant
from models.market.orders.closing import cancel_unsent
from models.market.orders.leaving import household_suspended
from models.market.orders.order import TO_ANSWER, TO_SEND, UNDER_WAY, Order
from models.market.orders.steps import lock_orders
from models.notifications.notify import drop_unread, notify_user
from models.organisations.desk import check_decidable
from models.organisations.organisation import SUBJECT, Organisation, organisation_of
from models.organisations.representative import in_office
from models.staff.member import Staff
from models.staff.task import Matter, close_task, open_task

SELLER_CHANGED = "seller_changed"
# The county's task while orders of an organisation that is no more are under way, and nobody answers for them.
ORDERS_LEFT = "orders_left"
# Nobody has said yes to it: who may speak for the seller no more may not.
_UNANSWERED = (*TO_ANSWER, "awaiting_payment")
_OVER = ("withdrawn", "rejected")
# Of so many orders the county reads the codes.
MOST_NAMED = 9


class OrdersLeft(Refusal):
    """Orders (``count``, the first ``codes``) of the dissolved organisation ``number`` are not over."""

    code = "orders_left"


def stop(db: Session, household_id: int, now: datetime) -> None:
    """Hide what a suspended organisation lists, and cancel what it has not sent."""
    hide(db, household_id, now, "organisation_suspended")
    household_suspended(db, household_id, now)


def vacate(db: Session, organisation: Organisation, now: datetime) -> None:
    """Hide what an organisation lists for which nobody speaks any more, and cancel what nobody said yes to.

    What was promised is sent by whoever spoke last.
    """
    theirs = organisation.household_id
    hide(db, theirs, now, "term_over")
    cancel_unsent(db, (Order.household_id == theirs) & Order.state.in_(_UNANSWERED), "term_over", now)


def pass_on(db: Session, organisation: Organisation, user_id: int, now: datetime) -> None:
    """Give the organisation's listings and open orders to who speaks for it now, and tell them what waits.

    What they ordered of it themselves is cancelled, or stays with who sent it. Campaigns they join anew, as they say
    themselves how fresh it is and how much.
    """
    theirs = organisation.household_id
    _leave_campaigns(db, theirs, user_id, now)
    listings = _lock_listings(db, theirs, (Listing.seller_id != user_id) & Listing.state.not_in(_OVER))
    for listing in listings:
        _note(db, "listing", listing.id, listing.seller_id, user_id, now)
        listing.seller_id = user_id
    cancel_unsent(db, (Order.household_id == theirs) & (Order.buyer_id == user_id), "own_now", now)
    others = (Order.household_id == theirs) & (Order.seller_id != user_id) & (Order.buyer_id != user_id)
    held = lock_orders(db, others & Order.state.in_(UNDER_WAY))
    for each in held:
        _note(db, "order", each.order.id, each.order.seller_id, user_id, now)
        each.order.seller_id = user_id
        # The one before has it unread, and cannot answer it any more.
        drop_unread(db, ("ordered",), ("order", each.order.id))
    db.flush()
    open_reviews(db, theirs, now)
    if listings or held:
        facts = {"listings": len(listings), "orders": len(held), "what": "taken_over"}
        waiting = sum(each.order.state in TO_SEND for each in held)
        _tell(db, organisation, user_id, {**facts, "waiting": waiting}, now)


def wind_up(db: Session, household_id: int, now: datetime) -> None:
    """End what a dissolved organisation sells. What is under way runs on: who spoke last answers for it.

    Where nobody speaks for it any more, the county sees to that. What buyers complain of is the township's.
    """
    for listing in _lock_listings(db, household_id, Listing.state.not_in(_OVER)):
        if (listing.state, "withdrawn") in MACHINE.moves:
            MACHINE.move(db, listing, "withdrawn", SYSTEM, now, "organisation_dissolved")
            close_task(db, "listing", listing.id, now)
    organisation = organisation_of(db, household_id)
    assert organisation is not None  # noqa: S101 - the caller holds it
    if number := own_number(db, Owner("organisation", organisation.id)):
        withdraw_sub_merchant(db, number, now)
    hand_to_township(db, Order.household_id == household_id, now)
    left = orders_left(db, household_id)
    if not left:
        return
    if person := in_office(db, organisation.id):
        _tell(db, organisation, person.user_id, {"orders": len(left), "what": "left"}, now)
        return
    matter = Matter(SUBJECT, organisation.id, organisation.region_code, household_id)
    open_task(db, matter, ORDERS_LEFT, now)


def orders_left(db: Session, household_id: int) -> Sequence[str]:
    """List the codes of the household's orders that are not over, the oldest first."""
    left = (Order.household_id == household_id) & Order.state.in_(UNDER_WAY)
    return db.scalars(select(Order.code).where(left).order_by(Order.id)).all()


def settle(db: Session, staff: Staff, number: int, now: datetime) -> None:
    """Note that the county has seen the orders of a dissolved organisation to their end.

    Raises OrdersLeft, or as ``check_decidable`` (models.organisations.desk) does.
    """
    organisation = check_decidable(db, staff, number)
    if codes := orders_left(db, organisation.household_id):
        raise OrdersLeft(number=number, codes=list(codes[:MOST_NAMED]), count=len(codes))
    close_task(db, SUBJECT, number, now, staff)


def _leave_campaigns(db: Session, household_id: int, user_id: int, now: datetime) -> None:
    """Take the organisation out of the campaigns that another joined. Campaigns are locked before listings."""
    joined = select(CampaignGrower).join(Listing, Listing.id == CampaignGrower.listing_id)
    joined = joined.where(Listing.household_id == household_id, CampaignGrower.user_id != user_id)
    joined = joined.where(CampaignGrower.state == "standing").execution_options(populate_existing=True)
    numbers = joined.with_only_columns(CampaignGrower.campaign_id)
    held = select(Campaign).where(Campaign.id.in_(numbers)).order_by(Campaign.id).with_for_update()
    db.scalars(held).all()
    for row in db.scalars(joined.order_by(CampaignGrower.id)).all():
        withdraw(db, row, now)
    db.flush()


def _lock_listings(db: Session, household_id: int, which: ColumnElement[bool]) -> Sequence[Listing]:
    theirs = select(Listing).where(Listing.household_id == household_id, which).order_by(Listing.id)
    return db.scalars(theirs.with_for_update().execution_options(populate_existing=True)).all()


def _note(db: Session, subject: str, number: int, before: int, after: int, now: datetime) -> None:
    what = f"user:{before} to user:{after}"
    record(db, at=now, actor="system", action=SELLER_CHANGED, subject=subject, subject_id=number, detail=what)


def _tell(db: Session, organisation: Organisation, user_id: int, facts: dict[str, Any], now: datetime) -> None:
    key = f"organisation_sales:{organisation.id}:{facts['what']}:{now.timestamp()}"
    facts = {"name": organisation.name, **facts}
    notify_user(db, user_id, "organisation_sales", facts, key, now, (SUBJECT, organisation.id))
