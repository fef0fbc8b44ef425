"""Note that a donor sent parcels: which, with which waybill, and that nobody uses a waybill twice."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.codes import ALPHABET
from models.core.refusal import Refusal
from models.goods.matches import holding
from models.goods.matches.answers import moved
from models.goods.matches.carriers import Carriers, normal_waybill
from models.goods.matches.holding import PARCEL_LENGTH
from models.goods.matches.locks import Held, lock_matches
from models.goods.matches.match import Match
from models.goods.points.point import Point

# Parcels of one donor for one point that are told of within this time may lie in one box, with one waybill.
ONE_BOX = timedelta(days=1)
# Names the advisory lock of a waybill beside other advisory locks.
_LOCK = 14


class NoSuchParcel(Refusal):
    """The donor has no parcel with this code. ``given``: what they wrote."""

    code = "no_such_parcel"
    final = True


class TwoPoints(Refusal):
    """These parcels go to different points, so that no one box holds them. ``places``: the points' names."""

    code = "two_points"
    final = True


class WaybillUsed(Refusal):
    """This waybill belongs to another box. ``own``: the code of the donor's own parcel that has it, or None."""

    code = "waybill_used"
    step = "waybill"


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent in one box. ``corrected``: it was told before, and has another waybill now."""

    helds: Sequence[Held]
    place: str
    carrier: str | None
    waybill: str | None
    corrected: bool


def read_parcel(given: str) -> str | None:
    """Return the parcel code that this is when written plainly; None where it does not have the form of one."""
    code = given.strip().upper()
    return code if len(code) == PARCEL_LENGTH and set(code) <= set(ALPHABET) else None


def own_parcels(db: Session, donor_id: int | None, codes: Sequence[str]) -> list[Match]:
    """Return the donor's matches with these codes, in their order. Raises NoSuchParcel."""
    theirs = select(Match).where(Match.donor_id == donor_id, Match.parcel.in_(codes))
    found = {match.parcel: match for match in db.scalars(theirs)}
    missing = next((code for code in codes if code not in found), None)
    if missing or not codes:
        raise NoSuchParcel(given=missing or "")
    return [found[code] for code in dict.fromkeys(codes)]


def send_parcels(
    db: Session, donor_id: int | None, codes: Sequence[str], waybill: str, carriers: Carriers, now: datetime
) -> Sent:
    """Note that the parcels were sent in one box. ``waybill``: as it was written; empty: brought, or without a number.

    Who sends without having said yes says yes by it. What was told before gets the new waybill. Raises NoSuchParcel,
    TwoPoints, BadWaybill, WaybillUsed or MatchMoved.
    """
    matches = own_parcels(db, donor_id, codes)
    number = normal_waybill(waybill) if waybill else None
    points = {match.point_id for match in matches}
    names = list(db.scalars(select(Point.name).where(Point.id.in_(points)).order_by(Point.id)))
    if len(points) > 1:
        raise TwoPoints(places=names)
    helds = lock_matches(db, [match.id for match in matches])
    if number:
        _check_new(db, number, helds, now)
    corrected = all(held.match.state == "in_transit" for held in helds)
    carrier = carriers.carrier_of(number) if number else None
    for held in helds:
        _send(db, held, carrier, number, now)
    return Sent(helds, names[0], carrier, number, corrected)


def _send(db: Session, held: Held, carrier: str | None, waybill: str | None, now: datetime) -> None:
    match = held.match
    if match.state == "recipient_ok":
        holding.agree(db, held, now)
    if match.state == "donor_ok":
        holding.send(db, held, carrier, waybill, now)
    elif match.state == "in_transit" and waybill:
        match.carrier, match.waybill = carrier, waybill
        db.flush()
    else:
        raise moved(held, "donor")


def _check_new(db: Session, waybill: str, helds: Sequence[Held], now: datetime) -> None:
    """Check that the waybill is on no other box: nobody else's, to no other point, and none of another day.

    Two who write one number at once queue for it here. Raises WaybillUsed.
    """
    db.execute(select(func.pg_advisory_xact_lock(_LOCK, zlib.crc32(waybill.encode()) - 2**31)))
    own = {held.match.id for held in helds}
    first = helds[0].match
    for other in db.scalars(select(Match).where(Match.waybill == waybill, Match.id.not_in(own))):
        theirs = other.donor_id == first.donor_id
        same_day = other.sent_at is not None and now - other.sent_at < ONE_BOX
        if not (theirs and other.point_id == first.point_id and same_day):
            raise WaybillUsed(waybill=waybill, own=other.parcel if theirs else None)
