"""Index goods and listings by their age, which the clock asks for every minute, and seats by who invited them.

Revision: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TABLES = ("offers", "goods_requests", "listings")


def upgrade() -> None:
    since = sa.text("coalesce(renewed_at, looked_at)")
    fresh, asked = sa.text("asked_at IS NULL AND looked_at IS NOT NULL"), sa.text("asked_at IS NOT NULL")
    for table in _TABLES:
        op.create_index(f"ix_{table}_fresh", table, ["state", since], postgresql_where=fresh)
        op.create_index(f"ix_{table}_asked", table, ["asked_at"], postgresql_where=asked)
    op.create_index(op.f("ix_staff_invited_by"), "staff", ["invited_by"])


def downgrade() -> None:
    op.drop_index(op.f("ix_staff_invited_by"), "staff")
    for table in _TABLES:
        op.drop_index(f"ix_{table}_asked", table)
        op.drop_index(f"ix_{table}_fresh", table)
