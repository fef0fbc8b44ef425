"""Count what waits, and for how long: the worker fills it within the hour.

Revision: 0047
"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "figure_waiting",
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("region_code", sa.String(12), nullable=False),
        sa.Column("figure", sa.String(20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("level", "region_code", "figure", name=op.f("pk_figure_waiting")),
        sa.CheckConstraint(
            "figure IN ('waiting_appeals', 'waiting_requests')", name=op.f("ck_figure_waiting_figure_known")
        ),
    )


def downgrade() -> None:
    op.drop_table("figure_waiting")
