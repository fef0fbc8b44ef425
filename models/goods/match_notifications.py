"""Notify households of matching offers, and donors of matching requests.

Offer and request match if category and sort are the same (flows.language.sorts says why). An offer to be fetched is
notified within its city only; one that is exhausted, past its best-before date or withdrawn is not notified at all.
No one is notified of an offer or request of their own or of their household.

At most ``MOST_NOTIFIED`` people are notified of one offer or request, so that a turn stays short. They take turns: of
those who have waited longest since they asked or were last notified, the nearest are notified. The rest keep their
place for the next match of this sort; until then they find it in the list.
"""

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.core.calendar import CHINA
from models.goods.exchange import GoodsRequest, Offer
from models.notifications.kinds import KINDS
from models.notifications.mute import Mute
from models.notifications.notify import NewNotification, notify_each
from models.people.conversation import Conversation
from models.people.user import User
from models.places.region import Region, parents

MOST_NOTIFIED = 20
# So many waiting rows are read to find them: some of their owners cannot be notified.
MOST_READ = 60
_CITY = 4
_LOCK = 0x0611

Things = Sequence[tuple[Any, int]]


def notify_households(db: Session, offer: Offer, now: datetime) -> None:
    """Notify households whose requests match this offer. Call it when the offer becomes available."""
    if offer.sort is None or not _is_available(offer, now):
        return
    _lock_sort(db, offer)
    donor = db.get_one(User, offer.donor_id)
    asked = (
        select(GoodsRequest, GoodsRequest.owner_id)
        .where(GoodsRequest.state == "open", GoodsRequest.category == offer.category, GoodsRequest.sort == offer.sort)
        .where(GoodsRequest.owner_id != donor.id, GoodsRequest.looked_at.is_not(None))
    )
    if donor.household_id is not None:
        asked = asked.where(GoodsRequest.household_id != donor.household_id)
    if offer.handover == "pickup":
        asked = asked.where(_within_city(GoodsRequest.region_code, offer.region_code))
    new = [
        NewNotification(
            person,
            request.id,
            {"number": request.id, "item": request.item, "offer": offer.id, "offered": offer.item, "count": 1},
            f"match_found:{request.id}:{offer.id}:{person}",
        )
        for request, people in _whose_turn(db, _waiting(db, GoodsRequest, asked), offer.region_code, "match_found", now)
        for person in people
    ]
    notify_each(db, "match_found", "request", new, now)


def notify_donors(db: Session, request: GoodsRequest, now: datetime) -> None:
    """Notify donors whose offers match this request. Call it when the request is opened."""
    if request.sort is None or request.state != "open":
        return
    _lock_sort(db, request)
    given = (
        select(Offer, Offer.donor_id)
        .join(User, User.id == Offer.donor_id)
        .where(Offer.state == "available", Offer.category == request.category, Offer.sort == request.sort)
        .where(Offer.donor_id != request.owner_id, Offer.looked_at.is_not(None))
        .where(or_(User.household_id.is_(None), User.household_id != request.household_id))
    )
    sent = given.where(Offer.handover == "post")
    fetched = given.where(Offer.handover == "pickup", _within_city(Offer.region_code, request.region_code))
    waiting = [each for which in (sent, fetched) for each in _waiting(db, Offer, which)]
    place = db.get_one(Region, request.region_code).full_name
    wanted = {"request": request.id, "wanted": request.item, "place": place, "count": 1}
    new = [
        NewNotification(
            person,
            offer.id,
            {"number": offer.id, "item": offer.item, **wanted},
            f"need_found:{offer.id}:{request.id}:{person}",
        )
        for offer, people in _whose_turn(db, waiting, request.region_code, "need_found", now)
        for person in people
    ]
    notify_each(db, "need_found", "offer", new, now)


def _lock_sort(db: Session, thing: Offer | GoodsRequest) -> None:
    """Lock the sort in this transaction, so that of an offer and a request made at once the later sees the other."""
    name = f"{thing.category}:{thing.sort}".encode()
    # The lock's second number is a signed 32-bit integer.
    db.execute(select(func.pg_advisory_xact_lock(_LOCK, zlib.crc32(name) - 2**31)))


def _waiting(db: Session, table: type[Any], which: Select[Any, int]) -> Things:
    """Lock and return the rows that have waited longest, with their owners' ids; skip rows locked elsewhere."""
    held = which.order_by(table.turn_at, table.id).limit(MOST_READ).with_for_update(skip_locked=True, of=table)
    return [(thing, owner) for thing, owner in db.execute(held)]


def _whose_turn(
    db: Session, waiting: Things, region_code: str, template: str, now: datetime
) -> list[tuple[Any, list[int]]]:
    """Choose the rows whose owners are notified of a match in this region, each with the owner's conversation ids.

    These go to the end of the queue, and so do rows whose owner cannot be notified or is notified for another row now.
    """
    people = _people(db, {owner for _, owner in waiting}, template)
    in_turn = sorted(waiting, key=lambda each: (each[0].turn_at, each[0].id))
    nearest = sorted(in_turn, key=lambda each: -_levels_shared(each[0].region_code, region_code))
    chosen: dict[int, Any] = {}
    over = set()
    for thing, owner in nearest:
        if owner in chosen or owner not in people or not _is_available(thing, now):
            over.add(thing)
        elif len(chosen) < MOST_NOTIFIED:
            chosen[owner] = thing
    _move_to_end(db, [thing for thing, _ in in_turn if thing in over or thing in chosen.values()], now)
    return [(thing, people[owner]) for owner, thing in chosen.items()]


def _move_to_end(db: Session, over: Sequence[Any], now: datetime) -> None:
    """Move rows to the end of the queue, in the order in which they stood."""
    if over:
        moments = [{"id": thing.id, "turn_at": now + timedelta(microseconds=n)} for n, thing in enumerate(over)]
        db.execute(update(type(over[0])), moments)


def _people(db: Session, owners: Iterable[int], template: str) -> dict[int, list[int]]:
    """Map user to conversations, for users who are active, follow the account and have not muted such notifications."""
    muted = select(Mute.topic).where(
        Mute.conversation_id == Conversation.id, Mute.topic == KINDS[template].topic, Mute.subject_id == 0
    )
    there = (
        select(Conversation.user_id, Conversation.id)
        .join(User, User.id == Conversation.user_id)
        .where(User.id.in_(owners), User.state == "active", Conversation.following, ~muted.exists())
        .order_by(Conversation.id)
    )
    people: dict[int, list[int]] = {}
    rows: Any = db.execute(there)
    for user, conversation in rows:
        people.setdefault(user, []).append(conversation)
    return people


def _is_available(thing: Offer | GoodsRequest, now: datetime) -> bool:
    """Tell whether it can be matched: a request always, an offer while some is left and it is not past its date."""
    if isinstance(thing, GoodsRequest):
        return True
    fresh = thing.best_before is None or thing.best_before > now.astimezone(CHINA).date()
    return fresh and thing.state == "available" and thing.available > 0


def _within_city(column: InstrumentedAttribute[str], code: str) -> ColumnElement[bool]:
    city = code[:_CITY]
    return column.between(city.ljust(12, "0"), city.ljust(12, "9"))


def _levels_shared(one: str, other: str) -> int:
    """Count the regions that contain both, from the province down."""
    return len({one, *parents(one)} & {other, *parents(other)})
