"""Mark the tickets of people in danger as urgent; a person has one that is not closed.

Revision: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tickets", sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index(
        "uq_tickets_one_urgent",
        "tickets",
        ["conversation_id"],
        unique=True,
        postgresql_where="urgent AND state <> 'closed'",
    )


def downgrade() -> None:
    op.drop_index("uq_tickets_one_urgent", "tickets")
    op.drop_column("tickets", "urgent")
