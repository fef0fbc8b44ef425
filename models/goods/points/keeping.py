"""Keepers agree to keep a point, or do not; where a keeper's seat ends, the point closes."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.state_machine import SYSTEM
from models.goods.exchange import NoSuchThing
from models.goods.points.closing import close_point
from models.goods.points.opening import lock_point
from models.goods.points.point import POINT_MACHINE, Point
from models.staff.member import Staff, notify_staff


def kept_point(db: Session, keeper: Staff) -> Point | None:
    """Return the open point that this keeper keeps; None without one."""
    return db.scalar(select(Point).where(Point.keeper_id == keeper.id, Point.state == "open"))


def offered_point(db: Session, keeper: Staff) -> Point | None:
    """Return the point that this keeper was asked to keep, and has not answered about; None without one."""
    first = (Point.keeper_id == keeper.id) & (Point.state == "proposed")
    return db.scalar(select(Point).where(or_(first, Point.next_keeper_id == keeper.id)).limit(1))


def agree(db: Session, keeper: Staff, number: int, phone: str, now: datetime) -> Point:
    """Note that the keeper keeps the point from now on, and consents that ``phone`` is shown to who sends goods there.

    Raises NoSuchThing where they were not asked, or are not any more.
    """
    point = _lock_offered(db, keeper, number)
    point.phone, point.agreed_at = phone, now
    if point.state == "proposed":
        POINT_MACHINE.move(db, point, "open", keeper.actor, now)
    else:
        point.keeper_id, point.next_keeper_id = keeper.id, None
    record(db, at=now, actor=keeper.actor.name, action="phone_agreed", subject="point", subject_id=point.id)
    db.flush()
    _tell_opener(db, point, keeper, "yes", now)
    return point


def decline(db: Session, keeper: Staff, number: int, now: datetime) -> Point:
    """Note that the keeper does not want to keep the point. Raises NoSuchThing, as ``agree``."""
    point = _lock_offered(db, keeper, number)
    if point.state == "proposed":
        POINT_MACHINE.move(db, point, "closed", keeper.actor, now)
    point.next_keeper_id = None
    record(db, at=now, actor=keeper.actor.name, action="keeper_declined", subject="point", subject_id=point.id)
    db.flush()
    _tell_opener(db, point, keeper, "no", now)
    return point


def leave_points(db: Session, staff: Staff, now: datetime) -> None:
    """Close the point of a keeper whose seat was suspended, revoked or ended, and forget what they were asked."""
    if staff.role != "keeper":
        return
    asked = select(Point).where(Point.next_keeper_id == staff.id).with_for_update()
    for point in db.scalars(asked.execution_options(populate_existing=True)):
        point.next_keeper_id = None
    kept = select(Point.id).where(Point.keeper_id == staff.id, Point.state.in_(("proposed", "open")))
    for number in db.scalars(kept).all():
        close_point(db, lock_point(db, number), SYSTEM, now)


def _lock_offered(db: Session, keeper: Staff, number: int) -> Point:
    point = lock_point(db, number)
    first = point.state == "proposed" and point.keeper_id == keeper.id
    if not (first or point.next_keeper_id == keeper.id):
        raise NoSuchThing(what="point", number=number)
    return point


def _tell_opener(db: Session, point: Point, keeper: Staff, answer: str, now: datetime) -> None:
    facts = {"number": point.id, "title": point.name, "answer": answer, "reference": f"point:{point.id}"}
    key = f"point_answered:{point.id}:{keeper.id}:{answer}:{now.timestamp()}"
    notify_staff(db, db.get_one(Staff, point.opened_by), "point_answered", facts, key, now, ("point", point.id))
