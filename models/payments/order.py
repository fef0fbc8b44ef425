"""Keep the pay orders of gifts at WeChat Pay, one live order per pledge.

Numbers of the platform, and ours at it, are known by the merchant account (mchid) that they belong to: another
account's order may have the same number.
"""

from datetime import timedelta
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, one_of
from models.core.state_machine import Machine
from models.core.subject import Subject
from models.giving.pledge import Pledge
from models.payments.platform_order import LIVE, MOVES, PlatformOrder

# How long the platform keeps a prepay_id.
ORDER_LASTS = timedelta(hours=2)

MACHINE = Machine("pay_order", MOVES)
_LIVE = text(f"state IN {LIVE}")


class PayOrder(PlatformOrder, Base):
    """An order that pays a pledge. ``merchant``: the account of the appeal's charity."""

    __tablename__ = "pay_orders"
    machine: ClassVar[Machine] = MACHINE

    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledges.id"), index=True)
    merchant: Mapped[str] = mapped_column(String(32))

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
    def account(self) -> str:
        return self.merchant

    @property
    def cause(self) -> str:
        """The cause under which the ledger posts the order's payment."""
        return f"order:{self.id}"

    def payer_id(self, db: Session) -> int:
        return db.get_one(Pledge, self.pledge_id).donor_id

    def is_awaited(self, db: Session) -> bool:
        return db.get_one(Pledge, self.pledge_id).state == "awaiting_payment"


PAY_ORDER = Subject("pay_order", PayOrder, MACHINE, begins=("created",))


def find_order(db: Session, merchant: str, out_trade_no: str) -> PayOrder | None:
    """Find an order by our number of it at this merchant account, without a lock. None: it is none of ours."""
    return db.scalar(select(PayOrder).where(PayOrder.merchant == merchant, PayOrder.out_trade_no == out_trade_no))


def live_order(db: Session, pledge_id: int, *, lock: bool = False) -> PayOrder | None:
    theirs = select(PayOrder).where(PayOrder.pledge_id == pledge_id, PayOrder.state.in_(LIVE))
    return db.scalar(theirs.with_for_update() if lock else theirs)
