"""Let the township decide on an after-sale: the file without names, and a decision with its reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.goods.exchange import NoSuchThing
from models.market.after_sales import answers
from models.market.after_sales.after_sale import NAME, AfterSale
from models.market.after_sales.answers import Disputed
from models.market.orders.order import Order
from models.market.rules import NO_CROPS, MarketRules
from models.staff.decision import decide
from models.staff.file_access import TaskView, has_read, may_read_as_authority, record_file_access, view_task
from models.staff.member import Staff
from models.staff.task import Task, close_task
from models.staff.turn import demand_task


@dataclass(frozen=True, slots=True)
class AfterSaleFile:
    """An after-sale as an officer sees it. ``refunded`` and ``sold``: how many orders of this seller were completed,
    and how many of them ended with money back; ``unkept``: how often they did not do what was decided; ``asked``: how
    many after-sales this buyer asked for before.
    """

    number: int
    order: Order
    after_sale: AfterSale
    refunded: int
    sold: int
    unkept: int
    asked: int
    task: TaskView


def find_readable(db: Session, staff: Staff, number: int) -> Disputed | None:
    """Return the after-sale if this officer may read its file; else None."""
    if db.get(AfterSale, number) is None:
        return None
    disputed = answers.lock(db, number)
    return disputed if may_read_as_authority(db, staff, answers.matter_of(disputed)) else None


def open_file(db: Session, staff: Staff, number: int, now: datetime) -> AfterSaleFile:
    """Show it to an officer of the place; the reading is recorded. Raises NoSuchThing."""
    disputed = find_readable(db, staff, number)
    if disputed is None:
        raise NoSuchThing(what=NAME, number=number)
    order = disputed.held.order
    record_file_access(db, staff, NAME, number, order.buyer_id, now)
    ended = select(func.count(Order.id)).where(Order.seller_id == order.seller_id)
    asked = select(func.count(AfterSale.id)).join(Order, Order.id == AfterSale.order_id)
    return AfterSaleFile(
        number=number,
        order=order,
        after_sale=disputed.found,
        refunded=db.scalar(ended.where(Order.state == "refunded")) or 0,
        sold=db.scalar(ended.where(Order.state.in_(("completed", "refunded", "rejected")))) or 0,
        unkept=db.scalar(asked.where(Order.seller_id == order.seller_id, AfterSale.state == "unkept")) or 0,
        asked=db.scalar(asked.where(Order.buyer_id == order.buyer_id, AfterSale.id != number)) or 0,
        task=view_task(db, staff, NAME, number),
    )


def is_read(db: Session, staff: Staff, number: int) -> bool:
    """Tell whether this officer has read it as it now is, which is required before deciding."""
    return has_read(db, staff, NAME, number)


def check_decidable(db: Session, staff: Staff, number: int) -> tuple[Disputed, Task]:
    """Lock it for the officer whose turn it is.

    Raises NoSuchThing, OutsideRegion, NotYourTurn, NotIdentified or HasConflict.
    """
    if db.get(AfterSale, number) is None:
        raise NoSuchThing(what=NAME, number=number)
    disputed = answers.lock(db, number)
    return disputed, demand_task(db, staff, answers.matter_of(disputed), disputed.found.state)


def decide_for(
    db: Session,
    staff: Staff,
    number: int,
    reasons: Sequence[str],
    now: datetime,
    rules: MarketRules = NO_CROPS,
    *,
    buyer: bool,
) -> AfterSale:
    """Decide for the buyer or for the seller, and tell both. Raises as ``check_decidable`` does."""
    disputed, _task = check_decidable(db, staff, number)
    found = disputed.found
    decide(db, answers.matter_of(disputed), found.round, staff, "uphold" if buyer else "dismiss", now, reasons)
    close_task(db, NAME, number, now, staff)
    to = "agreed" if buyer else "dismissed"
    answers.move(db, disputed, to, staff.actor, now, again_within=rules.again_within)
    return found
