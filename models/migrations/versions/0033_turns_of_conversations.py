"""Index turns by conversation: an index of those with a reply made each reply write all indexes of its row anew.

Revision: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_turns_conversation_id"), "turns", ["conversation_id"])
    op.drop_index("ix_turns_answered", "turns")


def downgrade() -> None:
    op.create_index("ix_turns_answered", "turns", ["conversation_id"], postgresql_where=sa.text("reply IS NOT NULL"))
    op.drop_index(op.f("ix_turns_conversation_id"), "turns")
