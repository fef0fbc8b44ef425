"""Close a handover point: nothing new goes there, what is on its way goes to another, and what lies there waits for an
officer, who carries it to another point or hands it out."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.goods.exchange import NoSuchThing
from models.goods.matches import holding, locks, shelving
from models.goods.matches.match import Match
from models.goods.points.collection_card import void_card
from models.goods.points.finding import find_point
from models.goods.points.opening import lock_own_point, lock_point, may_see
from models.goods.points.point import POINT_MACHINE, Point, Shelf
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff, notify_staff, seats_covering, serving

# On its way, or not yet: a match in these states needs another point where its own closed.
_COMES = ("proposed", "recipient_ok", "donor_ok", "in_transit")
_MOST_TOLD = 20
_BATCH = 50


class PointNotOpen(Refusal):
    """The point ``name`` is not open, so nothing is carried there."""

    code = "point_not_open"


def close_point(db: Session, point: Point, actor: Actor, now: datetime) -> None:
    """Close the point, which the caller has locked; its phone is deleted. Raises WrongState or NotYours."""
    POINT_MACHINE.move(db, point, "closed", actor, now)
    point.phone = point.next_keeper_id = None
    db.flush()
    move_on(db, point, now)
    lies = _lies_there(db, point)
    for officer in _officers_of(db, point, now):
        facts = {"number": point.id, "title": point.name, "lies": lies, "reference": f"point:{point.id}"}
        key = f"point_closed:{point.id}:{now.timestamp()}"
        notify_staff(db, officer, "point_closed", facts, key, now, ("point", point.id))


def move_on(db: Session, point: Point, now: datetime) -> int:
    """Find another point for each match that is to come to this closed one; what has not been sent and has none ends.

    What is sent already and has no other point stays with this one. Returns how many moved or ended.
    """
    moved = 0
    for held in _lock_matches(db, point, _COMES):
        match = held.match
        other = find_point(db, held.request.region_code, match.household_id, now)
        if match.shelf_id is not None or (other is None and match.state != "in_transit"):
            # It lies here, or goes nowhere: the household waits on, as long as before.
            holding.release(db, held, "cancelled", SYSTEM, "system", now)
        elif other is None:
            continue
        else:
            holding.redirect(db, held, other, SYSTEM, now)
        moved += 1
    return moved


def move_on_from_closed(db: Session, now: datetime) -> int:
    """Move on what was promised to a point while it was being closed. Returns how many matches."""
    left = select(Match.point_id).join(Point, Point.id == Match.point_id).distinct()
    left = left.where(Point.state == "closed", Match.state.in_(_COMES[:-1])).order_by(Match.point_id).limit(_BATCH)
    return sum(move_on(db, lock_point(db, number), now) for number in db.scalars(left).all())


def carry(db: Session, by: Staff, number: int, to: int, now: datetime) -> tuple[int, int]:
    """Note that the officer has carried what lay at a closed point to another one.

    A household whose kin keeps the other point is left out. Returns how many parcels and shelves were carried, and how
    many parcels stay. Raises NoSuchThing or PointNotOpen.
    """
    point = lock_own_point(db, by, number)
    other = db.get(Point, to)
    if other is None or not may_see(by, other):
        raise NoSuchThing(what="point", number=to)
    if point.state == "open" or other.state != "open":
        raise PointNotOpen(name=other.name)
    shelves = db.scalars(_shelves(point.id)).all()
    matches = _lock_matches(db, point, ("at_point",), shelves)
    carried = stays = 0
    for held in matches:
        if other.keeper_id in conflicts_with(db, held.match.household_id):
            stays += 1
            continue
        holding.redirect(db, held, other, by.actor, now)
        void_card(db, held.match.id, now)
        carried += 1
    for shelf in shelves:
        shelving.carry_shelf(db, shelf, other.id, now)
        carried += 1
    record(
        db, at=now, actor=by.actor.name, action="carried", subject="point", subject_id=point.id, detail=f"point:{to}"
    )
    facts = {"number": other.id, "title": point.name, "count": carried}
    key = f"goods_carried:{point.id}:{now.timestamp()}"
    notify_staff(db, db.get_one(Staff, other.keeper_id), "goods_carried", facts, key, now, ("point", other.id))
    return carried, stays


def _lock_matches(db: Session, point: Point, states: Sequence[str], shelves: Sequence[Shelf] = ()) -> list[locks.Held]:
    """Lock the point's matches of these states, and the offers of these shelves."""
    there = select(Match.id).where(Match.point_id == point.id, Match.state.in_(states))
    held = locks.lock_matches(db, db.scalars(there).all(), [shelf.offer_id for shelf in shelves])
    # Read again under the lock: it may have gone on meanwhile.
    return [each for each in held if each.match.state in states and each.match.point_id == point.id]


def _shelves(point: int) -> Select[Shelf]:
    return select(Shelf).where(Shelf.point_id == point, Shelf.quantity > 0).order_by(Shelf.id)


def _lies_there(db: Session, point: Point) -> int:
    lying = db.scalars(select(Match.id).where(Match.point_id == point.id, Match.state == "at_point")).all()
    return len(lying) + len(db.scalars(_shelves(point.id)).all())


def _officers_of(db: Session, point: Point, now: datetime) -> list[Staff]:
    there = select(Staff).where(Staff.role == "village", serving(now), seats_covering(point.region_code, "village"))
    officers = list(db.scalars(there.order_by(Staff.id).limit(_MOST_TOLD)))
    opener = db.get_one(Staff, point.opened_by)
    return officers if any(each.id == opener.id for each in officers) else [*officers, opener]
