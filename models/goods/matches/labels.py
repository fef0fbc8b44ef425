"""Read what stands on the labels of a donor's parcels: where they go and their codes, and nothing of a household."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.goods.exchange import Offer
from models.goods.matches.match import Match
from models.goods.points.point import Point
from models.places.region import Region

# While these last, the donor may see the point's address and its keeper's work phone.
SHOWN = ("donor_ok", "in_transit")


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel: its code, and what is in it."""

    code: str
    item: str
    quantity: int
    unit: str
    until: datetime | None
    sent: bool


@dataclass(frozen=True, slots=True)
class PointLabels:
    """A point's address with the parcels that go there, which may lie in one box. ``phone``: its keeper's, for work."""

    name: str
    region: str
    address: str
    hours: str
    phone: str | None
    parcels: Sequence[Parcel]


def donor_of(db: Session, what: str) -> int | None:
    """Return the user for whom a link to labels was made: ``offer:5`` or ``user:7``; None where there is none."""
    kind, _, number = what.partition(":")
    if kind == "offer":
        return db.scalar(select(Offer.donor_id).where(Offer.id == int(number)))
    return int(number)


def labels_for(db: Session, donor_id: int, offer_id: int | None = None) -> list[PointLabels]:
    """List the labels of what the donor promised to send, of one offer or of all, by point."""
    theirs = (
        select(Match, Offer, Point, Region.full_name)
        .join(Offer, Offer.id == Match.offer_id)
        .join(Point, Point.id == Match.point_id)
        .join(Region, Region.code == Point.region_code)
        .where(Match.donor_id == donor_id, Match.state.in_(SHOWN))
        .order_by(Match.point_id, Match.id)
    )
    theirs = theirs.where(Match.offer_id == offer_id) if offer_id else theirs
    found: dict[int, tuple[Point, str, list[Parcel]]] = {}
    for match, offer, point, region in db.execute(theirs).all():
        parcels = found.setdefault(point.id, (point, region, []))[2]
        sent = match.state == "in_transit"
        parcels.append(Parcel(match.parcel, offer.item, match.quantity, offer.unit, match.due_at, sent))
    return [
        PointLabels(point.name, region, point.address, point.hours, point.phone, parcels)
        for point, region, parcels in found.values()
    ]
