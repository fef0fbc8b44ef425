"""Define payments of orders: what was asked of WeChat Pay, one live at a time for an order, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.state_machine import By, Machine
from models.core.subject import Subject

_SYSTEM = frozenset({By.SYSTEM})

PAYMENT_MACHINE = Machine(
    "order_payment",
    {
        ("created", "prepaid"): frozenset({By.OWNER}),
        # It was asked for, and the answer was lost.
        ("created", "paid"): _SYSTEM,
        ("created", "closed"): _SYSTEM,
        ("prepaid", "paid"): _SYSTEM,
        ("prepaid", "closed"): _SYSTEM,
        # What comes to a closed door is money all the same.
        ("closed", "paid"): _SYSTEM,
    },
)
LIVE = ("created", "prepaid")
_LIVE = text(f"state IN {LIVE}")


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment as the platform reports it. ``sub_merchant``: the account that has the money."""

    sub_merchant: str
    out_trade_no: str
    transaction_id: str
    fen: int
    paid_at: datetime


class OrderPayment(Base):
    """``amount_fen``: what was asked for; ``paid_fen``: what came. ``out_trade_no``: our number of it.

    ``closed``: the platform said that it can no longer be paid. ``queried_at``: when the platform was last asked about
    it; ``check_at``: when it is to be asked again.
    """

    __tablename__ = "order_payments"
    id: Mapped[RowId]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    sub_merchant: Mapped[str] = mapped_column(ForeignKey("sub_merchants.number"))
    out_trade_no: Mapped[str] = mapped_column(String(32), unique=True)
    amount_fen: Mapped[int]
    state: Mapped[str] = mapped_column(String(8), default="created")
    prepay_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    queried_at: Mapped[datetime | None]
    check_at: Mapped[datetime]
    transaction_id: Mapped[str | None] = mapped_column(String(64))
    paid_fen: Mapped[int | None]
    paid_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("sub_merchant", "transaction_id"),
        one_of("state", PAYMENT_MACHINE.states),
        CheckConstraint("amount_fen > 0 AND (paid_fen IS NULL OR paid_fen > 0)", name="amount_positive"),
        CheckConstraint("state <> 'prepaid' OR prepay_id IS NOT NULL", name="prepaid_by_number"),
        CheckConstraint(
            "(state = 'paid') = (transaction_id IS NOT NULL) AND (state = 'paid') = (paid_at IS NOT NULL) "
            "AND (state = 'paid') = (paid_fen IS NOT NULL)",
            name="paid_by_transaction",
        ),
        Index("uq_order_payments_one_live", "order_id", unique=True, postgresql_where=_LIVE),
        Index("ix_order_payments_check_at", "check_at", postgresql_where=_LIVE),
    )

    @property
    def cause(self) -> str:
        """The cause under which the orders' ledger has it."""
        return f"payment:{self.id}"


ORDER_PAYMENT = Subject("order_payment", OrderPayment, PAYMENT_MACHINE, begins=("created",))


def lock_payment(db: Session, number: int) -> OrderPayment:
    return db.get_one(OrderPayment, number, with_for_update=True, populate_existing=True)


def live_payment(db: Session, order_id: int, *, lock: bool = False) -> OrderPayment | None:
    live = select(OrderPayment).where(OrderPayment.order_id == order_id, OrderPayment.state.in_(LIVE))
    return db.scalar(live.with_for_update() if lock else live)


def paid_payments(db: Session, order_id: int, *, lock: bool = False) -> Sequence[OrderPayment]:
    """List what was paid for an order: more than one where an earlier payment came late, or with another sum."""
    paid = select(OrderPayment).where(OrderPayment.order_id == order_id, OrderPayment.state == "paid")
    paid = paid.order_by(OrderPayment.id)
    return db.scalars(paid.with_for_update() if lock else paid).all()
