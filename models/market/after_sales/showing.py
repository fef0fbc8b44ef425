"""Show a seller the photos with which a buyer said what was wrong, while that is open; each look is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record_reading
from models.core.state_machine import Actor
from models.market.after_sales.after_sale import NAME, OPEN, AfterSale
from models.market.orders.order import Order
from models.people.photo import Photo, kept_photos

# The buyer reads it in their access log.
PURPOSE = "seller_pictures"


@dataclass(frozen=True, slots=True)
class BuyersPhotos:
    """What a seller sees of an after-sale beside the chat. ``coming``: how many photos are still being fetched."""

    number: int
    code: str
    name: str
    wrong: str
    pictures: Sequence[Photo]
    coming: int


def photos_for_seller(db: Session, number: int) -> BuyersPhotos | None:
    """Return the photos of an after-sale; None once it is over."""
    found = _find(db, number)
    if found is None or found.state not in OPEN:
        return None
    pictures = kept_photos(db, NAME, [number])
    return BuyersPhotos(number, found.code, found.name, found.wrong, pictures, _count(db, number) - len(pictures))


def seller_of(db: Session, number: int) -> int | None:
    """Return the id of the user who sold what this after-sale is about."""
    found = _find(db, number)
    return found.seller_id if found else None


def count_for_seller(db: Session, order_id: int) -> tuple[int, int]:
    """Return the number of the order's open after-sale and how many photos its seller may see; (0, 0) for none."""
    wanted = select(AfterSale.id).where(AfterSale.order_id == order_id, AfterSale.state.in_(OPEN))
    number = db.scalar(wanted)
    return (number, _count(db, number)) if number else (0, 0)


def record_look(db: Session, number: int, now: datetime) -> None:
    """Record that the seller looked at the photos, where the buyer finds it."""
    found = _find(db, number)
    if found:
        who = Actor.owner(found.seller_id).name
        record_reading(db, at=now, actor=who, subject=NAME, subject_id=number, purpose=PURPOSE, about=found.buyer_id)


def _count(db: Session, number: int) -> int:
    theirs = (Photo.subject == NAME) & (Photo.subject_id == number) & Photo.state.in_(("kept", "owed"))
    return db.scalar(select(func.count(Photo.id)).where(theirs)) or 0


def _find(db: Session, number: int) -> Row[str, str, int, int, str, str] | None:
    columns = (AfterSale.state, AfterSale.wrong, Order.seller_id, Order.buyer_id, Order.code, Order.name)
    return db.execute(
        select(*columns).join(Order, Order.id == AfterSale.order_id).where(AfterSale.id == number)
    ).first()
