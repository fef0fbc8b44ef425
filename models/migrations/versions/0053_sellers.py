"""Endorse sellers, and keep what land households state, which caps what they list.

Revision: 0053
"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sellers",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("household_id", sa.BigInteger, nullable=False),
        sa.Column("applied_by", sa.BigInteger, nullable=False),
        sa.Column("region_code", sa.String(12), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("applied_at", _TIME, nullable=False),
        sa.Column("ends_at", _TIME),
        sa.CheckConstraint(
            "state IN ('applied', 'endorsed', 'expired', 'seen', 'suspended')", name=op.f("ck_sellers_state_known")
        ),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_sellers_household_id_households")),
        sa.ForeignKeyConstraint(["applied_by"], ["users.id"], name=op.f("fk_sellers_applied_by_users")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_sellers_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sellers")),
        sa.UniqueConstraint("household_id", name=op.f("uq_sellers_household_id")),
    )
    op.create_index("ix_sellers_applied_by", "sellers", ["applied_by"])
    op.create_index("ix_sellers_ends_at", "sellers", ["ends_at"], postgresql_where=sa.text("state = 'endorsed'"))
    op.create_table(
        "producer_statements",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("household_id", sa.BigInteger, nullable=False),
        sa.Column("stated_by", sa.BigInteger, nullable=False),
        sa.Column("crop", sa.String(16), nullable=False),
        sa.Column("season", sa.SmallInteger, nullable=False),
        sa.Column("plot", sa.BigInteger, nullable=False),
        sa.Column("most_grams", sa.BigInteger, nullable=False),
        sa.Column("stated_at", _TIME, nullable=False),
        sa.Column("seen_plot", sa.BigInteger),
        sa.CheckConstraint("plot > 0 AND most_grams > 0", name=op.f("ck_producer_statements_plot_positive")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("fk_producer_statements_household_id_households")
        ),
        sa.ForeignKeyConstraint(["stated_by"], ["users.id"], name=op.f("fk_producer_statements_stated_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_producer_statements")),
        sa.UniqueConstraint(
            "household_id", "crop", "season", name=op.f("uq_producer_statements_household_id_crop_season")
        ),
    )
    op.create_index("ix_producer_statements_stated_by", "producer_statements", ["stated_by"])
    op.add_column("listings", sa.Column("crop", sa.String(16)))
    op.add_column("listings", sa.Column("season", sa.SmallInteger))
    op.add_column("listings", sa.Column("grams_each", sa.BigInteger))
    op.add_column("listings", sa.Column("endorsed_fen", sa.BigInteger))
    op.add_column("listings", sa.Column("dear", sa.Boolean, nullable=False, server_default=sa.text("false")))
    op.create_check_constraint(
        op.f("ck_listings_crop_weighed"),
        "listings",
        "(crop IS NULL) = (season IS NULL) AND (crop IS NULL) = (grams_each IS NULL) AND grams_each > 0",
    )
    op.create_index(
        "ix_listings_crop",
        "listings",
        ["household_id", "crop", "season"],
        postgresql_where=sa.text("crop IS NOT NULL"),
    )
    # What is on sale stays so at the price that was approved; the village and the county look at the next listing.
    op.execute("UPDATE listings SET endorsed_fen = price_fen WHERE looked_at IS NOT NULL")
    op.execute(
        "INSERT INTO sellers (household_id, applied_by, region_code, state, applied_at) "
        "SELECT DISTINCT ON (household_id) household_id, seller_id, region_code, 'applied', created_at "
        "FROM listings ORDER BY household_id, id"
    )


def downgrade() -> None:
    op.drop_index("ix_listings_crop", "listings")
    op.drop_constraint(op.f("ck_listings_crop_weighed"), "listings")
    for column in ("dear", "endorsed_fen", "grams_each", "season", "crop"):
        op.drop_column("listings", column)
    op.drop_table("producer_statements")
    op.drop_table("sellers")
