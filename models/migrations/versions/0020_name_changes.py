"""Corrections of names, which an officer decides on.

Revision: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_SUBJECTS = (
    *("appeal", "case", "disbursement", "discrepancy", "inquiry", "listing", "message", "offer", "receipt", "refund"),
    *("request", "revision", "suspense_item", "update"),
)


def upgrade() -> None:
    op.create_table(
        "name_changes",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id"), nullable=False),
        sa.Column("before", sa.LargeBinary, nullable=False),
        sa.Column("after", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("decided_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("decided_at", _TIME),
        sa.CheckConstraint("state IN ('approved', 'returned', 'submitted', 'withdrawn')", name="state_known"),
        sa.CheckConstraint("(decided_at IS NULL) = (state = 'submitted')", name="decided"),
    )
    waiting = sa.text("state = 'submitted'")
    op.create_index("uq_name_changes_one", "name_changes", ["user_id"], unique=True, postgresql_where=waiting)
    _subjects(*_SUBJECTS, "name_change")


def downgrade() -> None:
    op.execute("DELETE FROM recusals WHERE task_id IN (SELECT id FROM tasks WHERE subject = 'name_change')")
    op.execute("DELETE FROM tasks WHERE subject = 'name_change'")
    _subjects(*_SUBJECTS)
    op.drop_table("name_changes")


def _subjects(*names: str) -> None:
    listed = ", ".join(f"'{name}'" for name in sorted(names))
    op.drop_constraint(op.f("ck_tasks_subject_known"), "tasks")
    op.create_check_constraint(op.f("ck_tasks_subject_known"), "tasks", f"subject IN ({listed})")
