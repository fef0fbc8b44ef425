"""Say of which things the public sees photos, and where: of appeals with their updates, and of listings.

An officer decides on each photo (models.public.photo_review), and what is approved is shown on the thing's page while
that is open.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, Appeal, get_appeal, lock_appeal
from models.appeals.revision import Revision
from models.core.audit_trail import AuditEvent
from models.goods.exchange import NoSuchThing
from models.goods.review import OWN
from models.market.listing import LISTING, Listing, matter_of
from models.outreach.update import Update
from models.people.photo import Photo
from models.people.user import User
from models.proxy.mandate import ACTED, acted_for
from models.public.appeal_page import can_have_page
from models.public.appeal_page import is_open as page_is_open
from models.staff.decision import Decision
from models.staff.member import seats_of_users, spread_to_all_seats
from models.staff.task import Matter

# States of an appeal in which the public sees its photos.
SHOWN_IN = (*LIVE, "completed")
ON_SALE = ("on_sale", "sold_out")
# From these a listing may come back.
_OVER = ("withdrawn", "rejected")


@dataclass(frozen=True, slots=True)
class Album:
    """A kind of thing with photos for the public. ``path``: what the addresses of its pages begin with.

    ``waits`` and ``shown``: the kinds of notification to the officer who is asked, and to the owner. ``photos``: those
    of one thing. ``get`` and ``lock`` raise where there is none. ``is_public``: officers decide on its photos;
    ``is_open``: everybody may read its page; ``may_return``: that may ever be so again. ``tied``: the seats that decide
    on none of it, beside those of the household and kin, each with the reason. ``seen_by``: the officer who looked at
    it already. ``changes``: the audit events by which it has other photos than before, its own and other things'.
    """

    name: str
    path: str
    waits: str
    shown: str
    photos: Callable[[int], ColumnElement[bool]]
    get: Callable[[Session, int], Any]
    lock: Callable[[Session, int], Any]
    matter: Callable[[Session, Any], Matter]
    is_public: Callable[[Any], bool]
    is_open: Callable[[Session, Any, datetime], bool]
    may_return: Callable[[Session, Any, datetime], bool]
    tied: Callable[[Session, Any], Mapping[int, str]]
    seen_by: Callable[[Session, Any], int]
    changes: Callable[[int], tuple[ColumnElement[bool], ColumnElement[bool] | None]]


def of_appeal(number: int) -> ColumnElement[bool]:
    """Build the condition that a photo is the appeal's own or of one of its published updates."""
    updates = select(Update.id).where(Update.appeal_id == number, Update.state == "published")
    own = (Photo.subject == "appeal") & (Photo.subject_id == number)
    return or_(own, (Photo.subject == "update") & Photo.subject_id.in_(updates))


def is_public(appeal: Appeal) -> bool:
    """Tell whether the appeal is public, so that officers decide on its photos."""
    return appeal.published_at is not None and appeal.hidden_at is None and appeal.state in SHOWN_IN


def _appeal_may_return(db: Session, appeal: Appeal, now: datetime) -> bool:
    if appeal.hidden_at is not None:
        return False
    return appeal.state in (*LIVE, "frozen") or can_have_page(db, appeal, now)


def _by_mandate(db: Session, appeal: Appeal) -> Mapping[int, str]:
    """Map the seats of who wrote the appeal by mandate, and so took its photos, to that reason."""
    acted = acted_for(db, "appeal", appeal.id, appeal.household_id)
    return dict.fromkeys(spread_to_all_seats(db, acted), ACTED)


def _appeal_changes(number: int) -> tuple[ColumnElement[bool], ColumnElement[bool] | None]:
    updates = select(Update.id).where(Update.appeal_id == number)
    revisions = select(Revision.id).where(Revision.appeal_id == number)
    event = AuditEvent
    # A published update's photos are those that it was submitted with.
    moved = (event.action == "moved") & (event.to_state != "published")
    told = (event.subject == "update") & event.subject_id.in_(updates)
    told &= or_(event.action.in_(("told", "thanked")), moved)
    revised = (event.subject == "revision") & event.subject_id.in_(revisions) & (event.action == "moved")
    # Handed in anew, it has other photos.
    own = or_(event.action == "revised", (event.action == "moved") & (event.to_state == "submitted"))
    return own, or_(told, revised)


APPEALS = Album(
    name="appeal",
    path="a",
    waits="photos_wait",
    shown="photos_public",
    photos=of_appeal,
    get=get_appeal,
    lock=lock_appeal,
    matter=lambda _db, appeal: appeal.matter,
    is_public=is_public,
    is_open=lambda db, appeal, now: page_is_open(db, appeal.id, now),
    may_return=_appeal_may_return,
    tied=_by_mandate,
    seen_by=lambda _db, appeal: appeal.endorsed_by or 0,
    changes=_appeal_changes,
)


def _get_listing(db: Session, number: int, *, lock: bool = False) -> Listing:
    listing = db.get(Listing, number, with_for_update=lock, populate_existing=lock)
    if listing is None:
        raise NoSuchThing(what=LISTING.name, number=number)
    return listing


def _is_on_sale(listing: Listing) -> bool:
    return listing.state in ON_SALE and listing.looked_at is not None


def _approved_by(db: Session, listing: Listing) -> int:
    """Return the officer who first passed it in this round: they have opened its photos."""
    passed = (Decision.subject == LISTING.name) & (Decision.subject_id == listing.id) & (Decision.verdict == "pass")
    found = select(Decision.staff_id).where(passed, Decision.round == listing.round)
    return db.scalar(found.order_by(Decision.id).limit(1)) or 0


LISTINGS = Album(
    name=LISTING.name,
    path="l",
    waits="listing_photos_wait",
    shown="listing_photos_public",
    photos=lambda number: (Photo.subject == LISTING.name) & (Photo.subject_id == number),
    get=_get_listing,
    lock=lambda db, number: _get_listing(db, number, lock=True),
    matter=matter_of,
    is_public=_is_on_sale,
    is_open=lambda db, listing, _now: db.get_one(User, listing.seller_id).state == "active",
    may_return=lambda _db, listing, _now: listing.state not in _OVER,
    tied=lambda db, listing: dict.fromkeys(seats_of_users(db, [listing.seller_id]), OWN),
    seen_by=_approved_by,
    changes=lambda _number: ((AuditEvent.action == "moved") & (AuditEvent.to_state == "submitted"), None),
)
ALBUMS: Mapping[str, Album] = {album.name: album for album in (APPEALS, LISTINGS)}
