"""Tell donors who gave everything that they offered of a sort that a household asks for the like again.

Request and offer match if category and sort are the same (flows.language.sorts says why). While some of the sort is
still given away, a round shares it out and no donor is asked for more. An offer to be fetched is thought of within its
city only. No one is notified of a request of their own or of their household.

At most ``MOST_NOTIFIED`` people are notified of one request, so that a turn stays short. They take turns: of those who
have waited longest since they gave or were last notified, the nearest are notified.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session

from models.goods.exchange import GoodsRequest, Offer
from models.notifications.kinds import KINDS
from models.notifications.mute import Mute
from models.notifications.notify import NewNotification, notify_each
from models.people.conversation import Conversation
from models.people.user import User
from models.places.region import Region, inside, parents

MOST_NOTIFIED = 20
# So many of the offers that are all gone are read to find them: some of their donors cannot be notified.
MOST_READ = 60
# Whose last such gift was longer ago is not asked again.
REMEMBERED = timedelta(days=365)
_CITY = 4

Gone = Sequence[Offer]


def notify_donors(db: Session, request: GoodsRequest, now: datetime) -> None:
    """Notify donors whose offers of this sort are all gone. Call it when the request becomes public."""
    if request.sort is None or request.state != "open" or _is_given(db, request):
        return
    place = db.get_one(Region, request.region_code).full_name
    facts = {"request": request.id, "wanted": request.item, "place": place, "count": 1}
    new = [
        NewNotification(
            person,
            offer.id,
            {"number": offer.id, "item": offer.item, **facts},
            f"need_found:{offer.id}:{request.id}:{person}",
        )
        for offer, people in _whose_turn(db, _gone(db, request, now), request.region_code, now)
        for person in people
    ]
    notify_each(db, "need_found", "offer", new, now)


def _alike(request: GoodsRequest) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Build two conditions on Offer: of the request's sort and posted, or to be fetched in the request's city.

    Two, as the index has the handover before the order.
    """
    city = inside(Offer.region_code, request.region_code[:_CITY].ljust(12, "0"))
    same = (Offer.category == request.category) & (Offer.sort == request.sort)
    return same & (Offer.handover == "post"), same & (Offer.handover == "pickup") & city


def _is_given(db: Session, request: GoodsRequest) -> bool:
    """Tell whether some of the sort is given away now: then the request may have its turn in a round."""
    return any(db.scalar(select(exists().where(Offer.state == "available", which))) for which in _alike(request))


def _gone(db: Session, request: GoodsRequest, now: datetime) -> Gone:
    """Lock and return the offers whose turn was longest ago; skip what another transaction has locked."""
    theirs = (
        select(Offer)
        .join(User, User.id == Offer.donor_id)
        .where(Offer.state == "exhausted", Offer.looked_at > now - REMEMBERED, Offer.donor_id != request.owner_id)
        .where(or_(User.household_id.is_(None), User.household_id != request.household_id))
        .order_by(Offer.turn_at, Offer.id)
        .limit(MOST_READ)
        .with_for_update(skip_locked=True, of=Offer)
    )
    found = [offer for which in _alike(request) for offer in db.scalars(theirs.where(which))]
    return sorted(found, key=lambda offer: (offer.turn_at, offer.id))


def _whose_turn(db: Session, gone: Gone, region_code: str, now: datetime) -> list[tuple[Offer, list[int]]]:
    """Choose the offers whose donors are notified of a request in this region, each with the donor's conversation ids.

    These go to the end of the queue, and so do offers whose donor cannot be notified or is notified for another one.
    """
    people = _people(db, {offer.donor_id for offer in gone})
    nearest = sorted(gone, key=lambda offer: -_levels_shared(offer.region_code, region_code))
    chosen: dict[int, Offer] = {}
    over = set()
    for offer in nearest:
        if offer.donor_id in chosen or offer.donor_id not in people:
            over.add(offer)
        elif len(chosen) < MOST_NOTIFIED:
            chosen[offer.donor_id] = offer
    _move_to_end(db, [offer for offer in gone if offer in over or offer in chosen.values()], now)
    return [(offer, people[donor]) for donor, offer in chosen.items()]


def _move_to_end(db: Session, over: Gone, now: datetime) -> None:
    """Move offers to the end of the queue, in the order in which they stood."""
    if over:
        moments = [{"id": offer.id, "turn_at": now + timedelta(microseconds=n)} for n, offer in enumerate(over)]
        db.execute(update(Offer), moments)


def _people(db: Session, donors: Iterable[int]) -> dict[int, list[int]]:
    """Map user to conversations, for users who are active, follow the account and have not muted such notifications."""
    topic = KINDS["need_found"].topic
    muted = select(Mute.topic).where(Mute.conversation_id == Conversation.id, Mute.topic == topic, Mute.subject_id == 0)
    there = (
        select(Conversation.user_id, Conversation.id)
        .join(User, User.id == Conversation.user_id)
        .where(User.id.in_(donors), User.state == "active", Conversation.following, ~muted.exists())
        .order_by(Conversation.id)
    )
    people: dict[int, list[int]] = {}
    rows: Any = db.execute(there)
    for user, conversation in rows:
        people.setdefault(user, []).append(conversation)
    return people


def _levels_shared(one: str, other: str) -> int:
    """Count the regions that contain both, from the province down."""
    return len({one, *parents(one)} & {other, *parents(other)})
