"""Let an appeal name the earlier one whose answers it repeats, and a photo the one that it is a copy of.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("appeals", sa.Column("reopens_id", sa.BigInteger, sa.ForeignKey("appeals.id")))
    op.create_index("ix_appeals_reopens", "appeals", ["reopens_id"], postgresql_where="reopens_id IS NOT NULL")
    op.add_column("photos", sa.Column("copy_of", sa.BigInteger, sa.ForeignKey("photos.id")))


def downgrade() -> None:
    op.drop_column("photos", "copy_of")
    op.drop_index("ix_appeals_reopens", "appeals")
    op.drop_column("appeals", "reopens_id")
