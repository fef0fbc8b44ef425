"""Say of each photo when it is to be fetched next.

Revision: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OWED = sa.text("state = 'owed'")


def upgrade() -> None:
    # The default is for processes of the release before, which go on until they are restarted.
    column = sa.Column("try_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
    op.add_column("photos", column)
    op.execute("UPDATE photos SET try_at = created_at WHERE state = 'owed'")
    op.drop_index("ix_photos_owed", "photos")
    op.create_index("ix_photos_owed", "photos", ["try_at"], postgresql_where=_OWED)


def downgrade() -> None:
    op.drop_index("ix_photos_owed", "photos")
    op.create_index("ix_photos_owed", "photos", ["created_at"], postgresql_where=_OWED)
    op.drop_column("photos", "try_at")
