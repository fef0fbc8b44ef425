"""Read where a person's matches stand: what the household may see of its own, and what the donor may."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from models.core.paging import Page, page_of
from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches.answers import Side, side_of
from models.goods.matches.locks import Held
from models.goods.matches.match import LIVE, Match
from models.goods.points.point import Point
from models.places.region import Region

PAGE = 5


@dataclass(frozen=True, slots=True)
class MatchLine:
    """One match as its household or its donor sees it. ``thing``: the number of their request or offer; ``item``: its
    name; ``offered``: what the offer calls it.

    ``code``: the six digits, to the household alone, while it lies at the point; None to the donor. ``county``: where
    it goes, and ``came_from`` where the donor is: both in general.
    """

    number: int
    side: Side
    thing: int
    item: str
    offered: str
    quantity: int
    least: int
    unit: str
    state: str
    by: str | None
    unwanted: bool
    until: datetime | None
    place: str
    hours: str
    county: str
    came_from: str
    handover: str
    parcel: str | None
    carrier: str | None
    waybill: str | None
    code: str | None

    @property
    def parts(self) -> bool:
        """Tell whether a part of it may be taken."""
        return self.least < self.quantity


def find_line(db: Session, user_id: int | None, number: int) -> MatchLine:
    """Return the person's match. Raises NoSuchThing, also where it is another person's."""
    side = side_of(db, user_id, number)
    return _lines(db, _select().where(Match.id == number), side)[0]


def own_lines(
    db: Session,
    user_id: int,
    side: Side,
    *,
    thing: int | None = None,
    states: Sequence[str] = LIVE,
    after: int | None = None,
    most: int = PAGE,
) -> Page[MatchLine]:
    """List a page of the person's matches in these states, the newest first. ``thing``: of this request or offer."""
    wanted = _select().where(Match.state.in_(states))
    if side == "household":
        wanted = wanted.where(GoodsRequest.owner_id == user_id)
        wanted = wanted.where(Match.request_id == thing) if thing else wanted
    else:
        wanted = wanted.where(Match.donor_id == user_id)
        wanted = wanted.where(Match.offer_id == thing) if thing else wanted
    wanted = wanted.where(Match.id < after) if after else wanted
    found = _lines(db, wanted.order_by(Match.id.desc()).limit(most + 1), side)
    return page_of(found, most, lambda line: line.number)


def waiting_of(db: Session, user_id: int, offer_id: int | None = None) -> list[int]:
    """List the donor's matches that wait for their yes."""
    theirs = select(Match.id).where(Match.donor_id == user_id, Match.state == "recipient_ok").order_by(Match.id)
    return list(db.scalars(theirs.where(Match.offer_id == offer_id) if offer_id else theirs))


class WaitingOffer(NamedTuple):
    """An offer of which so many ``households`` wait for its donor's yes."""

    offer: int
    item: str
    households: int


def waiting_offers(db: Session, donor_id: int) -> list[WaitingOffer]:
    """List the donor's offers of which matches wait for their yes, the one that waits longest first."""
    theirs = select(Offer.id, Offer.item, func.count(Match.id)).join(Match, Match.offer_id == Offer.id)
    waiting = theirs.where(Match.donor_id == donor_id, Match.state == "recipient_ok")
    found = waiting.group_by(Offer.id).order_by(func.min(Match.accepted_at), Offer.id)
    return [WaitingOffer(*row) for row in db.execute(found).all()]


def count_under_way(db: Session, donor_id: int) -> tuple[int, int]:
    """Count the donor's parcels that wait to be sent, and those that are on their way or at a point."""
    states = ("donor_ok", "in_transit", "at_point")
    theirs = select(Match.state, func.count(Match.id)).where(Match.donor_id == donor_id, Match.state.in_(states))
    found: dict[str, int] = dict(db.execute(theirs.group_by(Match.state)).all())
    to_send = found.pop("donor_ok", 0)
    return to_send, sum(found.values())


def proposals_of(db: Session, user_id: int) -> list[int]:
    """List the matches that wait for this household's answer."""
    theirs = select(Match.id).join(GoodsRequest, GoodsRequest.id == Match.request_id)
    return list(
        db.scalars(theirs.where(GoodsRequest.owner_id == user_id, Match.state == "proposed").order_by(Match.id))
    )


_THERE, _FROM = aliased(Region), aliased(Region)


def _select() -> Select[*tuple[Any, ...]]:
    county = func.rpad(func.substr(Point.region_code, 1, 6), 12, "0")
    return (
        select(Match, Offer, GoodsRequest, Point, _THERE.full_name.label("county"), _FROM.full_name.label("came_from"))
        .join(Offer, Offer.id == Match.offer_id)
        .join(GoodsRequest, GoodsRequest.id == Match.request_id)
        .join(Point, Point.id == Match.point_id)
        .outerjoin(_THERE, _THERE.code == county)
        .outerjoin(_FROM, _FROM.code == Offer.region_code)
    )


def _lines(db: Session, statement: Select[*tuple[Any, ...]], side: Side) -> list[MatchLine]:
    return [_line(side, *row) for row in db.execute(statement).all()]


def _line(
    side: Side,
    match: Match,
    offer: Offer,
    request: GoodsRequest,
    point: Point,
    county: str | None,
    came_from: str | None,
) -> MatchLine:
    own = side == "household"
    thing = request if own else offer
    return MatchLine(
        number=match.id,
        side=side,
        thing=thing.id,
        item=thing.item,
        offered=offer.item,
        quantity=match.quantity,
        least=Held(match, offer, request).least,
        unit=offer.unit,
        state=match.state,
        by=match.ended_by,
        unwanted=match.unwanted_at is not None,
        until=match.due_at,
        place=point.name,
        hours=point.hours,
        county=county or "",
        came_from=came_from or "",
        handover=offer.handover,
        parcel=None if own else match.parcel,
        carrier=match.carrier,
        waybill=None if own else match.waybill,
        code=match.code if own and match.state == "at_point" else None,
    )
