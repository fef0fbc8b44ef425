"""List what waits at a handover point: what comes, what lies there and for how long, and what lies there for nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record_reading
from models.goods.exchange import GoodsRequest, NoSuchThing, Offer
from models.goods.matches.match import Match
from models.goods.matches.record import collected
from models.goods.points.handing_out import barred_from_word
from models.goods.points.opening import OPENERS, may_see
from models.goods.points.point import Point, ReceivedLine, Shelf
from models.people.user import User
from models.proxy.mandate import GOODS, live_mandate
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff, covered_by

COMING, LYING = ("donor_ok", "in_transit"), ("at_point",)
LISTS = {"coming": COMING, "lying": LYING}
# The officers who know the households: they print cards, and hand out by their word.
HANDS_OUT = ("village", "township")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits at a point. ``first``: when the clock ends the first of what lies there."""

    coming: int
    lying: int
    shelves: int
    first: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """One parcel of a point's list. ``who``: the masked name of who asked for it. ``until``: when its clock ends."""

    match: int
    parcel: str
    item: str
    quantity: int
    unit: str
    state: str
    who: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class ShelfLine:
    item: str
    quantity: int
    unit: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ParcelFile:
    """A parcel as an officer of the place reads it. ``mine``: the reader may do something about it: no kin of theirs.

    ``collected``: how often the household collected something in twelve months; ``often``: suspiciously often.
    ``lines``: what its keeper found in it. ``card``: the reader may print its card; ``word``: and hand it out.
    """

    line: Line
    point: int
    place: str
    lines: Sequence[ReceivedLine]
    proof: str | None
    collected: int
    often: bool
    mine: bool
    card: bool
    word: bool


def list_points(db: Session, by: Staff, after: int, most: int) -> list[Point]:
    """List the points of the officer's place by number, without those that are closed and empty."""
    if by.role not in OPENERS:
        return []
    there = select(Point).where(covered_by(by, Point.region_code), Point.id > after)
    there = there.where((Point.state != "closed") | _has_something())
    return list(db.scalars(there.order_by(Point.id).limit(most)))


def find_visible(db: Session, staff: Staff, number: int) -> Point:
    """Return a point that this officer or keeper may see. Raises NoSuchThing."""
    point = db.get(Point, number)
    if point is None or not may_see(staff, point):
        raise NoSuchThing(what="point", number=number)
    return point


def waiting_at(db: Session, point: int) -> Waiting:
    counted = select(Match.state, func.count(), func.min(Match.due_at)).where(Match.point_id == point)
    return _counted(
        db, counted, db.scalar(select(func.count()).where(Shelf.point_id == point, Shelf.quantity > 0)) or 0
    )


def waiting_in_place(db: Session, by: Staff) -> Waiting | None:
    """Count what waits at all points of the officer's place; None where nothing does."""
    here = covered_by(by, Point.region_code)
    counted = select(Match.state, func.count(), func.min(Match.due_at)).join(Point, Point.id == Match.point_id)
    shelves = select(func.count()).select_from(Shelf).join(Point, Point.id == Shelf.point_id)
    found = _counted(db, counted.where(here), db.scalar(shelves.where(here, Shelf.quantity > 0)) or 0)
    return found if found.coming or found.lying or found.shelves else None


def list_parcels(db: Session, point: int, states: Sequence[str], after: int, most: int) -> list[Line]:
    """List the point's parcels in these states, the oldest first. ``after``: the match of the last one seen."""
    there = select(Match, Offer, User).join(Offer, Offer.id == Match.offer_id)
    there = there.join(GoodsRequest, GoodsRequest.id == Match.request_id).join(User, User.id == GoodsRequest.owner_id)
    there = there.where(Match.point_id == point, Match.state.in_(states), Match.id > after)
    return [_line(*row) for row in db.execute(there.order_by(Match.id).limit(most))]


def list_shelves(db: Session, point: int, most: int) -> list[ShelfLine]:
    """List what lies at the point and is promised to nobody, the oldest first."""
    there = select(Offer.item, Shelf.quantity, Offer.unit, Shelf.since).join(Offer, Offer.id == Shelf.offer_id)
    there = there.where(Shelf.point_id == point, Shelf.quantity > 0).order_by(Shelf.since, Shelf.id).limit(most)
    return [ShelfLine(*row) for row in db.execute(there)]


def open_parcel(db: Session, staff: Staff, number: int, often: int, now: datetime) -> ParcelFile:
    """Show a parcel to an officer of the point's place, and record that they read whose it is.

    ``often``: from how many collections in a year on a household is flagged. Raises NoSuchThing.
    """
    match = db.get(Match, number)
    point = db.get_one(Point, match.point_id) if match else None
    if match is None or point is None or staff.role not in OPENERS or not staff.covers(point.region_code):
        raise NoSuchThing(what="parcel", number=number)
    offer, request = db.get_one(Offer, match.offer_id), db.get_one(GoodsRequest, match.request_id)
    owner = db.get_one(User, request.owner_id)
    who = staff.actor.name
    record_reading(db, at=now, actor=who, subject="match", subject_id=number, purpose="review", about=owner.id)
    mine, lies = staff.id not in conflicts_with(db, match.household_id), match.state == "at_point"
    by_hand = staff.role in HANDS_OUT
    times = collected(db, [match.household_id], now).get(match.household_id, 0)
    knows = staff.id in barred_from_word(db, match)
    return ParcelFile(
        line=_line(match, offer, owner),
        point=point.id,
        place=point.name,
        lines=db.scalars(select(ReceivedLine).where(ReceivedLine.match_id == number).order_by(ReceivedLine.id)).all(),
        proof=match.proof,
        collected=times,
        often=times >= often,
        mine=mine,
        card=mine and lies and by_hand and live_mandate(db, owner.id, staff.id, GOODS, now) is not None,
        word=mine and lies and by_hand and not knows,
    )


def _counted(db: Session, counted: Select[str, int, datetime | None], shelves: int) -> Waiting:
    counted = counted.where(Match.state.in_((*COMING, *LYING))).group_by(Match.state)
    rows = {state: (count, first) for state, count, first in db.execute(counted)}
    coming = sum(rows[state][0] for state in COMING if state in rows)
    lying, first = rows.get("at_point", (0, None))
    return Waiting(coming, lying, shelves, first)


def _has_something() -> ColumnElement[bool]:
    matches = select(Match.id).where(Match.point_id == Point.id, Match.state.in_((*COMING, *LYING))).exists()
    return matches | select(Shelf.id).where(Shelf.point_id == Point.id, Shelf.quantity > 0).exists()


def _line(match: Match, offer: Offer, owner: User) -> Line:
    return Line(
        match=match.id,
        parcel=match.parcel,
        item=offer.item,
        quantity=match.quantity,
        unit=offer.unit,
        state=match.state,
        who=owner.masked_name,
        until=match.due_at,
    )
