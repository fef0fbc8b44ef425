"""Tell whether a listing's public page is open, and read what it shows: the same for everybody, and nobody's name.

A seller listed it to be seen, so the page needs no agreement of its own: it is open while the listing is public.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.goods.exchange import NoSuchThing
from models.market.listing import LISTING, Listing
from models.market.lots.lot import TO_PICK
from models.market.orders.order import LASTS
from models.market.orders.placing import takes_payment
from models.market.seller import SELLER, seller_of
from models.organisations.organisation import organisation_of
from models.people.user import User
from models.public.album import LISTINGS
from models.public.appeal_page import Standing
from models.public.catalogue import MARKET
from models.public.photos import ShownPhoto, copied_photos
from models.public.views import PublicListing


@dataclass(frozen=True, slots=True)
class ListingPage:
    """A listing's page.

    ``picked``: the window in which it is picked, of what is not yet; else None.
    ``seen_at``: when an officer of the place saw that the household grows or makes it; ``endorsed_at``: when the county
    read its price. ``online``: it is paid by WeChat Pay, to the seller's own account. ``days``: within how many it is
    sent. ``photos``: those that an officer approved. ``credit_code``: of the organisation that sells it; None of a
    household, which needs no licence (E-commerce Law, article 10).
    """

    item: PublicListing
    picked: tuple[date, date] | None
    seen_at: datetime | None
    endorsed_at: datetime | None
    online: bool
    days: int
    photos: Sequence[ShownPhoto]
    credit_code: str | None


def is_open(db: Session, number: int) -> bool:
    """Tell whether everybody may read the listing's page now."""
    return standing(db, number) is Standing.OPEN


def standing(db: Session, number: int) -> Standing:
    """Tell how the page's address answers: open, closed though it was on sale once, or there never was one."""
    found = select(is_shown()).select_from(Listing).join(User, User.id == Listing.seller_id)
    shown = db.scalar(found.where(Listing.id == number))
    if shown:
        return Standing.OPEN
    sold = (AuditEvent.subject == LISTING.name) & (AuditEvent.subject_id == number)
    was = select(AuditEvent.id).where(sold, AuditEvent.to_state == "on_sale").limit(1)
    return Standing.CLOSED if db.scalar(was) else Standing.NEVER


def is_shown() -> ColumnElement[bool]:
    """Build the condition on ``Listing`` and ``User``, its seller, that its page is open."""
    return MARKET.shown & (User.state == "active")


def open_pages(_now: datetime) -> Select[int]:
    """Select the numbers of the listings whose pages are open and that can be ordered."""
    mine = select(Listing.id).join(User, User.id == Listing.seller_id)
    return mine.where(is_shown(), Listing.state == "on_sale")


def read_listing_page(db: Session, number: int, now: datetime) -> ListingPage:
    """Read the page of a listing; the caller has asked whether it may be shown. Raises NoSuchThing."""
    listing, found = db.get(Listing, number), MARKET.find(db, number, None)
    if listing is None or found is None:
        raise NoSuchThing(what=LISTING.name, number=number)
    first, last = found.first_day, found.last_day
    waits = found.lot in (*TO_PICK, "counted")
    seen_at, endorsed_at = _looks(db, listing.household_id)
    organisation = organisation_of(db, listing.household_id)
    return ListingPage(
        item=found,
        picked=(first, last) if waits and first and last else None,
        seen_at=seen_at,
        endorsed_at=endorsed_at,
        online=takes_payment(db, listing, now),
        days=LASTS["accepted"].days,
        photos=copied_photos(db, number, LISTINGS),
        credit_code=organisation.credit_code if organisation else None,
    )


def _looks(db: Session, household_id: int) -> tuple[datetime | None, datetime | None]:
    """Return when the village last saw what the household grows, and when the county last endorsed it."""
    seller = seller_of(db, household_id)
    if seller is None:
        return None, None
    its_own = (AuditEvent.subject == SELLER.name) & (AuditEvent.subject_id == seller.id)
    latest = select(AuditEvent.to_state, func.max(AuditEvent.at)).where(
        its_own, AuditEvent.to_state.in_(("seen", "endorsed"))
    )
    at = {row[0]: row[1] for row in db.execute(latest.group_by(AuditEvent.to_state))}
    return at.get("seen"), at.get("endorsed")
