"""Let an after-sale end where its seller did not do what was agreed, and remind of its end.

Revision: 0068
"""

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0065"
branch_labels = None
depends_on = None

_STATES = ("agreed", "asked", "dismissed", "done", "refused", "settled", "township", "withdrawn")


def upgrade() -> None:
    _allow(*_STATES, "unkept")
    op.add_column("after_sales", sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True))
    partly = sa.text("remind_at IS NOT NULL")
    op.create_index("ix_after_sales_remind_at", "after_sales", ["remind_at"], postgresql_where=partly)
    # What is under way is reminded of as well.
    op.execute("UPDATE after_sales SET remind_at = due_at - interval '2 days' WHERE state IN ('agreed', 'done')")


def downgrade() -> None:
    op.drop_index("ix_after_sales_remind_at", "after_sales")
    op.drop_column("after_sales", "remind_at")
    _allow(*_STATES)


def _allow(*states: str) -> None:
    op.drop_constraint(op.f("ck_after_sales_state_known"), "after_sales")
    listed = ", ".join(f"'{state}'" for state in sorted(states))
    op.create_check_constraint(op.f("ck_after_sales_state_known"), "after_sales", f"state IN ({listed})")
