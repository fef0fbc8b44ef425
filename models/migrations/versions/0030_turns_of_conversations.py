"""Index turns by conversation and time, so that an erasure reads its person's and nobody else's.

Revision: 0030
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_turns_conversation", "turns", ["conversation_id", "received_at"])


def downgrade() -> None:
    op.drop_index("ix_turns_conversation", "turns")
