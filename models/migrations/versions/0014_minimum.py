"""Crowdfunding that is begun with less than all of it: the least sum, fixed once it is public.

Revision: 0014, after 0013
"""

from alembic import op

from models.migrations.guards import drop, keep_fixed

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_WITHIN = (
    "(minimum_fen IS NULL AND state <> 'minimum_met')"
    " OR (minimum_fen IS NOT NULL"
    " AND kind = 'crowdfund' AND minimum_fen * 2 >= target_fen AND minimum_fen < target_fen)"
)
_FIXED = ("target_fen", "deadline", "kind", "published_at")


def upgrade() -> None:
    kind = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
    # Added as it is: made anew, the table would lose its triggers on SQLite.
    op.execute(
        f"ALTER TABLE appeals ADD COLUMN minimum_fen {kind} CONSTRAINT ck_appeals_minimum_within CHECK ({_WITHIN})"
    )
    _fix((*_FIXED, "minimum_fen"))


def downgrade() -> None:
    _fix(_FIXED)
    op.drop_column("appeals", "minimum_fen")


def _fix(columns: tuple[str, ...]) -> None:
    drop("appeals", "appeals_fixed")
    keep_fixed("appeals", columns, "OLD.published_at IS NOT NULL")
