"""Define what all orders at WeChat Pay share: their columns and moves, and when the platform is asked about them.

A gift's order (models.payments.order) and a payment of produce (models.market.money.payment) are both such orders. The
platform's answer may be lost, so an order that is neither paid nor closed is queried again and again.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import RowId
from models.core.state_machine import SYSTEM, Actor, By, Machine

_SYSTEM = frozenset({By.SYSTEM})
MOVES: Mapping[tuple[str, str], frozenset[By]] = {
    ("created", "prepaid"): frozenset({By.OWNER}),
    # The order was placed, but the platform's answer was lost.
    ("created", "paid"): _SYSTEM,
    ("created", "closed"): _SYSTEM,
    ("prepaid", "paid"): _SYSTEM,
    ("prepaid", "closed"): _SYSTEM,
    # What comes to a closed door is money all the same.
    ("closed", "paid"): _SYSTEM,
}
LIVE = ("created", "prepaid")
# An order with less time left is not used: the platform requires a minute, and the payer needs one more.
SHORTEST = timedelta(minutes=2)
# When the platform is first asked about an order for which no callback has come.
FIRST_CHECK = timedelta(minutes=1)
# The longest time between two queries about an order; they become rarer as it grows older.
LONGEST_CHECK = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as the platform reports it, in a callback or an answer. ``merchant``: the account that it came to."""

    merchant: str
    out_trade_no: str
    transaction_id: str
    fen: int
    paid_at: datetime


class PlatformOrder:
    """The columns of an order. ``out_trade_no`` is our number of it, the other two numbers are the platform's.

    ``closed``: the platform said that it can no longer be paid, or that it does not know it. A paid order does not
    change any more. ``queried_at``: when the platform was last asked about it; ``check_at``: when it is to be asked
    again.
    """

    machine: ClassVar[Machine]

    id: Mapped[RowId]
    out_trade_no: Mapped[str] = mapped_column(String(32))
    amount_fen: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default="created")
    prepay_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    queried_at: Mapped[datetime | None]
    check_at: Mapped[datetime]
    transaction_id: Mapped[str | None] = mapped_column(String(64))
    paid_at: Mapped[datetime | None]

    @property
    @abstractmethod
    def account(self) -> str:
        """The merchant account (mchid) that it is paid to."""

    @abstractmethod
    def payer_id(self, db: Session) -> int:
        """Return the id of the person who pays."""

    @abstractmethod
    def is_awaited(self, db: Session) -> bool:
        """Tell whether what it pays for still waits for payment."""

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether it has enough time left to be paid."""
        return self.expires_at - now >= SHORTEST

    def is_over(self, db: Session, now: datetime) -> bool:
        """Tell whether it should be closed: it has expired, or what it pays for no longer waits for payment."""
        return self.expires_at <= now or not self.is_awaited(db)


Order = TypeVar("Order", bound=PlatformOrder)


def keep_prepaid(db: Session, kind: type[Order], number: int, prepay_id: str, now: datetime) -> Order:
    """Store the platform's ``prepay_id``; an order that was paid or closed meanwhile stays as it is."""
    order = lock_platform_order(db, kind, number)
    if order.state in LIVE:
        order.prepay_id = prepay_id
        if order.state == "created":
            kind.machine.move(db, order, "prepaid", Actor.owner(order.payer_id(db)), now)
        db.flush()
    return order


def begin_query(db: Session, kind: type[Order], number: int, now: datetime, apart: timedelta) -> Order | None:
    """Lock the order and mark it as queried; None if it is not live, or was queried less than ``apart`` ago.

    A query that recent belongs to another worker, which will act on the answer.
    """
    order = lock_platform_order(db, kind, number)
    lately = order.queried_at is not None and order.queried_at > now - apart
    if order.state not in LIVE or lately:
        return None
    order.queried_at = now
    db.flush()
    return order


def close_order(db: Session, kind: type[PlatformOrder], number: int, now: datetime) -> None:
    """Close a live order after the platform has confirmed that it cannot be paid any more."""
    order = lock_platform_order(db, kind, number)
    if order.state in LIVE:
        kind.machine.move(db, order, "closed", SYSTEM, now)
        db.flush()


def due_orders(db: Session, kind: type[PlatformOrder], now: datetime, most: int) -> list[int]:
    """List the orders that are due for a query, and set their next one; older orders are queried less often."""
    due = select(kind).where(kind.state.in_(LIVE), kind.check_at <= now).order_by(kind.check_at)
    orders = db.scalars(due.limit(most).with_for_update(skip_locked=True)).all()
    for order in orders:
        # An expired order is about to be closed, so it is queried again soon.
        age = now - order.created_at if order.expires_at > now else FIRST_CHECK
        order.check_at = now + min(max(age / 3, FIRST_CHECK), LONGEST_CHECK)
    db.flush()
    return [order.id for order in orders]


def lock_platform_order(db: Session, kind: type[Order], number: int) -> Order:
    """Lock the order to the end of the transaction; rows that refer to it may still be inserted."""
    return db.get_one(kind, number, with_for_update={"key_share": True}, populate_existing=True)
