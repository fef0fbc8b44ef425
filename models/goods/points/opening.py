"""Open handover points: an officer of the place describes one and asks a keeper, who agrees or not."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.goods.exchange import NoSuchThing
from models.goods.points.point import POINT_MACHINE, Point
from models.places.region import township_of
from models.staff.appointment import OutsideYourPlace
from models.staff.directory import find_member, seat_of
from models.staff.member import Staff, all_seats_of, notify_staff
from models.staff.turn import demand_identified

OPENERS = ("village", "township", "county")


class CannotKeep(Refusal):
    """The member ``work_no`` cannot keep the point.

    ``why``: unknown (no such keeper is at work), place (of another township), yourself, or busy (keeps another).
    """

    code = "cannot_keep"
    step = "keeper"


@dataclass(frozen=True, slots=True)
class NewPoint:
    draft_id: str
    name: str
    place: str
    region_code: str
    address: str
    hours: str


def demand_own_place(db: Session, by: Staff, region_code: str) -> None:
    """Raises NotIdentified or OutsideYourPlace."""
    demand_identified(by)
    if by.role not in OPENERS or not by.covers(region_code):
        raise OutsideYourPlace(region=seat_of(db, by))


def lock_point(db: Session, number: int) -> Point:
    """Lock a point against others who change it; matches may be promised to it meanwhile. Raises NoSuchThing.

    Offers are locked after it. Who holds an offer and promises some of it to the point must not wait for it, so the
    lock lets rows that refer to it be written; models.goods.points.closing moves on what was promised meanwhile.
    """
    point = db.get(Point, number, with_for_update={"key_share": True}, populate_existing=True)
    if point is None:
        raise NoSuchThing(what="point", number=number)
    return point


def lock_own_point(db: Session, by: Staff, number: int) -> Point:
    """Lock a point of the officer's place, or one that the keeper keeps. Raises NoSuchThing, also for others'."""
    point = lock_point(db, number)
    if not may_see(by, point):
        raise NoSuchThing(what="point", number=number)
    return point


def may_see(staff: Staff, point: Point) -> bool:
    """Tell whether it is the keeper's own point, or one of the officer's place."""
    return staff.id == point.keeper_id or (staff.role in OPENERS and staff.covers(point.region_code))


def find_keeper(
    db: Session, by: Staff, region_code: str, work_no: str, now: datetime, opener: int | None = None
) -> Staff:
    """Find the keeper whom ``by`` may ask to keep a point of this place. Raises CannotKeep.

    ``opener``: the seat that opened it; they do not come to keep it by way of another keeper either.
    """
    keeper = find_member(db, work_no, lock=True)
    if keeper is None or keeper.role != "keeper" or not keeper.is_serving(now):
        raise CannotKeep(work_no=work_no, why="unknown")
    if keeper.id in all_seats_of(db, {by.id, opener or by.id}):
        raise CannotKeep(work_no=work_no, why="yourself")
    if township_of(keeper.region_code) != township_of(region_code):
        raise CannotKeep(work_no=work_no, why="place")
    live = Point.state.in_(("proposed", "open"))
    kept = select(Point.id).where(live, or_(Point.keeper_id == keeper.id, Point.next_keeper_id == keeper.id))
    if db.scalar(kept.limit(1)) is not None:
        raise CannotKeep(work_no=work_no, why="busy")
    return keeper


def opener_of(point: Point) -> int | None:
    """Return the seat that opened the point; None where it is not open, as who asks a keeper then opens it anew."""
    return point.opened_by if point.state == "open" else None


def open_point(db: Session, by: Staff, wanted: NewPoint, work_no: str, now: datetime) -> Point:
    """Describe a point and ask its keeper. Raises OutsideYourPlace, NotIdentified or CannotKeep."""
    demand_own_place(db, by, wanted.region_code)
    keeper = find_keeper(db, by, wanted.region_code, work_no, now)
    fields = {name: getattr(wanted, name) for name in NewPoint.__slots__}
    point = Point(**fields, keeper_id=keeper.id, opened_by=by.id, created_at=now)
    db.add(point)
    db.flush()
    record(db, at=now, actor=by.actor.name, action="point_proposed", subject="point", subject_id=point.id)
    ask_keeper(db, point, keeper, now)
    return point


def ask_other_keeper(db: Session, by: Staff, number: int, work_no: str, now: datetime) -> Point:
    """Ask another keeper to keep the point; until they agree its keeper keeps it. Asked of a closed point, it opens
    again with them.

    An officer of the place may, and its keeper, who hands it over. Raises NoSuchThing or CannotKeep.
    """
    point = lock_own_point(db, by, number)
    keeper = find_keeper(db, by, point.region_code, work_no, now, opener_of(point))
    if point.state == "open":
        point.next_keeper_id = keeper.id
    else:
        if point.state == "closed":
            POINT_MACHINE.move(db, point, "proposed", by.actor, now)
        point.keeper_id, point.opened_by, point.agreed_at = keeper.id, by.id, None
    db.flush()
    detail = keeper.work_no
    record(db, at=now, actor=by.actor.name, action="keeper_asked", subject="point", subject_id=point.id, detail=detail)
    ask_keeper(db, point, keeper, now)
    return point


def change_point(db: Session, by: Staff, number: int, hours: str | None, address: str | None, now: datetime) -> Point:
    """Change the opening hours or the address of a point of the officer's place. Raises NoSuchThing."""
    point = lock_own_point(db, by, number)
    point.hours, point.address = hours or point.hours, address or point.address
    db.flush()
    record(db, at=now, actor=by.actor.name, action="point_changed", subject="point", subject_id=point.id)
    return point


def ask_keeper(db: Session, point: Point, keeper: Staff, now: datetime) -> None:
    facts = {"number": point.id, "point": point.id, "title": point.name}
    key = f"point_offered:{point.id}:{now.timestamp()}"
    notify_staff(db, keeper, "point_offered", facts, key, now, ("point", point.id))
