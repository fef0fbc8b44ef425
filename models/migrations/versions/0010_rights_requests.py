"""Requests on one's own data: a copy of it (导出).

Tickets of before that ask for a copy stay as they are, for the county to answer.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_IS_LIVE = sa.text("state IN ('waiting', 'ready')")


def upgrade() -> None:
    op.create_table(
        "rights_requests",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("until", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.CheckConstraint("kind IN ('export')", name="kind_known"),
        sa.CheckConstraint("state IN ('gone', 'ready', 'stopped', 'waiting')", name="state_known"),
        sa.CheckConstraint("(state IN ('stopped', 'gone')) = (ended_at IS NOT NULL)", name="ended_is_dated"),
    )
    live = ["conversation_id", "kind"]
    op.create_index("uq_rights_requests_live", "rights_requests", live, unique=True, postgresql_where=_IS_LIVE)
    op.create_index("ix_rights_requests_due", "rights_requests", ["until"], postgresql_where=_IS_LIVE)
    op.create_index("ix_objections_conversation_id", "objections", ["conversation_id"])


def downgrade() -> None:
    op.drop_index("ix_objections_conversation_id", "objections")
    op.drop_table("rights_requests")
