"""Take the money of orders: sellers' numbers at WeChat Pay, payments, what leaves them, and a ledger of their own.

Revision: 0057
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import after_insert, keep_fixed, keep_rows, never_change

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_STATES = ("accepted", "after_sale", "cancelled", "completed", "delivered", "placed", "refunded", "rejected", "shipped")
_WHYS = ("buyer", "buyer_left", "no_harvest", "no_stock", "not_sent", "silent", "suspended")


def _known(column: str, values: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    op.drop_constraint(op.f(f"ck_orders_{column}_known"), "orders")
    op.create_check_constraint(op.f(f"ck_orders_{column}_known"), "orders", f"{column} IN ({listed})")


def upgrade() -> None:
    op.alter_column("orders", "state", type_=sa.String(16), existing_type=sa.String(12))
    op.add_column("orders", sa.Column("paid_at", _TIME))
    _known("state", (*_STATES, "awaiting_payment", "paid"))
    _known("why", (*_WHYS, "unpaid"))
    op.create_table(
        "sub_merchants",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("seller_id", sa.BigInteger, nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("withdrawn_at", _TIME),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_sub_merchants_seller_id_users")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_sub_merchants")),
    )
    own = sa.text("withdrawn_at IS NULL")
    op.create_index("uq_sub_merchants_of_seller", "sub_merchants", ["seller_id"], unique=True, postgresql_where=own)
    _create_ledger()
    _create_payments()
    _create_transfers()
    keep_fixed("sub_merchants", ("number", "seller_id", "added_at"))
    keep_fixed("sub_merchants", ("withdrawn_at",), "OLD.withdrawn_at IS NOT NULL", name="stays_withdrawn")
    keep_rows("sub_merchants")
    never_change("order_entries")
    after_insert(
        "order_entries",
        "adds_up",
        (
            "INSERT INTO order_accounts (order_id) VALUES (NEW.order_id) ON CONFLICT DO NOTHING",
            """UPDATE order_accounts SET
                promised_fen = promised_fen + CASE WHEN NEW.kind = 'promised' THEN NEW.amount_fen ELSE 0 END,
                paid_fen = paid_fen + CASE WHEN NEW.kind = 'paid' THEN NEW.amount_fen ELSE 0 END,
                released_fen = released_fen + CASE WHEN NEW.kind = 'released' THEN NEW.amount_fen ELSE 0 END,
                returned_fen = returned_fen + CASE WHEN NEW.kind = 'returned' THEN NEW.amount_fen ELSE 0 END
                WHERE order_id = NEW.order_id""",
        ),
    )
    paid = ("transaction_id", "paid_fen", "paid_at", "state")
    keep_fixed("order_payments", paid, "OLD.state = 'paid'", name="paid")
    keep_fixed("order_payments", ("order_id", "sub_merchant", "out_trade_no", "amount_fen"))
    keep_rows("order_payments")
    keep_fixed("order_transfers", ("payment_id", "order_id", "kind", "reason", "base_number", "amount_fen"))
    keep_fixed("order_transfers", ("state", "ended_at"), "OLD.state = 'done'", name="done")
    keep_rows("order_transfers")


def _create_ledger() -> None:
    op.create_table(
        "order_accounts",
        sa.Column("order_id", sa.BigInteger, nullable=False),
        *(
            sa.Column(f"{kind}_fen", sa.BigInteger, nullable=False, server_default="0")
            for kind in ("promised", "paid", "released", "returned")
        ),
        sa.CheckConstraint(
            "promised_fen >= 0 AND released_fen >= 0 AND returned_fen >= 0 AND released_fen + returned_fen <= paid_fen",
            name=op.f("ck_order_accounts_held"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_accounts_order_id_orders")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_accounts")),
    )
    op.create_table(
        "order_entries",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.String(40), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.CheckConstraint(
            "kind IN ('paid', 'promised', 'released', 'returned')", name=op.f("ck_order_entries_kind_known")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_order_entries_amount_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_entries_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_entries")),
        sa.UniqueConstraint("kind", "cause", name=op.f("uq_order_entries_kind_cause")),
    )
    op.create_index("ix_order_entries_order", "order_entries", ["order_id"])


def _create_payments() -> None:
    op.create_table(
        "order_payments",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.Column("sub_merchant", sa.String(32), nullable=False),
        sa.Column("out_trade_no", sa.String(32), nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("prepay_id", sa.String(64)),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("queried_at", _TIME),
        sa.Column("check_at", _TIME, nullable=False),
        sa.Column("transaction_id", sa.String(64)),
        sa.Column("paid_fen", sa.BigInteger),
        sa.Column("paid_at", _TIME),
        sa.CheckConstraint(
            "state IN ('closed', 'created', 'paid', 'prepaid')", name=op.f("ck_order_payments_state_known")
        ),
        sa.CheckConstraint(
            "amount_fen > 0 AND (paid_fen IS NULL OR paid_fen > 0)", name=op.f("ck_order_payments_amount_positive")
        ),
        sa.CheckConstraint(
            "state <> 'prepaid' OR prepay_id IS NOT NULL", name=op.f("ck_order_payments_prepaid_by_number")
        ),
        sa.CheckConstraint(
            "(state = 'paid') = (transaction_id IS NOT NULL) AND (state = 'paid') = (paid_at IS NOT NULL) "
            "AND (state = 'paid') = (paid_fen IS NOT NULL)",
            name=op.f("ck_order_payments_paid_by_transaction"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_payments_order_id_orders")),
        sa.ForeignKeyConstraint(
            ["sub_merchant"], ["sub_merchants.number"], name=op.f("fk_order_payments_sub_merchant_sub_merchants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_payments")),
        sa.UniqueConstraint("out_trade_no", name=op.f("uq_order_payments_out_trade_no")),
        sa.UniqueConstraint(
            "sub_merchant", "transaction_id", name=op.f("uq_order_payments_sub_merchant_transaction_id")
        ),
    )
    live = sa.text("state IN ('created', 'prepaid')")
    op.create_index(op.f("ix_order_payments_order_id"), "order_payments", ["order_id"])
    op.create_index("uq_order_payments_one_live", "order_payments", ["order_id"], unique=True, postgresql_where=live)
    op.create_index("ix_order_payments_check_at", "order_payments", ["check_at"], postgresql_where=live)


def _create_transfers() -> None:
    op.create_table(
        "order_transfers",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("payment_id", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(12), nullable=False),
        sa.Column("base_number", sa.String(40), nullable=False),
        sa.Column("round", sa.SmallInteger, nullable=False, server_default="1"),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME),
        sa.Column("asked_at", _TIME),
        sa.Column("tries", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("trouble", sa.String(32)),
        sa.Column("by_hand", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("ended_at", _TIME),
        sa.CheckConstraint("kind IN ('refund', 'release')", name=op.f("ck_order_transfers_kind_known")),
        sa.CheckConstraint(
            "reason IN ('after_sale', 'cancelled', 'completed', 'late', 'less', 'other_amount')",
            name=op.f("ck_order_transfers_reason_known"),
        ),
        sa.CheckConstraint("state IN ('asked', 'done', 'owed', 'stuck')", name=op.f("ck_order_transfers_state_known")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_order_transfers_amount_positive")),
        sa.CheckConstraint(
            "(state = 'done') = (ended_at IS NOT NULL)", name=op.f("ck_order_transfers_ended_once_done")
        ),
        sa.CheckConstraint(
            "(state = 'stuck') = (trouble IS NOT NULL)", name=op.f("ck_order_transfers_stuck_for_a_reason")
        ),
        sa.CheckConstraint(
            "(kind = 'release') = (reason = 'completed')", name=op.f("ck_order_transfers_reason_of_kind")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["order_payments.id"], name=op.f("fk_order_transfers_payment_id_order_payments")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_transfers_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_transfers")),
        sa.UniqueConstraint("base_number", name=op.f("uq_order_transfers_base_number")),
    )
    op.create_index(op.f("ix_order_transfers_payment_id"), "order_transfers", ["payment_id"])
    op.create_index(op.f("ix_order_transfers_order_id"), "order_transfers", ["order_id"])
    released = sa.text("kind = 'release'")
    op.create_index(
        "uq_order_transfers_release", "order_transfers", ["payment_id"], unique=True, postgresql_where=released
    )
    due = sa.text("due_at IS NOT NULL")
    op.create_index("ix_order_transfers_due", "order_transfers", ["due_at", "id"], postgresql_where=due)


_GUARDS = (
    *("sub_merchants_fixed", "sub_merchants_stays_withdrawn", "sub_merchants_no_delete"),
    *("order_entries_no_update", "order_entries_no_delete", "order_entries_adds_up"),
    *("order_payments_paid", "order_payments_fixed", "order_payments_no_delete"),
    *("order_transfers_fixed", "order_transfers_done", "order_transfers_no_delete"),
)


def downgrade() -> None:
    for table in ("order_transfers", "order_payments", "order_entries", "order_accounts", "sub_merchants"):
        op.drop_table(table)
    for name in _GUARDS:
        op.execute(f"DROP FUNCTION {name}()")
    _known("why", _WHYS)
    _known("state", _STATES)
    op.drop_column("orders", "paid_at")
    op.alter_column("orders", "state", type_=sa.String(12), existing_type=sa.String(16))
