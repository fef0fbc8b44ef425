"""Keep mandates for an appeal's public page, and the agreements that officers give by them.

Revision: 0048
"""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_BEFORE = (
    ("mandates", "scope", "'appeal', 'goods', 'register'"),
    ("proxy_acts", "subject", "'appeal', 'goods_thanks', 'match', 'match_issue', 'user'"),
)
_AFTER = (
    ("mandates", "scope", "'appeal', 'goods', 'page', 'register'"),
    ("proxy_acts", "subject", "'appeal', 'appeal_page', 'goods_thanks', 'match', 'match_issue', 'user'"),
)


def upgrade() -> None:
    _know(_AFTER)


def downgrade() -> None:
    op.execute("DELETE FROM proxy_acts WHERE subject = 'appeal_page'")
    op.execute("DELETE FROM mandates WHERE scope = 'page'")
    _know(_BEFORE)


def _know(known: tuple[tuple[str, str, str], ...]) -> None:
    for table, column, values in known:
        name = op.f(f"ck_{table}_{column}_known")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"{column} IN ({values})")
