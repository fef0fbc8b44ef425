"""Keep orders of the market, what was wrong with them, and how that ended.

Revision: 0054
"""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


_PHOTOS = (
    *("appeal", "disbursement", "draft", "goods_thanks", "listing", "mandate", "match", "number_claim", "offer"),
    *("paper_erasure", "receipt", "report", "revision", "update", "visit"),
)
_TASKS = (
    *(
        "appeal",
        "case",
        "disbursement",
        "discrepancy",
        "goods_thanks",
        "household",
        "inquiry",
        "listing",
        "match",
        "message",
    ),
    *("message", "name_change", "number_claim", "offer", "paper_erasure", "receipt", "refund", "request", "revision"),
    *("suspense_item", "update"),
)


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("draft_id", sa.String(36), nullable=False),
        sa.Column("code", sa.String(8), nullable=False),
        sa.Column("listing_id", sa.BigInteger, nullable=False),
        sa.Column("seller_id", sa.BigInteger, nullable=False),
        sa.Column("household_id", sa.BigInteger, nullable=False),
        sa.Column("buyer_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("unit", sa.String(12), nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("price_fen", sa.BigInteger, nullable=False),
        sa.Column("total_fen", sa.BigInteger, nullable=False),
        sa.Column("fresh", sa.Boolean, nullable=False),
        sa.Column("region_code", sa.String(12), nullable=False),
        sa.Column("recipient", sa.LargeBinary, nullable=True),
        sa.Column("phone", sa.LargeBinary, nullable=True),
        sa.Column("address", sa.LargeBinary, nullable=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("why", sa.String(12), nullable=True),
        *(
            sa.Column(name, _TIME, nullable=name != "placed_at")
            for name in (
                *("due_at", "placed_at", "accepted_at", "shipped_at", "delivered_at"),
                *("ended_at", "forget_at"),
            )
        ),
        sa.Column("carrier", sa.String(20), nullable=True),
        sa.Column("waybill", sa.LargeBinary, nullable=True),
        sa.Column("waybill_hash", sa.String(64), nullable=True),
        sa.CheckConstraint(
            "state IN ('accepted', 'after_sale', 'cancelled', 'completed', 'delivered', 'placed', 'refunded', 'rejected', "
            "'shipped')",
            name=op.f("ck_orders_state_known"),
        ),
        sa.CheckConstraint(
            "unit IN ('bag', 'book', 'bottle', 'box', 'bucket', 'jin', 'piece', 'set')",
            name=op.f("ck_orders_unit_known"),
        ),
        sa.CheckConstraint(
            "why IN ('buyer', 'buyer_left', 'no_stock', 'not_sent', 'silent', 'suspended')",
            name=op.f("ck_orders_why_known"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_orders_quantity_positive")),
        sa.CheckConstraint("price_fen > 0 AND total_fen > 0", name=op.f("ck_orders_price_positive")),
        sa.CheckConstraint("buyer_id <> seller_id", name=op.f("ck_orders_not_of_oneself")),
        sa.CheckConstraint("(state = 'cancelled') = (why IS NOT NULL)", name=op.f("ck_orders_cancelled_for_a_reason")),
        sa.CheckConstraint(
            "state <> 'cancelled' OR (recipient IS NULL AND phone IS NULL AND address IS NULL)",
            name=op.f("ck_orders_cancelled_goes_nowhere"),
        ),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_orders_listing_id_listings")),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_orders_seller_id_users")),
        sa.ForeignKeyConstraint(["buyer_id"], ["users.id"], name=op.f("fk_orders_buyer_id_users")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_orders_household_id_households")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_orders_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_orders_draft_id")),
        sa.UniqueConstraint("code", name=op.f("uq_orders_code")),
    )
    op.create_index("ix_orders_listing", "orders", ["listing_id", "state"])
    op.create_index("ix_orders_buyer", "orders", ["buyer_id", "id"])
    op.create_index("ix_orders_seller", "orders", ["seller_id", "id"])
    op.create_index("ix_orders_household", "orders", ["household_id", "state"])
    for name, column in (("due_at", "due_at"), ("forget_at", "forget_at"), ("waybill", "waybill_hash")):
        filled = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_orders_{name}", "orders", [column], postgresql_where=filled)

    op.create_table(
        "after_sales",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("draft_id", sa.String(36), nullable=False),
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.Column("wrong", sa.String(12), nullable=False),
        sa.Column("wish", sa.String(8), nullable=False),
        sa.Column("part_fen", sa.BigInteger, nullable=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("round", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("due_at", _TIME, nullable=True),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.CheckConstraint(
            "state IN ('agreed', 'asked', 'dismissed', 'done', 'refused', 'settled', 'township', 'withdrawn')",
            name=op.f("ck_after_sales_state_known"),
        ),
        sa.CheckConstraint(
            "wrong IN ('broken', 'not_got', 'other_goods', 'short', 'spoiled', 'unwanted')",
            name=op.f("ck_after_sales_wrong_known"),
        ),
        sa.CheckConstraint("wish IN ('again', 'all', 'part')", name=op.f("ck_after_sales_wish_known")),
        sa.CheckConstraint("(wish = 'again') = (part_fen IS NULL)", name=op.f("ck_after_sales_money_or_goods")),
        sa.CheckConstraint("part_fen > 0", name=op.f("ck_after_sales_part_positive")),
        sa.CheckConstraint("wrong <> 'unwanted' OR wish = 'all'", name=op.f("ck_after_sales_unwanted_goes_back")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_after_sales_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_after_sales")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_after_sales_draft_id")),
        sa.UniqueConstraint("order_id", name=op.f("uq_after_sales_order_id")),
    )
    op.create_index("ix_after_sales_due_at", "after_sales", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    _allow("photos", "subject", ("after_sale", *_PHOTOS))
    _allow("tasks", "subject", ("after_sale", *_TASKS))


def downgrade() -> None:
    _allow("tasks", "subject", _TASKS)
    _allow("photos", "subject", _PHOTOS)
    op.drop_table("after_sales")
    op.drop_table("orders")


def _allow(table: str, column: str, values: tuple[str, ...]) -> None:
    name, listed = op.f(f"ck_{table}_{column}_known"), ", ".join(repr(value) for value in sorted(values))
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({listed})")
