"""Bills: the days of the payment channel with their lines, and where they differ from our books.

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop, keep_fixed

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_OPEN = sa.text("state = 'open'")
_SUMS = ("tries", "lines", "paid_fen", "refunded_fen", "fees_fen", "ledger_paid_fen", "ledger_refunded_fen")


def upgrade() -> None:
    _days()
    _lines()
    _differences()
    op.create_index("ix_pay_orders_paid_at", "pay_orders", ["paid_at"])
    op.create_index("ix_refunds_ended_at", "refunds", ["ended_at"])
    keep_fixed("differences", ("day", "kind", "subject", "number", "out_trade_no", "found_at"), "1 = 1")
    keep_fixed("differences", ("state", "closed_at", "closed_by", "reason"), "OLD.state = 'closed'", "closed_once")


def downgrade() -> None:
    drop("differences", "differences_closed_once", "differences_fixed")
    op.drop_index("ix_refunds_ended_at", table_name="refunds")
    op.drop_index("ix_pay_orders_paid_at", table_name="pay_orders")
    op.drop_table("differences")
    op.drop_table("bill_lines")
    op.drop_table("bill_days")


def _days() -> None:
    op.create_table(
        "bill_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("due_at", _TIME, nullable=True),
        sa.Column("trouble", sa.String(length=60), nullable=True),
        sa.Column("fetched_at", _TIME, nullable=True),
        sa.Column("compared_at", _TIME, nullable=True),
        *(sa.Column(name, _KEY, server_default="0", nullable=False) for name in _SUMS),
        sa.CheckConstraint("state IN ('compared', 'kept', 'wanted')", name=op.f("ck_bill_days_state_known")),
        sa.CheckConstraint("(state = 'wanted') = (fetched_at IS NULL)", name=op.f("ck_bill_days_kept_once_fetched")),
        sa.CheckConstraint(
            "state <> 'compared' OR compared_at IS NOT NULL", name=op.f("ck_bill_days_compared_at_a_time")
        ),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_bill_days")),
    )
    op.create_index("ix_bill_days_due_at", "bill_days", ["due_at"])


def _lines() -> None:
    op.create_table(
        "bill_lines",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("line", _KEY, autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(length=8), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("thing", sa.String(length=64), nullable=False),
        sa.Column("out_trade_no", sa.String(length=32), nullable=False),
        sa.Column("fen", _KEY, nullable=False),
        sa.Column("fee_fen", _KEY, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.CheckConstraint("subject IN ('payment', 'refund')", name=op.f("ck_bill_lines_subject_known")),
        sa.ForeignKeyConstraint(["day"], ["bill_days.day"], name=op.f("fk_bill_lines_day_bill_days")),
        sa.PrimaryKeyConstraint("day", "line", name=op.f("pk_bill_lines")),
    )
    op.create_index("ix_bill_lines_number", "bill_lines", ["subject", "number", "day"])


def _differences() -> None:
    op.create_table(
        "differences",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=8), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("out_trade_no", sa.String(length=32), nullable=False),
        sa.Column("out_refund_no", sa.String(length=64), nullable=True),
        sa.Column("ours_fen", _KEY, nullable=True),
        sa.Column("theirs_fen", _KEY, nullable=True),
        sa.Column("ours_state", sa.String(length=24), nullable=True),
        sa.Column("theirs_state", sa.String(length=24), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("found_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME, nullable=True),
        sa.Column("closed_by", _KEY, nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('amount', 'ledger', 'missing_here', 'missing_there', 'state')",
            name=op.f("ck_differences_kind_known"),
        ),
        sa.CheckConstraint("subject IN ('payment', 'refund')", name=op.f("ck_differences_subject_known")),
        sa.CheckConstraint("state IN ('closed', 'open')", name=op.f("ck_differences_state_known")),
        sa.CheckConstraint(
            "reason IN ('came_right', 'channel_wrong', 'entered', 'explained', 'given_back', 'not_ours')",
            name=op.f("ck_differences_reason_known"),
        ),
        sa.CheckConstraint(
            "(subject = 'refund') = (out_refund_no IS NOT NULL)", name=op.f("ck_differences_refund_by_number")
        ),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL) AND (state = 'closed') = (reason IS NOT NULL)",
            name=op.f("ck_differences_closed_for_a_reason"),
        ),
        sa.CheckConstraint(
            "reason IS NULL OR (reason = 'came_right') = (closed_by IS NULL)",
            name=op.f("ck_differences_closed_by_somebody"),
        ),
        sa.ForeignKeyConstraint(["closed_by"], ["staff.id"], name=op.f("fk_differences_closed_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_differences")),
        sa.UniqueConstraint("day", "subject", "number", "out_trade_no", "kind", name="uq_differences_found_once"),
    )
    op.create_index("ix_differences_open", "differences", ["id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
