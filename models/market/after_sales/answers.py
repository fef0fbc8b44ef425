"""Move an after-sale on, with its order, its clock and the township's task, by the word of either side."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.market.after_sales.after_sale import (
    AFTER_SALE_MACHINE,
    LASTS,
    NAME,
    REMINDED_BEFORE,
    WITHDRAWABLE,
    AfterSale,
)
from models.market.after_sales.deadline import decide_by, due_within
from models.market.after_sales.telling import tell
from models.market.money.sending import owe_part
from models.market.orders import steps
from models.market.orders.answers import Side, hold_own
from models.market.orders.order import Order
from models.market.orders.steps import Held, NoSuchOrder, lock_order, lock_orders
from models.market.rules import NO_CROPS, MarketRules
from models.people.user import User
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import seats_of_users
from models.staff.task import Matter, close_task, open_task

STEP = "after_sale"
# Why an officer has no part in it: they bought or sold it.
PARTY = "own_goods"
# Word -> the side that says it, the states in which it is said, and the state to which it leads.
WORDS: Mapping[str, tuple[Side, tuple[str, ...], str]] = {
    "agree": ("seller", ("asked",), "agreed"),
    "refuse": ("seller", ("asked",), "refused"),
    "given_back": ("seller", ("agreed",), "done"),
    "object": ("buyer", ("refused",), "township"),
    "not_back": ("buyer", ("done",), "township"),
    "settle": ("buyer", ("done",), "settled"),
    "withdraw": ("buyer", WITHDRAWABLE, "withdrawn"),
}


class AfterSaleMoved(Refusal):
    """The after-sale of the order ``code`` is no longer where this answer belongs. ``state``: where it is now."""

    code = "after_sale_moved"
    final = True


@dataclass(frozen=True, slots=True)
class Disputed:
    """A locked after-sale with its locked order."""

    found: AfterSale
    held: Held


def of_order(db: Session, order_id: int) -> AfterSale | None:
    return db.scalar(select(AfterSale).where(AfterSale.order_id == order_id))


def say(
    db: Session, user_id: int | None, order_id: int, word: str, now: datetime, rules: MarketRules = NO_CROPS
) -> AfterSale:
    """Take a word of WORDS. Raises NoSuchOrder, also where it is the other side's to say, or AfterSaleMoved."""
    side, states, to = WORDS[word]
    held = hold_own(db, user_id, order_id, side)
    disputed = lock_of(db, held)
    if disputed.found.state not in states:
        raise AfterSaleMoved(code=held.order.code, state=disputed.found.state)
    move(db, disputed, to, Actor.owner(user_id), now, by=side, again_within=rules.again_within)
    return disputed.found


def move(
    db: Session,
    disputed: Disputed,
    to: str,
    actor: Actor,
    now: datetime,
    *,
    by: Side | None = None,
    again_within: timedelta = NO_CROPS.again_within,
) -> None:
    """Move it, and end its order where it ends. ``by``: the side whose word it is, who is not told of it.

    ``again_within``: how long a seller has who is to send the goods again.
    """
    found, held = disputed.found, disputed.held
    lasts = again_within if (to, found.wish) == ("agreed", "again") else LASTS.get(to)
    found.due_at = due_within(found, to, now + lasts if lasts else None, decide_by(db, found, held.order), now)
    remind_at = found.due_at - REMINDED_BEFORE[to] if found.due_at and to in REMINDED_BEFORE else None
    # What ends sooner was said a moment ago.
    found.remind_at = remind_at if remind_at and remind_at > now else None
    found.round += to == "township"
    AFTER_SALE_MACHINE.move(db, found, to, actor, now)
    if _goes_back(disputed, to, by):
        owe_part(db, held.order.id, found.part_fen or 0, now)
        move(db, disputed, "settled", SYSTEM, now)
        return
    if to in _OVER:
        found.ended_at = now
        _end_order(db, disputed, actor, now)
    db.flush()
    if to == "township":
        _ask_township(db, disputed, now)
    else:
        close_task(db, NAME, found.id, now)
    tell(db, found, held.order, now, by)


def _goes_back(disputed: Disputed, to: str, by: Side | None) -> bool:
    """Tell whether money that WeChat Pay keeps goes back now: once it is agreed, or decided by the township.

    Where the seller agrees that nothing is wrong with the goods and they come back, it is once the seller has them.
    """
    found = disputed.found
    if disputed.held.order.paid_at is None or found.part_fen is None:
        return False
    return to == "done" or (to == "agreed" and not (by == "seller" and found.wrong == "unwanted"))


def _end_order(db: Session, disputed: Disputed, actor: Actor, now: datetime) -> None:
    """End the order of an after-sale that is over; where time ended it, what was paid goes back."""
    found, held = disputed.found, disputed.held
    back = found.state == "settled" and found.wish != "again"
    by_time = found.state in ("unkept", "undecided")
    if by_time and held.order.paid_at:
        back = True
        owe_part(db, held.order.id, found.part_fen or held.order.total_fen, now)
    state = "refunded" if back else _OVER[found.state]
    steps.end_dispute(db, held, state, actor, now, lost=(back or by_time) and found.wrong == "not_got")


# How it ended -> the state in which that leaves its order, where no money goes back.
_OVER: Mapping[str, str] = {
    "settled": "completed",
    "dismissed": "rejected",
    "withdrawn": "completed",
    "unkept": "rejected",
    "undecided": "refunded",
}


def matter_of(disputed: Disputed) -> Matter:
    order, listing = disputed.held.order, disputed.held.listing
    return Matter(NAME, disputed.found.id, listing.region_code, order.household_id)


def lock(db: Session, number: int) -> Disputed:
    """Lock an after-sale, and its order before it. Raises NoSuchOrder."""
    found = db.get(AfterSale, number)
    if found is None:
        raise NoSuchOrder(given=str(number))
    return lock_of(db, lock_order(db, found.order_id))


def hand_to_township(db: Session, which: ColumnElement[bool], now: datetime) -> None:
    """Put before the township what buyers ask of sellers who answer no more. ``which``: a condition on Order."""
    asked = select(AfterSale.order_id).where(AfterSale.state == "asked").scalar_subquery()
    for held in lock_orders(db, which & Order.id.in_(asked)):
        disputed = lock_of(db, held)
        if disputed.found.state == "asked":
            move(db, disputed, "township", SYSTEM, now)


def lock_of(db: Session, held: Held) -> Disputed:
    """Lock the order's after-sale. Raises NoSuchOrder where it has none."""
    its_own = select(AfterSale).where(AfterSale.order_id == held.order.id).with_for_update()
    found = db.scalar(its_own.execution_options(populate_existing=True))
    if found is None:
        raise NoSuchOrder(given=held.order.code)
    return Disputed(found, held)


def _ask_township(db: Session, disputed: Disputed, now: datetime) -> None:
    """Open the township's task; who bought or sold it, or is kin of either, has no part in it."""
    order = disputed.held.order
    buyer = db.get_one(User, order.buyer_id)
    barred = {**conflicts_with(db, buyer.household_id)} if buyer.household_id else {}
    barred |= dict.fromkeys(seats_of_users(db, [order.buyer_id, order.seller_id]), PARTY)
    task = open_task(db, matter_of(disputed), STEP, now, barred)
    if disputed.found.due_at:
        # It goes up to the county while that can still decide.
        task.due_at = min(task.due_at, now + (disputed.found.due_at - now) / 2)
        db.flush()
