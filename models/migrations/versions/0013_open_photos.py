"""Find the photos whose files are not sealed: those from before this release, until the worker has sealed them.

Revision: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'kept' AND right(path, 7) <> '.sealed'")


def upgrade() -> None:
    op.create_index("ix_photos_open", "photos", ["id"], postgresql_where=_OPEN)


def downgrade() -> None:
    op.drop_index("ix_photos_open", "photos")
