"""Monthly gifts: who wants to be asked for how much to which appeal, and on which day of the month.

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "monthly_gifts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("appeal_id", _KEY, nullable=False),
        sa.Column("donor_id", _KEY, nullable=False),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("day", sa.SmallInteger(), nullable=False),
        sa.Column("next_at", _TIME, nullable=False),
        sa.Column("pledge_id", _KEY, nullable=True),
        sa.Column("pledges", _KEY, server_default="0", nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("state IN ('active', 'ended', 'stopped')", name=op.f("ck_monthly_gifts_state_known")),
        sa.CheckConstraint("amount_fen >= 100", name=op.f("ck_monthly_gifts_at_least_one_yuan")),
        sa.CheckConstraint("day BETWEEN 1 AND 31", name=op.f("ck_monthly_gifts_day_of_a_month")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_monthly_gifts_appeal_id_appeals")),
        sa.ForeignKeyConstraint(["donor_id"], ["users.id"], name=op.f("fk_monthly_gifts_donor_id_users")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledges.id"], name=op.f("fk_monthly_gifts_pledge_id_pledges")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monthly_gifts")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_monthly_gifts_draft_id")),
    )
    active = sa.text("state = 'active'")
    for name, columns, unique in (
        ("uq_monthly_gifts_live", ["donor_id", "appeal_id"], True),
        ("ix_monthly_gifts_due", ["next_at"], False),
        ("ix_monthly_gifts_appeal", ["appeal_id"], False),
    ):
        op.create_index(name, "monthly_gifts", columns, unique=unique, sqlite_where=active, postgresql_where=active)


def downgrade() -> None:
    op.drop_table("monthly_gifts")
