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
    # Whoever ended it knows already (``ended_by``), unless the clock did.
    **dict.fromkeys(("declined", "lapsed", "cancelled", "lost", "uncollected"), ("goods_ended", "goods_freed", None)),
}


def tell(db: Session, match: Match, offer: Offer, request: GoodsRequest, now: datetime) -> None:
    """Owe the notifications of the state that the match is in now, in the caller's transaction."""
    household, donor, keeper = TOLD[match.state]
    point = db.get_one(Point, match.point_id)
    facts = _facts(match, offer, request, point)
    key = f"match:{match.id}:{match.state}:{now.timestamp()}"
    if household:
        own = {**facts, "number": request.id, "item": request.item, "offered": offer.item, "code": match.code}
        notify_user(db, request.owner_id, household, own, f"{household}:{key}", now, ("match", match.id))
    if donor:
        theirs = {**facts, "number": offer.id, "item": offer.item}
        notify_user(db, offer.donor_id, donor, theirs, f"{donor}:{key}", now, ("match", match.id))
    if keeper:
        theirs = {**facts, "number": match.id, "item": offer.item}
        notify_staff(
            db, db.get_one(Staff, point.keeper_id), keeper, theirs, f"{keeper}:{key}", now, ("match", match.id)
        )


def _facts(match: Match, offer: Offer, request: GoodsRequest, point: Point) -> dict[str, Any]:
    """State what every notification of a match may name; nothing here says who the household is."""
    return {
        "match": match.id,
        "quantity": match.quantity,
        "unit": offer.unit,
        "place": point.name,
        "hours": point.hours,
        "parcel": match.parcel,
        "waybill": match.waybill,
        "state": match.state,
        "by": match.ended_by,
        "until": day_in_china(match.due_at) if match.due_at else None,
        "request": request.id,
        "offer": offer.id,
    }
