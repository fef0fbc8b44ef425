"""Note to which official account a photo was sent, and for which account alone a charity collects.

Revision: 0076
"""

import sqlalchemy as sa
from alembic import op

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("photos", sa.Column("account", sa.String(64)))
    op.add_column("charities", sa.Column("account", sa.String(64)))


def downgrade() -> None:
    op.drop_column("charities", "account")
    op.drop_column("photos", "account")
