"""Suspend sellers and let endorsements run out: what they list is hidden until officers have looked again."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM
from models.goods.review import notify_owner, open_review, submit
from models.market.listing import LISTING, REVIEW, Listing, matter_of
from models.market.orders.leaving import household_suspended
from models.market.seller import MACHINE, SELLER, Seller, seller_of
from models.staff.decision import decide
from models.staff.member import Staff
from models.staff.task import Matter, close_task, find_task
from models.staff.turn import demand_no_conflict, demand_region

_BATCH = 20
# Why its owner's listing is hidden, as the notification says it.
SUSPENDED, EXPIRED = "seller_suspended", "seller_expired"


class NoSuchSeller(Refusal):
    """The household of the listing ``number`` is no seller: it was withdrawn before."""

    code = "no_such_thing"


def check_may_judge(db: Session, staff: Staff, number: int, to: str) -> tuple[Listing, Seller]:
    """Lock the household's listings and its seller for an officer who may move it to this state.

    Raises NoSuchSeller, OutsideRegion, NotIdentified, HasConflict, WrongState or NotYours.
    """
    listing = db.get(Listing, number)
    if listing is None:
        raise NoSuchSeller(what=LISTING.name, number=number)
    matter = matter_of(db, listing)
    demand_region(db, staff, matter)
    demand_no_conflict(db, staff, matter)
    _lock_listings(db, listing.household_id)
    seller = seller_of(db, listing.household_id, lock=True)
    if seller is None:
        raise NoSuchSeller(what=LISTING.name, number=number)
    MACHINE.check(seller.state, to, staff.actor)
    return listing, seller


def suspend(db: Session, staff: Staff, number: int, reasons: list[str], now: datetime) -> Listing:
    """Suspend the seller of a listing, hide all that it lists, and cancel what it has not sent.

    Raises as ``check_may_judge`` does.
    """
    listing, seller = check_may_judge(db, staff, number, "suspended")
    decide(db, _matter(seller), 1, staff, "freeze", now, reasons)
    MACHINE.move(db, seller, "suspended", staff.actor, now)
    db.flush()
    _hide(db, seller, now, SUSPENDED)
    household_suspended(db, seller.household_id, now)
    return listing


def resume(db: Session, staff: Staff, number: int, now: datetime) -> Listing:
    """Let a suspended seller sell again: officers review what it lists. Raises as ``check_may_judge`` does."""
    listing, seller = check_may_judge(db, staff, number, "applied")
    decide(db, _matter(seller), 1, staff, "resume", now)
    MACHINE.move(db, seller, "applied", staff.actor, now)
    db.flush()
    for waiting in _lock_listings(db, seller.household_id):
        if waiting.state == "submitted" and find_task(db, LISTING.name, waiting.id) is None:
            open_review(db, REVIEW, waiting, now)
    return listing


def expire_sellers(db: Session, now: datetime) -> int:
    """Let endorsements of a year ago run out, and have officers look again at what is listed. Returns how many.

    Takes one batch. Skips what another transaction has locked.
    """
    due = select(Seller.id, Seller.household_id).where(Seller.state == "endorsed", Seller.ends_at <= now)
    count = 0
    for number, household in db.execute(due.order_by(Seller.ends_at).limit(_BATCH)).all():
        _lock_listings(db, household)
        seller = db.get(Seller, number, with_for_update={"skip_locked": True}, populate_existing=True)
        if seller is None or seller.state != "endorsed" or seller.ends_at is None or seller.ends_at > now:
            continue
        MACHINE.move(db, seller, "expired", SYSTEM, now)
        db.flush()
        _hide(db, seller, now, EXPIRED)
        count += 1
    return count


def _matter(seller: Seller) -> Matter:
    return Matter(SELLER.name, seller.id, seller.region_code, seller.household_id)


def _hide(db: Session, seller: Seller, now: datetime, why: str) -> None:
    """Submit for review all that the seller lists. Without a task while it is suspended (``Reviewed.waits``)."""
    for listing in _lock_listings(db, seller.household_id):
        if listing.state == "submitted":
            close_task(db, LISTING.name, listing.id, now)
            open_review(db, REVIEW, listing, now)
        else:
            submit(db, REVIEW, listing, SYSTEM, now, why)
            notify_owner(db, REVIEW, listing, now, (why,))


def _lock_listings(db: Session, household_id: int) -> list[Listing]:
    """Lock what the household lists, from the lowest number up: listings are locked before sellers."""
    states = ("submitted", *REVIEW.public_states)
    theirs = select(Listing).where(Listing.household_id == household_id, Listing.state.in_(states))
    return list(db.scalars(theirs.order_by(Listing.id).with_for_update().execution_options(populate_existing=True)))
