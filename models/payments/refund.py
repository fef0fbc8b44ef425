"""The refunds table: money that goes back to its donor by the channel, under one number however often submitted."""

from datetime import datetime, timedelta

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import APPEAL
from models.core.base import Base, RowId, one_of
from models.core.codes import new_order_number
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.giving.pledge import Pledge
from models.payments.order import PayOrder

# The platform's own limits: PW/doc/v3/merchant/4012556457.
LAST_DAY = timedelta(days=365)
MOST_OF_ORDER = 50
APART = timedelta(minutes=1)
# After this time without progress the sweep enqueues a refund's job again.
LEASE = timedelta(minutes=2)

# asked: by the donor. late, over: paid when the appeal took no gift any more, or not as much. twice: a second payment
# of one gift. failed, cancelled, surplus: the appeal's. suspense: a suspense item. returned: a payout return.
REASONS = ("asked", "late", "over", "twice", "failed", "cancelled", "surplus", "suspense", "returned")
# The appeal never held this money: the ledger has it as unassigned.
UNASSIGNED = ("late", "over", "twice", "suspense")
# These refunds leave the gift's own state alone: a second payment, a suspense item, and the returned share of a gift
# that had been refunded before.
BESIDE = ("twice", "suspense", "returned")
# The donor did not ask for these refunds, so the choice they made while paying applies.
MAY_REDIRECT = ("late", "over", "failed", "cancelled", "surplus")

_SYSTEM = frozenset({By.SYSTEM})
_HOLDER = frozenset({By.FUND_HOLDER})
_BOTH = _SYSTEM | _HOLDER

MACHINE = Machine(
    "refund",
    {
        ("owed", "asked"): _SYSTEM,
        ("owed", "redirected"): _SYSTEM,
        # Too old to be submitted, or its order has too many refunds.
        ("owed", "refused"): _SYSTEM,
        # A late callback of an earlier submission, after the fund holder had it submitted again.
        ("owed", "paid"): _SYSTEM,
        ("owed", "abnormal"): _SYSTEM,
        ("owed", "closed"): _SYSTEM,
        ("asked", "paid"): _SYSTEM,
        ("asked", "abnormal"): _SYSTEM,
        ("asked", "closed"): _SYSTEM,
        ("asked", "refused"): _SYSTEM,
        # The fund holder submits it again or paid it by hand. The platform's own result may come first.
        **{(state, "owed"): _HOLDER for state in ("abnormal", "closed", "refused")},
        **{(state, "paid"): _BOTH for state in ("abnormal", "closed", "refused")},
        ("abnormal", "closed"): _SYSTEM,
        ("refused", "abnormal"): _SYSTEM,
        ("refused", "closed"): _SYSTEM,
    },
)
# On their way, and no person has to act.
GOING = ("owed", "asked")
# These wait for the fund holder.
STUCK = ("abnormal", "closed", "refused")
OPEN = GOING + STUCK
_ROUND = "@"
_DUE = text("due_at IS NOT NULL")
_STUCK = text(f"state IN {STUCK}")
_OWN = text("reason NOT IN ('twice', 'suspense', 'returned')")
_TWICE = text("reason = 'twice'")
_RETURNED = text("reason = 'returned'")


class Refund(Base):
    """A refund. ``out_refund_no``: our number; after the platform closed a round, the next has another ``number``.
    ``merchant``: the account of its order.

    ``refund_id``: the platform's number. ``tries``: how often it was submitted in this round, last at ``asked_at``.
    ``due_at``: when it is looked at next; None: it waits for the fund holder, or is over. ``trouble``: why it waits.
    ``redirected_to``: the pledge that it was made into. ``by_hand``: the member of staff who settled it.
    ``suspense_item_id``: the item that it refunds instead of the order's payment. ``disbursement_id``: the payout that
    was returned.
    """

    __tablename__ = "refunds"
    id: Mapped[RowId]
    pay_order_id: Mapped[int] = mapped_column(index=True)
    merchant: Mapped[str] = mapped_column(String(32))
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledges.id"))
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("refund_runs.id"))
    suspense_item_id: Mapped[int | None] = mapped_column(ForeignKey("suspense_items.id"), unique=True)
    disbursement_id: Mapped[int | None] = mapped_column(ForeignKey("disbursements.id"))
    out_refund_no: Mapped[str] = mapped_column(String(40))
    amount_fen: Mapped[int]
    reason: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12), default="owed")
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    trouble: Mapped[str | None] = mapped_column(String(32))
    refund_id: Mapped[str | None] = mapped_column(String(64))
    redirected_to: Mapped[int | None] = mapped_column(ForeignKey("pledges.id"), unique=True)
    by_hand: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("merchant", "out_refund_no"),
        ForeignKeyConstraint(("pay_order_id", "merchant"), ("pay_orders.id", "pay_orders.merchant")),
        one_of("state", MACHINE.states),
        one_of("reason", REASONS),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("(state = 'redirected') = (redirected_to IS NOT NULL)", name="redirected_somewhere"),
        CheckConstraint("(state IN ('paid', 'redirected')) = (ended_at IS NOT NULL)", name="ended_once_done"),
        CheckConstraint("state = 'paid' OR by_hand IS NULL", name="paid_by_hand"),
        CheckConstraint("(reason = 'suspense') = (suspense_item_id IS NOT NULL)", name="of_a_suspense_item"),
        CheckConstraint("(reason = 'returned') = (disbursement_id IS NOT NULL)", name="of_a_return"),
        # A gift is refunded once, with all that is left of it; so is each order that paid a gift a second time.
        Index("uq_refunds_of_pledge", "pledge_id", unique=True, postgresql_where=_OWN),
        Index("uq_refunds_of_order", "pay_order_id", unique=True, postgresql_where=_TWICE),
        Index(
            "uq_refunds_of_return",
            "disbursement_id",
            "pledge_id",
            unique=True,
            postgresql_where=_RETURNED,
        ),
        Index("ix_refunds_due", "due_at", "id", postgresql_where=_DUE),
        Index("ix_refunds_stuck", "appeal_id", "id", postgresql_where=_STUCK),
        Index("ix_refunds_run", "run_id", "state", "amount_fen"),
    )

    @property
    def cause(self) -> str:
        """The cause under which the ledger posts the refund."""
        return f"refund:{self.id}"

    @property
    def number(self) -> str:
        """The number under which the platform has the refund in this round."""
        return self.out_refund_no if self.round == 1 else f"{self.out_refund_no}{_ROUND}{self.round}"

    @property
    def is_of_gift(self) -> bool:
        """Whether it refunds the gift itself, so that the pledge's state follows it."""
        return self.reason not in BESIDE


REFUND = Subject("refund", Refund, MACHINE, begins=("owed",), parent=APPEAL, parent_id=Refund.appeal_id)


def new_refund(
    db: Session,
    order: PayOrder,
    pledge: Pledge,
    fen: int,
    reason: str,
    now: datetime,
    *,
    run_id: int | None = None,
    suspense_item_id: int | None = None,
    disbursement_id: int | None = None,
    flush: bool = True,
) -> Refund:
    """Insert an owed refund of ``fen`` of this order, under a new number; the caller posts it to the ledger.

    ``flush``: False where the caller flushes, once for many.
    """
    refund = Refund(
        pay_order_id=order.id,
        merchant=order.merchant,
        pledge_id=pledge.id,
        appeal_id=pledge.appeal_id,
        run_id=run_id,
        suspense_item_id=suspense_item_id,
        disbursement_id=disbursement_id,
        out_refund_no=new_order_number(),
        amount_fen=fen,
        reason=reason,
        state="owed",
        created_at=now,
        due_at=now + LEASE,
    )
    db.add(refund)
    if flush:
        db.flush()
    return refund


def find_refund(db: Session, merchant: str, number: str) -> Refund | None:
    """Find a refund by its number at this merchant account, of this round or of an earlier one, without a lock.

    None: it is none of ours.
    """
    ours = (Refund.merchant == merchant) & (Refund.out_refund_no == number.partition(_ROUND)[0])
    return db.scalar(select(Refund).where(ours))
