"""Payments: orders at WeChat Pay, payments for a person to see to, and until when and how a pledge is paid.

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop, keep_fixed

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_LIVE = sa.text("state IN ('created', 'prepaid')")
_OPEN = sa.text("closed_at IS NULL")
_AWAITS = sa.text("state = 'awaiting_payment'")


def upgrade() -> None:
    with op.batch_alter_table("pledges") as pledges:
        pledges.add_column(sa.Column("pay_by", _TIME, nullable=True))
        pledges.add_column(sa.Column("fallback", sa.String(length=8), server_default="refund", nullable=False))
        pledges.create_check_constraint(op.f("ck_pledges_fallback_known"), "fallback IN ('refund', 'similar')")
        pledges.create_check_constraint(
            op.f("ck_pledges_awaited_until"), "state <> 'awaiting_payment' OR pay_by IS NOT NULL"
        )
    op.create_index("ix_pledges_pay_by", "pledges", ["pay_by"], sqlite_where=_AWAITS, postgresql_where=_AWAITS)
    _orders()
    _cases()
    keep_fixed("pay_orders", ("pledge_id", "out_trade_no", "amount_fen", "created_at"), "1 = 1")
    keep_fixed("pay_orders", ("state", "transaction_id", "paid_at"), "OLD.state = 'paid'", "paid_once")
    keep_fixed("pay_cases", ("kind", "transaction_id", "out_trade_no", "order_id", "amount_fen"), "1 = 1")


def downgrade() -> None:
    drop("pay_cases", "pay_cases_fixed")
    drop("pay_orders", "pay_orders_paid_once", "pay_orders_fixed")
    op.drop_table("pay_cases")
    op.drop_table("pay_orders")
    op.drop_index("ix_pledges_pay_by", table_name="pledges")
    with op.batch_alter_table("pledges") as pledges:
        pledges.drop_constraint(op.f("ck_pledges_awaited_until"), type_="check")
        pledges.drop_constraint(op.f("ck_pledges_fallback_known"), type_="check")
        pledges.drop_column("fallback")
        pledges.drop_column("pay_by")


def _orders() -> None:
    op.create_table(
        "pay_orders",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("pledge_id", _KEY, nullable=False),
        sa.Column("out_trade_no", sa.String(length=32), nullable=False),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("prepay_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("queried_at", _TIME, nullable=True),
        sa.Column("check_at", _TIME, nullable=False),
        sa.Column("transaction_id", sa.String(length=64), nullable=True),
        sa.Column("paid_at", _TIME, nullable=True),
        sa.CheckConstraint("state IN ('closed', 'created', 'paid', 'prepaid')", name=op.f("ck_pay_orders_state_known")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_pay_orders_amount_positive")),
        sa.CheckConstraint("state <> 'prepaid' OR prepay_id IS NOT NULL", name=op.f("ck_pay_orders_prepaid_by_number")),
        sa.CheckConstraint(
            "(state = 'paid') = (transaction_id IS NOT NULL) AND (state = 'paid') = (paid_at IS NOT NULL)",
            name=op.f("ck_pay_orders_paid_by_transaction"),
        ),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledges.id"], name=op.f("fk_pay_orders_pledge_id_pledges")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pay_orders")),
        sa.UniqueConstraint("out_trade_no", name=op.f("uq_pay_orders_out_trade_no")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_pay_orders_transaction_id")),
    )
    op.create_index(op.f("ix_pay_orders_pledge_id"), "pay_orders", ["pledge_id"])
    op.create_index(
        "uq_pay_orders_one_live", "pay_orders", ["pledge_id"], unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
    )
    op.create_index("ix_pay_orders_check_at", "pay_orders", ["check_at"], sqlite_where=_LIVE, postgresql_where=_LIVE)


def _cases() -> None:
    op.create_table(
        "pay_cases",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("transaction_id", sa.String(length=64), nullable=False),
        sa.Column("out_trade_no", sa.String(length=32), nullable=False),
        sa.Column("order_id", _KEY, nullable=True),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME, nullable=True),
        sa.Column("closed_by", _KEY, nullable=True),
        sa.Column("outcome", sa.String(length=60), nullable=True),
        sa.CheckConstraint(
            "kind IN ('other_amount', 'paid_twice', 'unknown_order')", name=op.f("ck_pay_cases_kind_known")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_pay_cases_amount_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["pay_orders.id"], name=op.f("fk_pay_cases_order_id_pay_orders")),
        sa.ForeignKeyConstraint(["closed_by"], ["staff.id"], name=op.f("fk_pay_cases_closed_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pay_cases")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_pay_cases_transaction_id")),
    )
    op.create_index(op.f("ix_pay_cases_order_id"), "pay_cases", ["order_id"])
    op.create_index("ix_pay_cases_open", "pay_cases", ["id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
