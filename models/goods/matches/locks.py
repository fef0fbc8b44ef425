"""Lock matches with what they are of, always in one order: cases, offers, requests, shelves, matches."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.goods.exchange import GoodsRequest, NoSuchThing, Offer
from models.goods.matches.match import HELD, Match

Row = TypeVar("Row", Offer, GoodsRequest, Match)


@dataclass(frozen=True, slots=True)
class Held:
    """A locked match with its offer and its request."""

    match: Match
    offer: Offer
    request: GoodsRequest

    @property
    def least(self) -> int:
        """Return the smallest part that the household may take, in the offer's unit."""
        return min(self.offer.smallest, self.match.quantity)


def lock_match(db: Session, number: int) -> Held:
    """Lock a match, and its offer and request before it. Raises NoSuchThing."""
    found = db.get(Match, number)
    if found is None:
        raise NoSuchThing(what="match", number=number)
    offer = db.get_one(Offer, found.offer_id, with_for_update=True, populate_existing=True)
    request = db.get_one(GoodsRequest, found.request_id, with_for_update=True, populate_existing=True)
    return Held(db.get_one(Match, number, with_for_update=True, populate_existing=True), offer, request)


def try_lock_match(db: Session, number: int) -> Held | None:
    """Lock a match as ``lock_match`` does; None where another transaction holds it, its offer or its request."""
    found = db.get_one(Match, number)
    offer = _free(db, Offer, found.offer_id)
    request = _free(db, GoodsRequest, found.request_id) if offer else None
    match = _free(db, Match, number) if request else None
    return Held(match, offer, request) if offer and request and match else None


def lock_matches(db: Session, numbers: Iterable[int], offers: Iterable[int] = ()) -> list[Held]:
    """Lock several matches: all offers first, with these, then all requests, then the matches by number."""
    found = db.scalars(select(Match).where(Match.id.in_(list(numbers))).order_by(Match.id)).all()
    for table, wanted in (
        (Offer, {*offers, *(match.offer_id for match in found)}),
        (GoodsRequest, {match.request_id for match in found}),
    ):
        db.scalars(select(table).where(table.id.in_(wanted)).order_by(table.id).with_for_update()).all()
    return [lock_match(db, match.id) for match in found]


def lock_offers_first(db: Session, matches: ColumnElement[bool]) -> None:
    """Lock the offers of the live matches for which the condition holds, before the caller locks their requests."""
    offers = select(Match.offer_id).where(matches, Match.state.in_(HELD)).scalar_subquery()
    db.execute(select(Offer.id).where(Offer.id.in_(offers)).order_by(Offer.id).with_for_update())


def _free(db: Session, table: type[Row], number: int) -> Row | None:
    """Lock a row and read it afresh; None where another transaction has locked it."""
    free = select(table).where(table.id == number).with_for_update(skip_locked=True)
    return db.scalar(free.execution_options(populate_existing=True))
