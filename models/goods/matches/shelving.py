"""Lay goods on the shelf of a handover point, carry them to another, and write off what nobody takes.

What lies on a shelf is promised to nobody, and stays reserved in its offer's stock.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.state_machine import SYSTEM
from models.goods.exchange import Offer
from models.goods.points.point import Shelf
from models.stock.move import move


def shelf_at(db: Session, offer_id: int, point_id: int, now: datetime) -> Shelf:
    """Lock the shelf of an offer at a point, made where there is none."""
    here = (Shelf.offer_id == offer_id) & (Shelf.point_id == point_id)
    shelf = db.scalar(select(Shelf).where(here).with_for_update().execution_options(populate_existing=True))
    if shelf is None:
        # Its offer is locked, so no other transaction makes the same one.
        shelf = Shelf(offer_id=offer_id, point_id=point_id, quantity=0, since=now)
        db.add(shelf)
    shelf.since, shelf.turn_at = now, None
    return shelf


def lock_shelf(db: Session, number: int) -> Shelf:
    return db.get_one(Shelf, number, with_for_update=True, populate_existing=True)


def carry_shelf(db: Session, shelf: Shelf, point_id: int, now: datetime) -> None:
    """Lay what is on a shelf on the same offer's shelf at another point. The caller has locked the offer."""
    found = lock_shelf(db, shelf.id)
    shelf_at(db, found.offer_id, point_id, now).quantity += found.quantity
    found.quantity = 0
    db.flush()


def write_off(db: Session, offer: Offer, shelf: Shelf, now: datetime) -> int:
    """Count as lost what lies on a shelf: it spoilt, or nobody wanted it. The caller has locked both. Returns how much.

    The keeper takes it off the shelf; an audit event of the offer says how much it was.
    """
    quantity = shelf.quantity
    move(db, offer, "lose", quantity, f"shelf:{shelf.id}:{now:%Y%m%d%H%M%S%f}", now)
    shelf.quantity = 0
    actor, what = SYSTEM.name, f"{quantity} at point:{shelf.point_id}"
    record(db, at=now, actor=actor, action="written_off", subject="offer", subject_id=offer.id, detail=what)
    db.flush()
    return quantity
