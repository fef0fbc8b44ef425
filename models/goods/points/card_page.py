"""Read what a printed collection card says, while it is good."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches.match import Match
from models.goods.points.collection_card import CollectionCard
from models.goods.points.point import Point
from models.people.user import User
from models.staff.member import Staff


class CollectionCardDead(Refusal):
    """The card was used, printed anew, or another officer's; what it was for may lie there no more."""

    code = "collection_card_dead"


@dataclass(frozen=True, slots=True)
class CardPage:
    """What is printed. ``who``: the masked name; ``owner``: the user whose access log shows that it was opened."""

    match: int
    owner: int
    who: str
    item: str
    quantity: int
    unit: str
    digits: str
    place: str
    address: str
    hours: str
    until: datetime | None


def open_card(db: Session, staff: Staff, number: int) -> CardPage:
    """Return what the card says to the officer who printed it. Raises CollectionCardDead."""
    card = db.get(CollectionCard, number)
    match = db.get(Match, card.match_id) if card else None
    if card is None or match is None or card.printed_by != staff.id or card.void_at is not None:
        raise CollectionCardDead
    point = db.get_one(Point, match.point_id)
    if match.state != "at_point" or match.code is None or not staff.covers(point.region_code):
        raise CollectionCardDead
    offer = db.get_one(Offer, match.offer_id)
    owner = db.get_one(User, db.get_one(GoodsRequest, match.request_id).owner_id)
    return CardPage(
        match=match.id,
        owner=owner.id,
        who=owner.masked_name,
        item=offer.item,
        quantity=match.quantity,
        unit=offer.unit,
        digits=match.code,
        place=point.name,
        address=point.address,
        hours=point.hours,
        until=match.due_at,
    )
