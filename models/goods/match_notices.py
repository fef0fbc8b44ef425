"""Word that the like is there: to households of what somebody gives away, to donors of what a household asks for.

The like has the same category and the same sort (flows.language.sorts says why), and can be had: a thing that must be
fetched is told of within its city only, and nothing that is used up, past its day or taken back is told of at all.
Nobody hears of what is their own, or their household's.

Of one thing ``MOST_TOLD`` people hear at most, so that a turn stays short. It goes in turns: those who have waited
longest since they asked, or since they last heard of something, are looked at, and of them the nearest are told. The
rest keep their place and come next, with the next thing of this sort; until then they find it in the list.
"""

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.core.calendar import CHINA
from models.goods.exchange import GoodsRequest, Offer
from models.notifications.bulk import Word, tell_each
from models.notifications.kinds import KINDS
from models.notifications.mute import Mute
from models.people.conversation import Conversation
from models.people.user import User
from models.places.region import Region, parents

MOST_TOLD = 20
# So many are looked at for them: not everybody who waits can be told.
LOOKED_AT = 60
_CITY = 4
_LOCK = 0x0611

Things = Sequence[tuple[Any, int]]


def tell_households(db: Session, offer: Offer, now: datetime) -> None:
    """That ``offer`` is to be had; for whoever makes it available."""
    if offer.sort is None or not _to_be_had(offer, now):
        return
    _one_at_a_time(db, offer)
    donor = db.get_one(User, offer.donor_id)
    asked = (
        select(GoodsRequest, GoodsRequest.owner_id)
        .where(GoodsRequest.state == "open", GoodsRequest.category == offer.category, GoodsRequest.sort == offer.sort)
        .where(GoodsRequest.owner_id != donor.id)
    )
    if donor.household_id is not None:
        asked = asked.where(GoodsRequest.household_id != donor.household_id)
    if offer.handover == "pickup":
        asked = asked.where(_within_city(GoodsRequest.region_code, offer.region_code))
    words = [
        Word(
            person,
            request.id,
            {"number": request.id, "item": request.item, "offer": offer.id, "offered": offer.item, "count": 1},
            f"match_found:{request.id}:{offer.id}:{person}",
        )
        for request, people in _whose_turn(db, _waiting(db, GoodsRequest, asked), offer.region_code, "match_found", now)
        for person in people
    ]
    tell_each(db, "match_found", "request", words, now)


def tell_donors(db: Session, request: GoodsRequest, now: datetime) -> None:
    """That a household asks for this; for whoever opens the request."""
    if request.sort is None or request.state != "open":
        return
    _one_at_a_time(db, request)
    given = (
        select(Offer, Offer.donor_id)
        .join(User, User.id == Offer.donor_id)
        .where(Offer.state == "available", Offer.category == request.category, Offer.sort == request.sort)
        .where(Offer.donor_id != request.owner_id)
        .where(or_(User.household_id.is_(None), User.household_id != request.household_id))
    )
    sent = given.where(Offer.handover == "post")
    fetched = given.where(Offer.handover == "pickup", _within_city(Offer.region_code, request.region_code))
    waiting = [each for which in (sent, fetched) for each in _waiting(db, Offer, which)]
    place = db.get_one(Region, request.region_code).full_name
    wanted = {"request": request.id, "wanted": request.item, "place": place, "count": 1}
    words = [
        Word(
            person,
            offer.id,
            {"number": offer.id, "item": offer.item, **wanted},
            f"need_found:{offer.id}:{request.id}:{person}",
        )
        for offer, people in _whose_turn(db, waiting, request.region_code, "need_found", now)
        for person in people
    ]
    tell_each(db, "need_found", "offer", words, now)


def _one_at_a_time(db: Session, thing: Offer | GoodsRequest) -> None:
    """Of an offer and a request that come in one moment, the later one sees the other."""
    name = f"{thing.category}:{thing.sort}".encode()
    # The lock's second number is a signed one.
    db.execute(select(func.pg_advisory_xact_lock(_LOCK, zlib.crc32(name) - 2**31)))


def _waiting(db: Session, table: type[Any], which: Select[Any, int]) -> Things:
    """Those whose turn it is, with the numbers of their owners; held, but for who is just being seen to elsewhere."""
    held = which.order_by(table.turn_at, table.id).limit(LOOKED_AT).with_for_update(skip_locked=True, of=table)
    return [(thing, owner) for thing, owner in db.execute(held)]


def _whose_turn(
    db: Session, waiting: Things, region_code: str, template: str, now: datetime
) -> list[tuple[Any, list[int]]]:
    """Those to be told of something in this region, each with the conversations of its owner.

    Their turn is over, and so is that of whoever cannot be told or is told of another thing of theirs just now.
    """
    people = _people(db, {owner for _, owner in waiting}, template)
    in_turn = sorted(waiting, key=lambda each: (each[0].turn_at, each[0].id))
    nearest = sorted(in_turn, key=lambda each: -_levels_shared(each[0].region_code, region_code))
    told: dict[int, Any] = {}
    over = set()
    for thing, owner in nearest:
        if owner in told or owner not in people or not _to_be_had(thing, now):
            over.add(thing)
        elif len(told) < MOST_TOLD:
            told[owner] = thing
    _pass_on(db, [thing for thing, _ in in_turn if thing in over or thing in told.values()], now)
    return [(thing, people[owner]) for owner, thing in told.items()]


def _pass_on(db: Session, over: Sequence[Any], now: datetime) -> None:
    """To the end of the queue, in the order in which they stood."""
    if over:
        moments = [{"id": thing.id, "turn_at": now + timedelta(microseconds=n)} for n, thing in enumerate(over)]
        db.execute(update(type(over[0])), moments)


def _people(db: Session, owners: Iterable[int], template: str) -> dict[int, list[int]]:
    """User -> conversations, of those who are there and want to hear of such things."""
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


def _to_be_had(thing: Offer | GoodsRequest, now: datetime) -> bool:
    """A request always; an offer while there is some of it left that is still good."""
    if isinstance(thing, GoodsRequest):
        return True
    fresh = thing.best_before is None or thing.best_before > now.astimezone(CHINA).date()
    return fresh and thing.state == "available" and thing.available > 0


def _within_city(column: InstrumentedAttribute[str], code: str) -> ColumnElement[bool]:
    city = code[:_CITY]
    return column.between(city.ljust(12, "0"), city.ljust(12, "9"))


def _levels_shared(one: str, other: str) -> int:
    """How many of the regions around them the two have in common, from the province down."""
    return len({one, *parents(one)} & {other, *parents(other)})
