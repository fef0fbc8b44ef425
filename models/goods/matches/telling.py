"""Tell the household, the donor and the keeper of a match where it stands and what they can do next."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.calendar import day_in_china
from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches.match import Match
from models.goods.points.point import Point, Shelf
from models.goods.rounds.round import Candidate
from models.notifications.notify import drop_unread, notify_user
from models.places.region import Region, county_of
from models.staff.member import Staff, notify_staff, seats_covering, serving

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
# A kind about one match -> the state in which it asks for something.
_ANSWERED_IN: Mapping[str, str] = {"goods_proposed": "proposed", "goods_wait": "at_point", "goods_unsent": "donor_ok"}
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
        own |= _standing(db, match)
        notify_user(db, request.owner_id, household, own, f"{household}:{key}", now, ("match", match.id))
    if donor:
        theirs = {**facts, "number": offer.id, "item": offer.item, "reference": f"match:{match.id}"}
        notify_user(db, offer.donor_id, donor, theirs, f"{donor}:{key}", now, ("offer", offer.id))
    if keeper:
        theirs = {**facts, "number": match.id, "item": offer.item}
        holder = db.get_one(Staff, point.keeper_id)
        notify_staff(db, holder, keeper, theirs, f"{keeper}:{key}", now, ("point", point.id))


def drop_overtaken(db: Session, match: Match) -> None:
    """Delete what waits unread and can be answered no more: a proposal, a reminder, or the question to the donor.

    The donor's question is about all who want something of the offer: it stays while one of them waits.
    """
    overtaken = [kind for kind, state in _ANSWERED_IN.items() if state != match.state]
    drop_unread(db, overtaken, ("match", match.id))
    waiting = select(Match.id).where(Match.offer_id == match.offer_id, Match.state == "recipient_ok").limit(1)
    if db.scalar(waiting) is None:
        drop_unread(db, ("goods_wanted",), ("offer", match.offer_id))


def _standing(db: Session, match: Match) -> dict[str, int | None]:
    """State where its round put the household, and how many days it had waited: why it is its turn."""
    its_own = (Candidate.round_id == match.round_id) & (Candidate.request_id == match.request_id)
    found = db.execute(select(Candidate.place, Candidate.waited).where(its_own)).first()
    place, waited = found or (None, None)
    return {"rank": place, "waited": waited}


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


# The state in which it is halfway over -> the reminder, for the household or for the donor.
_REMINDERS: Mapping[str, str] = {"at_point": "goods_wait", "donor_ok": "goods_unsent"}


def tell_reminder(db: Session, match: Match, offer: Offer, request: GoodsRequest, now: datetime) -> None:
    """Remind the household of what waits for it at the point, or the donor of what they said they would send."""
    kind, point = _REMINDERS[match.state], db.get_one(Point, match.point_id)
    to, number, item = (
        (request.owner_id, request.id, request.item)
        if match.state == "at_point"
        else (offer.donor_id, offer.id, offer.item)
    )
    facts = {**_facts(db, match, offer, request, point), "number": number, "item": item}
    notify_user(db, to, kind, facts, f"{kind}:{match.id}", now, ("match", match.id))


def tell_written_off(db: Session, offer: Offer, shelf: Shelf, quantity: int, now: datetime) -> None:
    """Tell the donor, the keeper and the county's officers that what lay at a point is lost."""
    point = db.get_one(Point, shelf.point_id)
    facts = {"number": offer.id, "item": offer.item, "quantity": quantity, "unit": offer.unit, "place": point.name}
    key, about = f"goods_written_off:{shelf.id}:{now.timestamp()}", ("offer", offer.id)
    notify_user(db, offer.donor_id, "goods_written_off", facts, key, now, about)
    county = select(Staff).where(Staff.role == "county", serving(now), seats_covering(point.region_code, "county"))
    for member in (db.get_one(Staff, point.keeper_id), *db.scalars(county.order_by(Staff.id)).all()):
        notify_staff(db, member, "shelf_written_off", facts, f"shelf:{key}", now, about)


def tell_moved(db: Session, match: Match, offer: Offer, request: GoodsRequest, now: datetime) -> None:
    """Owe the household, and a donor who has not sent it yet, where it will be or is to be sent instead."""
    facts = _facts(db, match, offer, request, db.get_one(Point, match.point_id))
    key = f"match:{match.id}:moved:{match.point_id}:{now.timestamp()}"
    own = {**facts, "number": request.id, "item": request.item, "offered": offer.item, "code": match.code}
    notify_user(db, request.owner_id, "goods_point_moved", own, f"point_moved:{key}", now, ("match", match.id))
    if match.state == "donor_ok":
        theirs = {**facts, "number": offer.id, "item": offer.item}
        notify_user(db, offer.donor_id, "parcel_point_moved", theirs, f"parcel_moved:{key}", now, ("match", match.id))


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
