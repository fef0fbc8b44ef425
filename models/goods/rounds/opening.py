"""Open rounds: for an offer when it or a request for it becomes public; by the clock for what is left or free again.

Where nobody could get anything no round is opened, so that none is drawn in vain again and again.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.core.calendar import CHINA
from models.goods.exchange import GoodsRequest, Offer
from models.goods.points.point import Shelf
from models.goods.rounds.gathering import Goods, anybody, is_shareable
from models.goods.rounds.round import Round
from models.goods.rounds.rule import FAIR, FIRST_COME, hash_of
from models.goods.rules import GoodsRules
from models.places.region import inside

SEED_BYTES = 16
# A turn opens so many rounds; the clock opens the others.
MOST_IN_A_TURN = 5
# A run of the clock looks at so many offers, and at so many shelves; at each again after so long at the earliest.
BATCH = 200
AGAIN_AFTER = timedelta(minutes=10)
_CITY = 4


def open_for_offer(db: Session, offer: Offer, now: datetime, rules: GoodsRules) -> None:
    """Open a round for an offer that has become public. The caller has locked it."""
    goods = Goods(offer)
    if is_shareable(db, goods, now) and anybody(db, goods, now):
        open_round(db, goods, now, rules)


def open_for_request(db: Session, request: GoodsRequest, now: datetime, rules: GoodsRules) -> None:
    """Open rounds for the offers that a request which has become public could get something of.

    Offers are locked before requests, and the caller holds the request: what another transaction holds is skipped.
    """
    if request.sort is None:
        return
    alike = (Offer.category == request.category) & (Offer.sort == request.sort)
    city = inside(Offer.region_code, request.region_code[:_CITY].ljust(12, "0"))
    gathers = exists().where(Round.offer_id == Offer.id, Round.state == "gathering", Round.shelf_id.is_(None))
    free = select(Offer).where(Offer.state == "available", alike, ~gathers)
    for which in (Offer.handover == "post", and_(Offer.handover == "pickup", city)):
        first = free.where(which).order_by(Offer.turn_at, Offer.id).limit(MOST_IN_A_TURN)
        held = first.with_for_update(skip_locked=True, key_share=True, read=True)
        for goods in map(Goods, db.scalars(held).all()):
            if is_shareable(db, goods, now) and anybody(db, goods, now, only=request.id):
                open_round(db, goods, now, rules)


def offers_in_turn(db: Session, now: datetime) -> list[int]:
    """List offers of which some is left, or free again: those for which a round was looked for longest ago."""
    due = select(Offer.id).where(
        Offer.state == "available", Offer.sort.is_not(None), Offer.turn_at <= now - AGAIN_AFTER
    )
    return list(db.scalars(due.order_by(Offer.turn_at, Offer.id).limit(BATCH)))


def shelves_in_turn(db: Session, now: datetime) -> list[int]:
    """List shelves on which something lies, in the same way."""
    due = or_(Shelf.turn_at.is_(None), Shelf.turn_at <= now - AGAIN_AFTER)
    lying = select(Shelf.id).where(Shelf.quantity > 0, due)
    return list(db.scalars(lying.order_by(Shelf.turn_at.nulls_first(), Shelf.id).limit(BATCH)))


def open_if_wanted(db: Session, rules: GoodsRules, number: int, now: datetime) -> bool:
    """Open a round for an offer if somebody could get something of it; returns whether one was opened."""
    offer = db.get(Offer, number, with_for_update={"skip_locked": True}, populate_existing=True)
    if offer is None:
        return False
    offer.turn_at = now
    return _open_if_wanted(db, Goods(offer), now, rules)


def open_shelf_if_wanted(db: Session, rules: GoodsRules, number: int, now: datetime) -> bool:
    """Open a round for what lies on a shelf if somebody could get something of it; returns whether one was opened.

    The offer is locked before its shelf: the round refers to it.
    """
    found = db.get_one(Shelf, number)
    offer = db.get(Offer, found.offer_id, with_for_update={"skip_locked": True}, populate_existing=True)
    shelf = db.get(Shelf, number, with_for_update={"skip_locked": True}, populate_existing=True) if offer else None
    if offer is None or shelf is None:
        return False
    shelf.turn_at = now
    return _open_if_wanted(db, Goods(offer, shelf), now, rules)


def _open_if_wanted(db: Session, goods: Goods, now: datetime, rules: GoodsRules) -> bool:
    db.flush()
    wanted = not _gathers(db, goods) and is_shareable(db, goods, now) and anybody(db, goods, now)
    return wanted and open_round(db, goods, now, rules)


def open_round(db: Session, goods: Goods, now: datetime, rules: GoodsRules) -> bool:
    """Open a round, unless one gathers; its seed is drawn now, before anybody is known who takes part."""
    seed = secrets.token_hex(SEED_BYTES)
    row: dict[str, Any] = {
        "offer_id": goods.offer.id,
        "shelf_id": goods.shelf.id if goods.shelf else None,
        "rule": FAIR if rules.fair else FIRST_COME,
        "seed": seed,
        "seed_hash": hash_of(seed),
        "state": "gathering",
        "opens_at": now,
        "closes_at": now + _gathers_for(goods.offer, now, rules),
    }
    opened = insert(Round).values(row).on_conflict_do_nothing().returning(Round.id)
    return db.execute(opened).scalar_one_or_none() is not None


def _gathers_for(offer: Offer, now: datetime, rules: GoodsRules) -> timedelta:
    if not rules.fair:
        return timedelta()
    soon = now.astimezone(CHINA).date() + timedelta(days=rules.days_it_spoils_in)
    spoils = offer.best_before is not None and offer.best_before <= soon
    return timedelta(hours=rules.hours_where_it_spoils if spoils else rules.hours_to_gather)


def _gathers(db: Session, goods: Goods) -> bool:
    which = Round.shelf_id == goods.shelf.id if goods.shelf else Round.shelf_id.is_(None)
    theirs = (Round.offer_id == goods.offer.id) & (Round.state == "gathering") & which
    return db.scalar(select(Round.id).where(theirs).limit(1)) is not None
