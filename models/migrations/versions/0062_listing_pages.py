"""Give listings a page of their own: the account's code that it shows, and the card that follows a look at it.

Revision ID: 0062
Revises: 0060
"""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listing_codes",
        sa.Column("listing_id", sa.BigInteger, nullable=False),
        sa.Column("address", sa.String(300), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_listing_codes_listing_id_listings")),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_listing_codes")),
    )
    op.add_column("follow_ups", sa.Column("listing_id", sa.BigInteger))
    op.alter_column("follow_ups", "appeal_id", nullable=True)
    op.create_foreign_key(op.f("fk_follow_ups_listing_id_listings"), "follow_ups", "listings", ["listing_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_follow_ups_of_one_thing"), "follow_ups", "(appeal_id IS NULL) <> (listing_id IS NULL)"
    )
    op.create_check_constraint(
        op.f("ck_follow_ups_a_listing_has_no_poster"), "follow_ups", "listing_id IS NULL OR kind = 'card'"
    )


def downgrade() -> None:
    # They last a day, and say nothing of anybody.
    op.execute("DELETE FROM follow_ups WHERE listing_id IS NOT NULL")
    op.drop_constraint(op.f("ck_follow_ups_a_listing_has_no_poster"), "follow_ups")
    op.drop_constraint(op.f("ck_follow_ups_of_one_thing"), "follow_ups")
    op.drop_column("follow_ups", "listing_id")
    op.alter_column("follow_ups", "appeal_id", nullable=False)
    op.drop_table("listing_codes")
