"""Define payments of orders: what was asked of WeChat Pay, one live at a time for an order, and what came of it."""

from collections.abc import Sequence
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, one_of
from models.core.state_machine import Machine
from models.core.subject import Subject
from models.market.orders.order import Order
from models.payments.platform_order import LIVE, MOVES, PlatformOrder, lock_platform_order

MACHINE = Machine("order_payment", MOVES)
_LIVE = text(f"state IN {LIVE}")


class OrderPayment(PlatformOrder, Base):
    """A payment of an order. ``amount_fen``: what was asked for; ``paid_fen``: what came."""

    __tablename__ = "order_payments"
    machine: ClassVar[Machine] = MACHINE

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    sub_merchant: Mapped[str] = mapped_column(ForeignKey("sub_merchants.number"))
    state: Mapped[str] = mapped_column(String(8), default="created")
    paid_fen: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("out_trade_no"),
        UniqueConstraint("sub_merchant", "transaction_id"),
        one_of("state", MACHINE.states),
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
    def account(self) -> str:
        return self.sub_merchant

    def payer_id(self, db: Session) -> int:
        return db.get_one(Order, self.order_id).buyer_id

    def is_awaited(self, db: Session) -> bool:
        return db.get_one(Order, self.order_id).state == "awaiting_payment"

    @property
    def cause(self) -> str:
        """The cause under which the orders' ledger has it."""
        return f"payment:{self.id}"


ORDER_PAYMENT = Subject("order_payment", OrderPayment, MACHINE, begins=("created",))


def lock_payment(db: Session, number: int) -> OrderPayment:
    return lock_platform_order(db, OrderPayment, number)


def live_payment(db: Session, order_id: int, *, lock: bool = False) -> OrderPayment | None:
    live = select(OrderPayment).where(OrderPayment.order_id == order_id, OrderPayment.state.in_(LIVE))
    return db.scalar(live.with_for_update() if lock else live)


def paid_payments(db: Session, order_id: int, *, lock: bool = False) -> Sequence[OrderPayment]:
    """List what was paid for an order: more than one where an earlier payment came late, or with another sum."""
    paid = select(OrderPayment).where(OrderPayment.order_id == order_id, OrderPayment.state == "paid")
    paid = paid.order_by(OrderPayment.id)
    return db.scalars(paid.with_for_update() if lock else paid).all()
