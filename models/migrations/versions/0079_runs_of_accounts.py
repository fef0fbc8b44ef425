"""Give the names of scheduled runs the room for an official account's, so that each account's programs have their own.

Revision: 0079
"""

import sqlalchemy as sa
from alembic import op

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("last_runs", "name", type_=sa.String(120), existing_nullable=False)


def downgrade() -> None:
    op.execute("DELETE FROM last_runs WHERE length(name) > 40")
    op.alter_column("last_runs", "name", type_=sa.String(40), existing_nullable=False)
