"""Keep pay orders at WeChat Pay, one live order per pledge, and say what a payment is.

Numbers of the platform, and ours at it, are known by the merchant account (mchid) that they belong to: another
account's order may have the same number.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.state_machine import By, Machine
from models.core.subject import Subject

_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})
# How long the platform keeps a prepay_id.
ORDER_LASTS = timedelta(hours=2)

MACHINE = Machine(
    "pay_order",
    {
        ("created", "prepaid"): _OWNER,
        # The order was placed, but the platform's answer was lost.
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
class Payment:
    """A payment as the platform reports it, in a callback or an answer. ``merchant``: the account that it came to."""

    merchant: str
    out_trade_no: str
    transaction_id: str
    fen: int
    paid_at: datetime


class PayOrder(Base):
    """An order. ``closed``: the platform said that it can no longer be paid, or that it does not know it.

    ``transaction_id`` and ``paid_at`` are the platform's; a paid order does not change any more.
    ``queried_at``: when the platform was last asked about it; ``check_at``: when it is to be asked again.
    """

    __tablename__ = "pay_orders"
    id: Mapped[RowId]
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledges.id"), index=True)
    merchant: Mapped[str] = mapped_column(String(32))
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

    __table_args__ = (
        UniqueConstraint("merchant", "out_trade_no"),
        UniqueConstraint("merchant", "transaction_id"),
        # What refers to an order is of the same account.
        UniqueConstraint("id", "merchant"),
        one_of("state", MACHINE.states),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("state <> 'prepaid' OR prepay_id IS NOT NULL", name="prepaid_by_number"),
        CheckConstraint(
            "(state = 'paid') = (transaction_id IS NOT NULL) AND (state = 'paid') = (paid_at IS NOT NULL)",
            name="paid_by_transaction",
        ),
        Index("uq_pay_orders_one_live", "pledge_id", unique=True, postgresql_where=_LIVE),
        Index("ix_pay_orders_check_at", "check_at", postgresql_where=_LIVE),
    )

    @property
    def cause(self) -> str:
        """The cause under which the ledger posts the order's payment."""
        return f"order:{self.id}"


PAY_ORDER = Subject("pay_order", PayOrder, MACHINE, begins=("created",))


def find_order(db: Session, merchant: str, out_trade_no: str) -> PayOrder | None:
    """Find an order by our number of it at this merchant account, without a lock. None: it is none of ours."""
    return db.scalar(select(PayOrder).where(PayOrder.merchant == merchant, PayOrder.out_trade_no == out_trade_no))


def live_order(db: Session, pledge_id: int, *, lock: bool = False) -> PayOrder | None:
    theirs = select(PayOrder).where(PayOrder.pledge_id == pledge_id, PayOrder.state.in_(LIVE))
    return db.scalar(theirs.with_for_update() if lock else theirs)
