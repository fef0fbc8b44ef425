"""Let an after-sale that nobody decided end before WeChat Pay lets its money go.

Revision: 0070
"""

from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

_STATES = ("agreed", "asked", "dismissed", "done", "refused", "settled", "township", "unkept", "withdrawn")


def upgrade() -> None:
    _allow(*_STATES, "undecided")


def downgrade() -> None:
    _allow(*_STATES)


def _allow(*states: str) -> None:
    op.drop_constraint(op.f("ck_after_sales_state_known"), "after_sales")
    listed = ", ".join(f"'{state}'" for state in sorted(states))
    op.create_check_constraint(op.f("ck_after_sales_state_known"), "after_sales", f"state IN ({listed})")
