"""Tell the household, the donor and the keeper of a match where it stands and what they can do next."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.core.calendar import day_in_china
from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches.match import Match
from models.goods.points.point import Point
from models.notifications.notify import notify_user
from models.places.region import Region, county_of
from models.staff.member import Staff, notify_staff

# State of a match -> the kind of notification for its household, for its donor, and for the point's keeper.
TOLD: Mapping[str, tuple[str | None, str | None, str | None]] = {
    "proposed": ("goods_proposed", None, None),
    "recipient_ok": (None, "goods_wanted", None),
    "donor_ok": ("goods_coming", None, "parcel_coming"),
    "in_transit": ("goods_shipped", None, None),
    "at_point": ("collection_code", "goods_arrived", None),
    "collected": ("goods_handed", "goods_received", None),
    "issue": (None, None, None),
    "confirmed": (None, None, None),
    **dict.fromkeys(("declined", "lapsed", "cancelled", "lost", "uncollected"), ("goods_ended", "goods_freed", None)),
}
# A person ended it by a word of their own, and has the answer to that already.
_BY_WORD = ("declined", "cancelled")


def tell(db: Session, match: Match, offer: Offer, request: GoodsRequest, now: datetime) -> None:
    """Owe the notifications of the state that the match is in now, in the caller's transaction."""
    household, donor, keeper = _concerned(match)
    point = db.get_one(Point, match.point_id)
    facts = _facts(db, match, offer, request, point)
    key = f"match:{match.id}:{match.state}:{now.timestamp()}"
    if household:
        own = {**facts, "number": request.id, "item": request.item, "offered": offer.item, "code": match.code}
        own["came_from"] = db.get_one(Region, offer.region_code).full_name
        notify_user(db, request.owner_id, household, own, f"{household}:{key}", now, ("match", match.id))
    if donor:
        theirs = {**facts, "number": offer.id, "item": offer.item, "reference": f"match:{match.id}"}
        notify_user(db, offer.donor_id, donor, theirs, f"{donor}:{key}", now, ("offer", offer.id))
    if keeper:
        theirs = {**facts, "number": match.id, "item": offer.item}
        holder = db.get_one(Staff, point.keeper_id)
        notify_staff(db, holder, keeper, theirs, f"{keeper}:{key}", now, ("point", point.id))


def _concerned(match: Match) -> tuple[str | None, str | None, str | None]:
    """Return the kinds for those who do not know yet, and whom it concerns."""
    household, donor, keeper = TOLD[match.state]
    by = match.ended_by if match.state in _BY_WORD else None
    if by == "household":
        household = None
    # What was never asked of its donor, or lay at the point before, needs nothing of them.
    untouched = match.accepted_at is None or match.shelf_id is not None
    if by == "donor" or (untouched and donor != "goods_received"):
        donor = None
    return household, donor, keeper


def _facts(db: Session, match: Match, offer: Offer, request: GoodsRequest, point: Point) -> dict[str, Any]:
    """State what every notification of a match may name; nothing here says who the household is."""
    county = db.get(Region, county_of(point.region_code))
    return {
        "match": match.id,
        "count": 1,
        "quantity": match.quantity,
        "unit": offer.unit,
        "place": point.name,
        "county": county.full_name if county else "",
        "hours": point.hours,
        "handover": offer.handover,
        "parcel": match.parcel,
        "waybill": match.waybill,
        "state": match.state,
        "by": match.ended_by,
        "until": day_in_china(match.due_at) if match.due_at else None,
        "request": request.id,
        "offer": offer.id,
    }
