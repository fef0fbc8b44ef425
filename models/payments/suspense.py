"""Keep suspense items: payments that cannot be placed, each with a task for the fund holder."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import Appeal
from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.subject import Subject
from models.giving.pledge import Pledge
from models.organisations.merchant import charity_of_merchant
from models.payments.order import PayOrder
from models.payments.platform_order import Payment
from models.staff.fund_holder import region_for_placeless
from models.staff.member import seats_of_users
from models.staff.task import Matter, open_task

KINDS = ("unknown_order", "other_amount", "paid_twice")
# Refunded by the channel; refunded by hand on the platform's page; accepted as the pledged gift.
OUTCOMES = ("given_back", "by_hand", "assigned")
_OPEN = text("closed_at IS NULL")


class SuspenseItem(Base):
    """A payment that cannot be placed: the ledger has it as unassigned, and the fund holder must settle it.

    ``unknown_order``: its order number is none of ours. ``other_amount``: it differs from the order's amount.
    ``paid_twice``: a second transaction paid the same order. ``closed_by``, ``outcome``: who settled it, and how (one
    of OUTCOMES). ``refund_no``: the number of the refund that was made by hand on the platform's page.
    """

    __tablename__ = "suspense_items"
    id: Mapped[RowId]
    kind: Mapped[str] = mapped_column(String(16))
    merchant: Mapped[str] = mapped_column(String(32))
    transaction_id: Mapped[str] = mapped_column(String(64))
    out_trade_no: Mapped[str] = mapped_column(String(32))
    order_id: Mapped[int | None] = mapped_column(index=True)
    amount_fen: Mapped[int]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    outcome: Mapped[str | None] = mapped_column(String(60))
    refund_no: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        UniqueConstraint("merchant", "transaction_id"),
        UniqueConstraint("merchant", "refund_no"),
        ForeignKeyConstraint(("order_id", "merchant"), ("pay_orders.id", "pay_orders.merchant")),
        one_of("kind", KINDS),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        Index("ix_suspense_items_open", "id", postgresql_where=_OPEN),
    )

    @property
    def cause(self) -> str:
        """The cause under which the ledger posts the suspense item."""
        return f"suspense_item:{self.id}"


SUSPENSE_ITEM = Subject("suspense_item", SuspenseItem)


def open_suspense_item(
    db: Session, kind: str, payment: Payment, order: PayOrder | None, now: datetime
) -> SuspenseItem | None:
    """Open a suspense item and its task. None where this transaction has one already, also from a concurrent worker."""
    number = db.scalar(
        insert(SuspenseItem)
        .values(
            kind=kind,
            merchant=payment.merchant,
            transaction_id=payment.transaction_id,
            out_trade_no=payment.out_trade_no,
            order_id=order.id if order else None,
            amount_fen=payment.fen,
            opened_at=now,
        )
        .on_conflict_do_nothing(index_elements=["merchant", "transaction_id"])
        .returning(SuspenseItem.id)
    )
    if number is None:
        return None
    record(db, at=now, actor="system", action="opened", subject="suspense_item", subject_id=number, detail=kind)
    matter, barred = _matter(db, number, payment.merchant, order, now)
    open_task(db, matter, "suspense_item", now, barred)
    return db.get_one(SuspenseItem, number)


def has_open_suspense_item(db: Session, pledge_id: int) -> bool:
    """Tell whether an order of the pledge has an open suspense item."""
    theirs = select(SuspenseItem.id).join(PayOrder, PayOrder.id == SuspenseItem.order_id)
    still_open = theirs.where(PayOrder.pledge_id == pledge_id, SuspenseItem.closed_at.is_(None))
    return db.scalar(still_open.limit(1)) is not None


def _matter(
    db: Session, number: int, merchant: str, order: PayOrder | None, now: datetime
) -> tuple[Matter, dict[int, str]]:
    """Return the item's region and household, and the staff who may not settle it because the gift is their own."""
    if order is None:
        charity = charity_of_merchant(db, merchant)
        return Matter("suspense_item", number, region_for_placeless(db, charity, now), None, charity), {}
    pledge = db.get_one(Pledge, order.pledge_id)
    appeal = db.get_one(Appeal, pledge.appeal_id)
    barred = dict.fromkeys(seats_of_users(db, [pledge.donor_id]), "own_gift")
    return Matter("suspense_item", number, appeal.region_code, appeal.household_id, appeal.charity_id), barred
