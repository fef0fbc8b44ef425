"""Let several people share a WeChat: one has its openid, the others are parked, each behind a code.

Revision: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_PARKED = sa.text("parked_openid IS NOT NULL")


def upgrade() -> None:
    op.add_column("conversations", sa.Column("parked_openid", sa.String(64)))
    op.add_column("conversations", sa.Column("code", sa.LargeBinary))
    op.add_column("conversations", sa.Column("code_tries", sa.SmallInteger, nullable=False, server_default="0"))
    op.add_column("conversations", sa.Column("code_free_at", sa.DateTime(timezone=True)))
    op.add_column("conversations", sa.Column("code_waived_at", sa.DateTime(timezone=True)))
    check = "parked_openid IS NULL OR code IS NOT NULL"
    op.create_check_constraint(op.f("ck_conversations_parked_behind_a_code"), "conversations", check)
    op.create_index("ix_conversations_parked", "conversations", ["account", "parked_openid"], postgresql_where=_PARKED)


def downgrade() -> None:
    """Who is parked then stays under the stand-in of their openid, and writes no more; nothing of theirs is lost."""
    op.drop_index("ix_conversations_parked", "conversations")
    op.drop_constraint(op.f("ck_conversations_parked_behind_a_code"), "conversations")
    for name in ("code_waived_at", "code_free_at", "code_tries", "code", "parked_openid"):
        op.drop_column("conversations", name)
