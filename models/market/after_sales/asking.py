"""Take what a buyer says was wrong with an order, and what they wish: within the law's days, once for each order."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.market.after_sales import answers
from models.market.after_sales.after_sale import HOURS_IF_FRESH, LASTS, AfterSale
from models.market.after_sales.answers import Disputed
from models.market.after_sales.deadline import decide_by, due_within
from models.market.after_sales.telling import tell
from models.market.orders import steps
from models.market.orders.answers import OrderMoved, hold_own
from models.market.orders.order import Order
from models.market.orders.steps import Held
from models.organisations.organisation import is_dissolved

# States of an order of which its buyer may say that something is wrong.
ASKABLE = ("shipped", "delivered")


class AskedBefore(Refusal):
    """There was an after-sale of the order ``code``, which is over or still open."""

    code = "asked_before"
    final = True


class TooLateForFresh(Refusal):
    """It is fresh, and was delivered more than ``hours`` ago."""

    code = "too_late_for_fresh"
    final = True


class NotReturnable(Refusal):
    """It is fresh, so that it does not go back without a reason (Consumer Protection Law, article 25)."""

    code = "not_returnable"
    step = "wrong"


class OnlyNotGot(Refusal):
    """It is on its way: nothing can be said of it but that it did not come."""

    code = "only_not_got"
    step = "wrong"


class TooMuchBack(Refusal):
    """More was asked back than was to be paid (``total_fen``)."""

    code = "too_much_back"
    step = "sum"


@dataclass(frozen=True, slots=True)
class NewAfterSale:
    draft_id: str
    wrong: str
    wish: str
    part_fen: int | None


def hold_askable(db: Session, buyer_id: int | None, number: int) -> Held:
    """Lock the buyer's order, of which something may be wrong. Raises NoSuchOrder, AskedBefore or OrderMoved."""
    held = hold_own(db, buyer_id, number, "buyer")
    order = held.order
    if db.scalar(select(AfterSale.id).where(AfterSale.order_id == number)):
        raise AskedBefore(code=order.code)
    if order.state not in ASKABLE:
        raise OrderMoved(number=order.id, code=order.code, name=order.name, state=order.state)
    return held


def check_wrong(order: Order, wrong: str, now: datetime) -> None:
    """Raises OnlyNotGot, NotReturnable or TooLateForFresh."""
    if wrong == "not_got":
        return
    if order.state == "shipped":
        raise OnlyNotGot(code=order.code)
    if order.fresh and wrong == "unwanted":
        raise NotReturnable(code=order.code)
    if order.fresh and order.delivered_at and now > order.delivered_at + HOURS_IF_FRESH:
        raise TooLateForFresh(code=order.code, hours=int(HOURS_IF_FRESH.total_seconds() // 3600))


def ask(db: Session, buyer_id: int | None, number: int, wanted: NewAfterSale, now: datetime) -> AfterSale:
    """Ask the seller, or the township where the seller is an organisation that is no more.

    The same draft again returns the earlier after-sale.

    Raises as ``hold_askable`` and ``check_wrong`` do, or TooMuchBack.
    """
    earlier = db.scalar(select(AfterSale).where(AfterSale.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    held = hold_askable(db, buyer_id, number)
    order = held.order
    check_wrong(order, wanted.wrong, now)
    part = {"part": wanted.part_fen, "all": order.total_fen, "again": None}[wanted.wish]
    if part is not None and part > order.total_fen:
        raise TooMuchBack(total_fen=order.total_fen)
    found = AfterSale(
        draft_id=wanted.draft_id,
        order_id=number,
        wrong=wanted.wrong,
        wish=wanted.wish,
        part_fen=part,
        state="asked",
        asked_at=now,
    )
    found.due_at = due_within(found, "asked", now + LASTS["asked"], decide_by(db, found, order), now)
    db.add(found)
    steps.dispute(db, held, Actor.owner(buyer_id), now)
    if is_dissolved(db, order.household_id):
        answers.move(db, Disputed(found, held), "township", SYSTEM, now)
    else:
        tell(db, found, order, now)
    return found
