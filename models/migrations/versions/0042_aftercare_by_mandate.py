"""Keep as proxy acts what an officer says for a resident of goods that were handed out: complaints and thanks.

Revision: 0042
"""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _know("'appeal', 'goods_thanks', 'match', 'match_issue', 'user'")


def downgrade() -> None:
    op.execute("DELETE FROM proxy_acts WHERE subject IN ('goods_thanks', 'match_issue')")
    _know("'appeal', 'match', 'user'")


def _know(values: str) -> None:
    name = op.f("ck_proxy_acts_subject_known")
    op.drop_constraint(name, "proxy_acts")
    op.create_check_constraint(name, "proxy_acts", f"subject IN ({values})")
