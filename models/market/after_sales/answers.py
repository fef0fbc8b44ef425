"""Move an after-sale on, with its order, its clock and the township's task, by the word of either side or of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.core.one_by_one import act_on_each
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.market.after_sales.after_sale import AFTER_SALE_MACHINE, LASTS, NAME, WITHDRAWABLE, AfterSale
from models.market.after_sales.telling import tell
from models.market.money.sending import owe_part
from models.market.orders import steps
from models.market.orders.answers import Side, hold_own
from models.market.orders.order import Order
from models.market.orders.steps import Held, NoSuchOrder, lock_order, lock_orders, try_lock_order
from models.people.user import User
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import seats_of_users
from models.staff.task import Matter, close_task, open_task

STEP = "after_sale"
# Why an officer has no part in it: they bought or sold it.
PARTY = "own_goods"
BATCH = 200
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
_BY_SILENCE: Mapping[str, str] = {"asked": "township", "refused": "dismissed", "agreed": "township", "done": "settled"}


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


def say(db: Session, user_id: int | None, order_id: int, word: str, now: datetime) -> AfterSale:
    """Take a word of WORDS. Raises NoSuchOrder, also where it is the other side's to say, or AfterSaleMoved."""
    side, states, to = WORDS[word]
    held = hold_own(db, user_id, order_id, side)
    disputed = _lock(db, held)
    if disputed.found.state not in states:
        raise AfterSaleMoved(code=held.order.code, state=disputed.found.state)
    move(db, disputed, to, Actor.owner(user_id), now, by=side)
    return disputed.found


def move(db: Session, disputed: Disputed, to: str, actor: Actor, now: datetime, *, by: Side | None = None) -> None:
    """Move it, and end its order where it ends. ``by``: the side whose word it is, who is not told of it."""
    found, held = disputed.found, disputed.held
    found.due_at = now + LASTS[to] if to in LASTS else None
    found.round += to == "township"
    AFTER_SALE_MACHINE.move(db, found, to, actor, now)
    if _goes_back(disputed, to, by):
        owe_part(db, held.order.id, found.part_fen or 0, now)
        move(db, disputed, "settled", SYSTEM, now)
        return
    if to in ("settled", "dismissed", "withdrawn"):
        found.ended_at = now
        back = to == "settled" and found.wish != "again"
        steps.end_dispute(db, held, _ENDS[to, back], actor, now, lost=back and found.wrong == "not_got")
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


# How it ended, and whether money went back -> the state in which that leaves the order.
_ENDS: Mapping[tuple[str, bool], str] = {
    ("settled", True): "refunded",
    ("settled", False): "completed",
    ("dismissed", False): "rejected",
    ("withdrawn", False): "completed",
}


def matter_of(disputed: Disputed) -> Matter:
    order, listing = disputed.held.order, disputed.held.listing
    return Matter(NAME, disputed.found.id, listing.region_code, order.household_id)


def lock(db: Session, number: int) -> Disputed:
    """Lock an after-sale, and its order before it. Raises NoSuchOrder."""
    found = db.get(AfterSale, number)
    if found is None:
        raise NoSuchOrder(given=str(number))
    return _lock(db, lock_order(db, found.order_id))


def hand_to_township(db: Session, which: ColumnElement[bool], now: datetime) -> None:
    """Put before the township what buyers ask of sellers who answer no more. ``which``: a condition on Order."""
    asked = select(AfterSale.order_id).where(AfterSale.state == "asked").scalar_subquery()
    for held in lock_orders(db, which & Order.id.in_(asked)):
        disputed = _lock(db, held)
        if disputed.found.state == "asked":
            move(db, disputed, "township", SYSTEM, now)


def end_overdue_after_sales(db: Session, now: datetime) -> int:
    """End the states that are over; returns how many. One that fails is logged and stops no other."""
    due = select(AfterSale.order_id).where(AfterSale.due_at <= now).order_by(AfterSale.due_at, AfterSale.id)
    found = db.scalars(due.limit(BATCH)).all()
    return act_on_each(db, found, lambda number: _end_one(db, number, now), "after_sales")


def _end_one(db: Session, order_id: int, now: datetime) -> bool:
    held = try_lock_order(db, order_id)
    disputed = _lock(db, held) if held else None
    if disputed is None or disputed.found.due_at is None or disputed.found.due_at > now:
        return False
    move(db, disputed, _by_silence(disputed.found), SYSTEM, now)
    return True


def _by_silence(found: AfterSale) -> str:
    """Return where silence leads: what never came is not paid because its buyer did not object once more."""
    if found.state == "refused" and found.wrong == "not_got":
        return "township"
    return _BY_SILENCE[found.state]


def _lock(db: Session, held: Held) -> Disputed:
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
    open_task(db, matter_of(disputed), STEP, now, barred)
