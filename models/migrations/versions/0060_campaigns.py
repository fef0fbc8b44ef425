"""Keep the counties' campaigns: what is called for, pledged, supplied, and how it was divided.

Revision: 0060
"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0058"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_TASKS = (
    *("after_sale", "appeal", "case", "disbursement", "discrepancy", "goods_thanks", "household", "inquiry"),
    *("listing", "match", "message", "name_change", "number_claim", "offer", "organisation", "paper_erasure"),
    *("receipt", "refund", "request", "revision", "suspense_item", "update"),
)
_STANDS = "state IN ('left', 'served', 'standing', 'unserved')"


def upgrade() -> None:
    _campaigns()
    _pledges()
    _growers()
    _parts()
    op.create_table(
        "buying_firms",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.LargeBinary, nullable=False),
        sa.Column("phone", sa.LargeBinary, nullable=False),
        sa.Column("stated_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_buying_firms_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_buying_firms")),
    )
    _allow("campaign", *_TASKS)


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("draft_id", sa.String(36), nullable=False),
        sa.Column("opened_by", sa.BigInteger, nullable=False),
        sa.Column("region_code", sa.String(12), nullable=False),
        sa.Column("crop", sa.String(16), nullable=False),
        sa.Column("season", sa.SmallInteger, nullable=False),
        sa.Column("price_fen", sa.BigInteger, nullable=False),
        sa.Column("least_grams", sa.BigInteger, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("closes_at", _TIME, nullable=False),
        sa.Column("rule", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("why", sa.String(12)),
        sa.Column("submitted_at", _TIME, nullable=False),
        sa.Column("divided_at", _TIME),
        sa.CheckConstraint(
            "state IN ('divided', 'done', 'failed', 'open', 'reached', 'rejected', 'submitted')",
            name=op.f("ck_campaigns_state_known"),
        ),
        sa.CheckConstraint("why IN ('growers', 'least', 'unconfirmed')", name=op.f("ck_campaigns_why_known")),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_campaigns_price_positive")),
        sa.CheckConstraint("least_grams > 0 AND least_grams % 500 = 0", name=op.f("ck_campaigns_least_in_jin")),
        sa.CheckConstraint("(state = 'failed') = (why IS NOT NULL)", name=op.f("ck_campaigns_failed_for_a_reason")),
        sa.CheckConstraint(
            "(state IN ('divided', 'done')) = (divided_at IS NOT NULL)", name=op.f("ck_campaigns_divided_at_a_moment")
        ),
        sa.ForeignKeyConstraint(["opened_by"], ["staff.id"], name=op.f("fk_campaigns_opened_by_staff")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_campaigns_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_campaigns_draft_id")),
    )
    op.create_index(op.f("ix_campaigns_opened_by"), "campaigns", ["opened_by"])
    op.create_index(op.f("ix_campaigns_region_code"), "campaigns", ["region_code"])
    op.create_index("ix_campaigns_state", "campaigns", ["state", "closes_at"])


def _pledges() -> None:
    op.create_table(
        "campaign_pledges",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("draft_id", sa.String(36), nullable=False),
        sa.Column("campaign_id", sa.BigInteger, nullable=False),
        sa.Column("buyer_id", sa.BigInteger, nullable=False),
        sa.Column("by_firm", sa.Boolean, nullable=False),
        sa.Column("grams", sa.BigInteger, nullable=False),
        sa.Column("given_grams", sa.BigInteger),
        sa.Column("region_code", sa.String(12), nullable=False),
        sa.Column("recipient", sa.LargeBinary),
        sa.Column("phone", sa.LargeBinary),
        sa.Column("address", sa.LargeBinary),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("pledged_at", _TIME, nullable=False),
        sa.CheckConstraint(_STANDS, name=op.f("ck_campaign_pledges_state_known")),
        sa.CheckConstraint("grams > 0 AND grams % 500 = 0", name=op.f("ck_campaign_pledges_in_jin")),
        sa.CheckConstraint("given_grams BETWEEN 0 AND grams", name=op.f("ck_campaign_pledges_given_at_most_pledged")),
        sa.CheckConstraint(
            "(state = 'standing') = (address IS NOT NULL) AND (address IS NULL) = (recipient IS NULL) "
            "AND (address IS NULL) = (phone IS NULL)",
            name=op.f("ck_campaign_pledges_goes_nowhere_once_over"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_pledges_campaign_id_campaigns")
        ),
        sa.ForeignKeyConstraint(["buyer_id"], ["users.id"], name=op.f("fk_campaign_pledges_buyer_id_users")),
        sa.ForeignKeyConstraint(
            ["region_code"], ["regions.code"], name=op.f("fk_campaign_pledges_region_code_regions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_pledges")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_campaign_pledges_draft_id")),
        sa.UniqueConstraint("campaign_id", "buyer_id", name=op.f("uq_campaign_pledges_campaign_id_buyer_id")),
    )
    op.create_index(op.f("ix_campaign_pledges_buyer_id"), "campaign_pledges", ["buyer_id"])


def _growers() -> None:
    op.create_table(
        "campaign_growers",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("campaign_id", sa.BigInteger, nullable=False),
        sa.Column("listing_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("fresh", sa.Boolean, nullable=False),
        sa.Column("most_grams", sa.BigInteger),
        sa.Column("stated_grams", sa.BigInteger),
        sa.Column("need", sa.SmallInteger),
        sa.Column("cap_grams", sa.BigInteger),
        sa.Column("given_grams", sa.BigInteger),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("joined_at", _TIME, nullable=False),
        sa.CheckConstraint(_STANDS, name=op.f("ck_campaign_growers_state_known")),
        sa.CheckConstraint("most_grams > 0", name=op.f("ck_campaign_growers_most_positive")),
        sa.CheckConstraint(
            "given_grams BETWEEN 0 AND cap_grams", name=op.f("ck_campaign_growers_given_at_most_what_it_has")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_growers_campaign_id_campaigns")
        ),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_campaign_growers_listing_id_listings")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_campaign_growers_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_growers")),
        sa.UniqueConstraint("campaign_id", "listing_id", name=op.f("uq_campaign_growers_campaign_id_listing_id")),
    )
    op.create_index(op.f("ix_campaign_growers_listing_id"), "campaign_growers", ["listing_id"])
    op.create_index(op.f("ix_campaign_growers_user_id"), "campaign_growers", ["user_id"])


def _parts() -> None:
    op.create_table(
        "campaign_parts",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("campaign_id", sa.BigInteger, nullable=False),
        sa.Column("pledge_id", sa.BigInteger, nullable=False),
        sa.Column("grower_id", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.Column("grams", sa.BigInteger, nullable=False),
        sa.CheckConstraint("grams > 0 AND grams % 500 = 0", name=op.f("ck_campaign_parts_in_jin")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_parts_campaign_id_campaigns")
        ),
        sa.ForeignKeyConstraint(
            ["pledge_id"], ["campaign_pledges.id"], name=op.f("fk_campaign_parts_pledge_id_campaign_pledges")
        ),
        sa.ForeignKeyConstraint(
            ["grower_id"], ["campaign_growers.id"], name=op.f("fk_campaign_parts_grower_id_campaign_growers")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_campaign_parts_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_parts")),
        sa.UniqueConstraint("order_id", name=op.f("uq_campaign_parts_order_id")),
        sa.UniqueConstraint("pledge_id", "grower_id", name=op.f("uq_campaign_parts_pledge_id_grower_id")),
    )
    op.create_index(op.f("ix_campaign_parts_campaign_id"), "campaign_parts", ["campaign_id"])
    op.create_index(op.f("ix_campaign_parts_grower_id"), "campaign_parts", ["grower_id"])


def _allow(*subjects: str) -> None:
    name = op.f("ck_tasks_subject_known")
    op.drop_constraint(name, "tasks")
    op.create_check_constraint(name, "tasks", f"subject IN {tuple(sorted(subjects))}")


def downgrade() -> None:
    _allow(*_TASKS)
    for table in ("campaign_parts", "campaign_growers", "campaign_pledges", "buying_firms", "campaigns"):
        op.drop_table(table)
