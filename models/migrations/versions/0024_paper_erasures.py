"""Erasures that officers ask for on paper, and the photos of their sheets.

Revision: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_TASKS = (
    *("appeal", "case", "disbursement", "discrepancy", "inquiry", "listing", "message", "name_change", "offer"),
    *("receipt", "refund", "request", "revision", "suspense_item", "update"),
)
_PHOTOS = (
    *("appeal", "disbursement", "draft", "listing", "mandate", "offer", "receipt", "report", "revision", "update"),
    "visit",
)


def upgrade() -> None:
    op.create_table(
        "paper_erasures",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id"), nullable=False),
        sa.Column("staff_id", sa.BigInteger, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("confirmed_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("until", _TIME),
        sa.Column("ended_at", _TIME),
        sa.CheckConstraint("state IN ('cooling', 'erased', 'returned', 'stopped', 'submitted')", name="state_known"),
        sa.CheckConstraint("confirmed_by <> staff_id", name="two_signed"),
        sa.CheckConstraint("(confirmed_by IS NULL) = (until IS NULL)", name="confirmed_is_dated"),
        sa.CheckConstraint("state NOT IN ('cooling', 'erased') OR confirmed_by IS NOT NULL", name="confirmed"),
        sa.CheckConstraint("(ended_at IS NULL) = (state IN ('submitted', 'cooling'))", name="ended_is_dated"),
    )
    live, cooling = sa.text("state IN ('submitted', 'cooling')"), sa.text("state = 'cooling'")
    op.create_index("uq_paper_erasures_live", "paper_erasures", ["user_id"], unique=True, postgresql_where=live)
    op.create_index("ix_paper_erasures_due", "paper_erasures", ["until"], postgresql_where=cooling)
    _subjects("tasks", *_TASKS, "paper_erasure")
    _subjects("photos", *_PHOTOS, "paper_erasure")


def downgrade() -> None:
    op.execute("DELETE FROM recusals WHERE task_id IN (SELECT id FROM tasks WHERE subject = 'paper_erasure')")
    op.execute("DELETE FROM tasks WHERE subject = 'paper_erasure'")
    # Their files lie in the folder under no row then: the sweep of stray files deletes them.
    op.execute("DELETE FROM photos WHERE subject = 'paper_erasure'")
    _subjects("photos", *_PHOTOS)
    _subjects("tasks", *_TASKS)
    op.drop_table("paper_erasures")


def _subjects(table: str, *names: str) -> None:
    listed = ", ".join(f"'{name}'" for name in sorted(names))
    op.drop_constraint(op.f(f"ck_{table}_subject_known"), table)
    op.create_check_constraint(op.f(f"ck_{table}_subject_known"), table, f"subject IN ({listed})")
