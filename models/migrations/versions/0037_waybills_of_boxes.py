"""Let the parcels of one box have one waybill: whose box it is, the program checks.

Revision: 0037
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_KNOWN = sa.text("waybill IS NOT NULL")


def upgrade() -> None:
    op.drop_index("uq_matches_waybill", "matches")
    op.create_index("ix_matches_waybill", "matches", ["waybill"], postgresql_where=_KNOWN)


def downgrade() -> None:
    op.execute(
        "UPDATE matches SET waybill = NULL WHERE id NOT IN "
        "(SELECT min(id) FROM matches WHERE waybill IS NOT NULL GROUP BY waybill)"
    )
    op.drop_index("ix_matches_waybill", "matches")
    op.create_index("uq_matches_waybill", "matches", ["waybill"], unique=True, postgresql_where=_KNOWN)
