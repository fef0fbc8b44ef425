"""Refunds: money of a donor's that goes back the way it came, under one number however often it is asked for."""

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.state_machine import By, Machine

# The platform's own limits: PW/doc/v3/merchant/4012556457.
LAST_DAY = timedelta(days=365)
MOST_OF_ORDER = 50
APART = timedelta(minutes=1)
# A job for it was enqueued, and is enqueued again after so long.
LEASE = timedelta(minutes=2)

# asked: by the donor. late, over: paid when the appeal took nothing any more, or not as much. twice: a second order of
# a gift that was paid. failed, cancelled: the appeal.
REASONS = ("asked", "late", "over", "twice", "failed", "cancelled", "surplus", "case", "returned")
# These never came to the appeal: the ledger has them as nobody's.
UNASSIGNED = ("late", "over", "twice", "case")
# Not the gift itself, which stands as it stood: a second payment of it, one that could not be right, and what the bank
# gave back of a gift that had gone back before.
BESIDE = ("twice", "case", "returned")
# The donor was not asked before: what they chose while paying holds.
MAY_REDIRECT = ("late", "over", "failed", "cancelled", "surplus")

_SYSTEM = frozenset({By.SYSTEM})
_HOLDER = frozenset({By.FUND_HOLDER})
_BOTH = _SYSTEM | _HOLDER

MACHINE = Machine(
    "refund",
    {
        ("owed", "asked"): _SYSTEM,
        ("owed", "redirected"): _SYSTEM,
        # Too old to be asked for, or one too many of its order.
        ("owed", "refused"): _SYSTEM,
        # A callback of what was asked for before a person had it asked for again.
        ("owed", "paid"): _SYSTEM,
        ("owed", "abnormal"): _SYSTEM,
        ("owed", "closed"): _SYSTEM,
        ("asked", "paid"): _SYSTEM,
        ("asked", "abnormal"): _SYSTEM,
        ("asked", "closed"): _SYSTEM,
        ("asked", "refused"): _SYSTEM,
        # A person sees to it: again, or done by hand. The platform's own word of it may come first.
        **{(state, "owed"): _HOLDER for state in ("abnormal", "closed", "refused")},
        **{(state, "paid"): _BOTH for state in ("abnormal", "closed", "refused")},
        ("abnormal", "closed"): _SYSTEM,
        ("refused", "abnormal"): _SYSTEM,
        ("refused", "closed"): _SYSTEM,
    },
)
# On their way.
GOING = ("owed", "asked")
# These wait for a person.
STUCK = ("abnormal", "closed", "refused")
OPEN = GOING + STUCK
_ROUND = "@"
_DUE = text("due_at IS NOT NULL")
_STUCK = text(f"state IN {STUCK}")
_OWN = text("reason NOT IN ('twice', 'case', 'returned')")
_TWICE = text("reason = 'twice'")
_RETURNED = text("reason = 'returned'")


class Refund(Base):
    """``out_refund_no`` is ours, of the first round; after the platform closed that, the next has another ``number``.

    ``refund_id``: the platform's. ``tries``: how often it was asked for in this round, last at ``asked_at``.
    ``due_at``: when it is looked at next; None: it waits for a person, or is over. ``trouble``: why it waits for one.
    ``redirected_to``: the pledge that was made of it. ``by_hand``: who of the staff has settled it. ``case_id``: whose
    money it is instead of the order's. ``disbursement_id``: which the bank gave back.
    """

    __tablename__ = "refunds"
    id: Mapped[RowId]
    pay_order_id: Mapped[int] = mapped_column(ForeignKey("pay_orders.id"), index=True)
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledges.id"))
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("refund_runs.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("suspense_items.id"), unique=True)
    disbursement_id: Mapped[int | None] = mapped_column(ForeignKey("disbursements.id"))
    out_refund_no: Mapped[str] = mapped_column(String(40), unique=True)
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
        one_of("state", MACHINE.states),
        one_of("reason", REASONS),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("(state = 'redirected') = (redirected_to IS NOT NULL)", name="redirected_somewhere"),
        CheckConstraint("(state IN ('paid', 'redirected')) = (ended_at IS NOT NULL)", name="ended_once_done"),
        CheckConstraint("state = 'paid' OR by_hand IS NULL", name="paid_by_hand"),
        CheckConstraint("(reason = 'case') = (case_id IS NOT NULL)", name="of_a_case"),
        CheckConstraint("(reason = 'returned') = (disbursement_id IS NOT NULL)", name="of_a_return"),
        # All that is left of a gift goes back at once, so once; and each order that was one too many.
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
        """What the ledger posts it for."""
        return f"refund:{self.id}"

    @property
    def number(self) -> str:
        """Under which the platform has it in this round."""
        return self.out_refund_no if self.round == 1 else f"{self.out_refund_no}{_ROUND}{self.round}"

    @property
    def is_of_gift(self) -> bool:
        """Is it the gift's own money, so that the pledge goes with it?"""
        return self.reason not in BESIDE


def find_number(db: Session, number: str) -> Refund | None:
    """By this round's number or an earlier one's. Not held."""
    return db.scalar(select(Refund).where(Refund.out_refund_no == number.partition(_ROUND)[0]))
