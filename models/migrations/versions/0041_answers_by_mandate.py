"""Let a resident's mandate be to answer what goods are proposed to them, and keep each such answer as a proxy act.

Revision: 0041
"""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_KNOWN = (
    ("mandates", "scope", "'appeal', 'register'", "'appeal', 'goods', 'register'"),
    ("proxy_acts", "subject", "'appeal', 'user'", "'appeal', 'match', 'user'"),
)


def upgrade() -> None:
    for table, column, _, after in _KNOWN:
        _know(table, column, after)


def downgrade() -> None:
    op.execute("DELETE FROM proxy_acts WHERE subject = 'match'")
    op.execute("DELETE FROM mandates WHERE scope = 'goods'")
    for table, column, before, _ in _KNOWN:
        _know(table, column, before)


def _know(table: str, column: str, values: str) -> None:
    name = op.f(f"ck_{table}_{column}_known")
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"{column} IN ({values})")
