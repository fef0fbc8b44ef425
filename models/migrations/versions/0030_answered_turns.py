"""Index turns by conversation while they have a reply, so that an erasure reads its person's and nobody else's.

Revision: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    answered = sa.text("reply IS NOT NULL")
    op.create_index("ix_turns_answered", "turns", ["conversation_id"], postgresql_where=answered)


def downgrade() -> None:
    op.drop_index("ix_turns_answered", "turns")
