"""Remember the WeChat of an erased person by a keyed hash, for a month.

Revision: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("erased_phone", sa.String(64)))
    op.add_column("conversations", sa.Column("erased_phone_until", sa.DateTime(timezone=True)))
    for column in ("erased_phone", "erased_phone_until"):
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_conversations_{column}", "conversations", [column], postgresql_where=there)


def downgrade() -> None:
    for column in ("erased_phone_until", "erased_phone"):
        op.drop_index(f"ix_conversations_{column}", "conversations")
        op.drop_column("conversations", column)
