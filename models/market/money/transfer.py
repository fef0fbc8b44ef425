"""Define transfers: what leaves a payment of an order, back to the buyer or on to the seller, each exactly once."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Select, SmallInteger, String, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, among, one_of
from models.core.codes import new_order_number
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.market.money.payment import OrderPayment

# refund: back to the buyer. release: what is still frozen becomes the seller's own.
KINDS = ("refund", "release")
# late: paid when the order waited for no payment any more. other_amount: not what was asked for. cancelled: the order
# was. less: there was less to harvest than was ordered. after_sale: as was agreed or decided. completed: the buyer
# kept it, or it is what the seller keeps of it.
REASONS = ("late", "other_amount", "cancelled", "less", "after_sale", "completed")

_SYSTEM = frozenset({By.SYSTEM})

TRANSFER_MACHINE = Machine(
    "order_transfer",
    {
        ("owed", "asked"): _SYSTEM,
        # A late word about an earlier asking, after the operator had it asked again.
        ("owed", "done"): _SYSTEM,
        ("asked", "done"): _SYSTEM,
        ("asked", "stuck"): _SYSTEM,
        # The operator has it asked again, or it was done on WeChat Pay's page.
        ("stuck", "owed"): _SYSTEM,
        ("stuck", "done"): _SYSTEM,
    },
)
GOING = ("owed", "asked")
_ROUND = "@"
# After this time without progress the sweep looks at it again.
LEASE = timedelta(minutes=2)


class OrderTransfer(Base):
    """``number``: ours, which a new ``round`` follows after the platform closed one. ``due_at``: when it is looked at
    next; None: it waits for the operator, or is over. ``trouble``: why it waits. ``by_hand``: the operator did it.
    """

    __tablename__ = "order_transfers"
    id: Mapped[RowId]
    payment_id: Mapped[int] = mapped_column(ForeignKey("order_payments.id"), index=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(String(12))
    base_number: Mapped[str] = mapped_column(String(40), unique=True)
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    amount_fen: Mapped[int]
    state: Mapped[str] = mapped_column(String(8), default="owed")
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    trouble: Mapped[str | None] = mapped_column(String(32))
    by_hand: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("kind", KINDS),
        one_of("reason", REASONS),
        one_of("state", TRANSFER_MACHINE.states),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("(state = 'done') = (ended_at IS NOT NULL)", name="ended_once_done"),
        CheckConstraint("(state = 'stuck') = (trouble IS NOT NULL)", name="stuck_for_a_reason"),
        CheckConstraint("(kind = 'release') = (reason = 'completed')", name="reason_of_kind"),
        Index("uq_order_transfers_release", "payment_id", unique=True, postgresql_where=text("kind = 'release'")),
        Index("ix_order_transfers_due", "due_at", "id", postgresql_where=text("due_at IS NOT NULL")),
    )

    @property
    def number(self) -> str:
        """The number under which the platform has it in this round."""
        return self.base_number if self.round == 1 else f"{self.base_number}{_ROUND}{self.round}"

    @property
    def cause(self) -> str:
        """The cause under which the orders' ledger has it."""
        return f"transfer:{self.id}"


ORDER_TRANSFER = Subject("order_transfer", OrderTransfer, TRANSFER_MACHINE, begins=("owed",))


def lock_transfer(db: Session, number: int) -> OrderTransfer | None:
    return db.get(OrderTransfer, number, with_for_update=True, populate_existing=True)


def find_transfer(db: Session, number: str) -> OrderTransfer | None:
    """Find a transfer by our number of it, of this round or of an earlier one."""
    return db.scalar(select(OrderTransfer).where(OrderTransfer.base_number == number.partition(_ROUND)[0]))


def left_of(db: Session, payment: OrderPayment) -> int:
    """Return the fen of a paid payment that no transfer takes. The caller holds the payment."""
    taken = select(func.coalesce(func.sum(OrderTransfer.amount_fen), 0)).where(OrderTransfer.payment_id == payment.id)
    return (payment.paid_fen or 0) - (db.scalar(taken) or 0)


def owe(
    db: Session, payment: OrderPayment, kind: str, reason: str, now: datetime, *, most: int | None = None
) -> OrderTransfer | None:
    """Owe all that is left of a payment, or ``most`` of it; None where nothing is. The caller holds the payment."""
    left = left_of(db, payment)
    left = left if most is None else min(left, most)
    if not left:
        return None
    transfer = _transfer(payment, kind, reason, left, now)
    db.add(transfer)
    db.flush()
    return transfer


def owe_all(db: Session, orders: Select[Any], kind: str, reason: str, now: datetime) -> None:
    """Owe all that is left of what was paid for many orders, as ``owe`` does. The caller holds the orders."""
    payment = OrderPayment
    paid = select(payment).where(payment.order_id.in_(orders), payment.state == "paid").order_by(payment.id)
    payments = db.scalars(paid.with_for_update().execution_options(populate_existing=True)).all()
    sums = select(OrderTransfer.payment_id, func.sum(OrderTransfer.amount_fen))
    sums = sums.where(among(OrderTransfer.payment_id, [each.id for each in payments]))
    taken = {int(row[0]): int(row[1]) for row in db.execute(sums.group_by(OrderTransfer.payment_id))}
    left = [(each, (each.paid_fen or 0) - taken.get(each.id, 0)) for each in payments]
    db.add_all([_transfer(each, kind, reason, fen, now) for each, fen in left if fen])
    db.flush()


def _transfer(payment: OrderPayment, kind: str, reason: str, fen: int, now: datetime) -> OrderTransfer:
    return OrderTransfer(
        payment_id=payment.id,
        order_id=payment.order_id,
        kind=kind,
        reason=reason,
        base_number=new_order_number(),
        amount_fen=fen,
        state="owed",
        created_at=now,
        due_at=now,
    )
