"""Choose the region whose officers review a donor's offer: the one that it goes to, as far as that is known."""

from sqlalchemy import ColumnElement, Text, cast, func, select
from sqlalchemy.orm import Session

from models.goods.exchange import GoodsRequest, Offer
from models.places.region import Region, inside
from models.staff.member import Staff, highest_seat

OFFICERS = ("village", "township", "county")
# Of the households that ask for it, so many are compared by how near they are.
_MOST_COMPARED = 60
_CITY, _PROVINCE = 4, 2


def place_of_review(db: Session, offer: Offer) -> str:
    """Return the code of the region.

    It is that of the nearest household that requests the same sort; else the offer's own if it has an officer; else
    that of the nearest county with one.

    A country without officers leaves it where it is, for the first who is appointed there.
    """
    asked = _nearest_request(db, offer)
    if asked:
        return asked
    if highest_seat(db, offer.region_code, OFFICERS):
        return offer.region_code
    return _nearest_county(db, offer) or offer.region_code


def _nearest_request(db: Session, offer: Offer) -> str | None:
    if offer.sort is None:
        return None
    alike = (GoodsRequest.category == offer.category) & (GoodsRequest.sort == offer.sort)
    waiting = select(GoodsRequest.region_code).where(GoodsRequest.state == "open", alike)
    waiting = waiting.where(GoodsRequest.looked_at.is_not(None), GoodsRequest.owner_id != offer.donor_id)
    if offer.handover == "pickup":
        waiting = waiting.where(inside(GoodsRequest.region_code, offer.region_code[:_CITY].ljust(12, "0")))
    codes = db.scalars(waiting.order_by(GoodsRequest.waits_from, GoodsRequest.id).limit(_MOST_COMPARED)).all()
    return max(codes, key=lambda code: _shared(code, offer.region_code), default=None)


def _nearest_county(db: Session, offer: Offer) -> str | None:
    """Return a county with a serving officer: of the same city, else province; of several equally near, by lot."""
    near: list[ColumnElement[bool]] = [
        Staff.region_code.startswith(offer.region_code[:digits]).desc() for digits in (_CITY, _PROVINCE)
    ]
    lot = func.md5(cast(Staff.id, Text) + str(offer.id))
    county = select(Staff.region_code).join(Region, Region.code == Staff.region_code)
    return db.scalar(county.where(Staff.role == "county", Staff.state == "active").order_by(*near, lot).limit(1))


def _shared(one: str, other: str) -> int:
    """Count the digits that both codes begin with."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), len(one))
