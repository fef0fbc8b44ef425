"""Let an appeal's last day be chosen as so many days from its publication, which fixes the date.

Appeals of before keep their dates. A downgrade gives an appeal without a date the one that the longest check and its
days lead to.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop_fixed, keep_fixed

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FIXED = ("target_fen", "deadline", "kind", "published_at", "minimum_fen")
_PUBLISHED = "OLD.published_at IS NOT NULL"


def upgrade() -> None:
    op.add_column("appeals", sa.Column("collect_days", sa.SmallInteger))
    op.alter_column("appeals", "deadline", nullable=True)
    op.create_check_constraint("collect_days_positive", "appeals", "collect_days > 0")
    op.create_check_constraint(
        "deadline_known", "appeals", "deadline IS NOT NULL OR (collect_days IS NOT NULL AND published_at IS NULL)"
    )
    drop_fixed("appeals")
    keep_fixed("appeals", (*_FIXED, "collect_days"), _PUBLISHED)


def downgrade() -> None:
    drop_fixed("appeals")
    op.drop_constraint("deadline_known", "appeals", type_="check")
    op.drop_constraint("collect_days_positive", "appeals", type_="check")
    op.execute(
        "UPDATE appeals SET deadline = created_at + make_interval(days => 30 + collect_days) WHERE deadline IS NULL"
    )
    op.alter_column("appeals", "deadline", nullable=False)
    op.drop_column("appeals", "collect_days")
    keep_fixed("appeals", _FIXED, _PUBLISHED)
