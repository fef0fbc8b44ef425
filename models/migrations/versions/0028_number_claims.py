"""Claims of ID numbers that somebody else is registered with, and the photos of the cards.

Revision: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_TASKS = (
    *("appeal", "case", "disbursement", "discrepancy", "inquiry", "listing", "message", "name_change", "offer"),
    *("paper_erasure", "receipt", "refund", "request", "revision", "suspense_item", "update"),
)
_PHOTOS = (
    *("appeal", "disbursement", "draft", "listing", "mandate", "offer", "paper_erasure", "receipt", "report"),
    *("revision", "update", "visit"),
)


def upgrade() -> None:
    op.create_table(
        "number_claims",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id")),
        sa.Column("id_number", sa.LargeBinary),
        sa.Column("id_hash", sa.String(64), index=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("first_staff", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("ended_at", _TIME),
        sa.CheckConstraint("state IN ('released', 'returned', 'seen', 'submitted', 'withdrawn')", name="state_known"),
        sa.CheckConstraint("state NOT IN ('seen', 'released') OR first_staff IS NOT NULL", name="seen_by"),
        sa.CheckConstraint("(ended_at IS NULL) = (state IN ('submitted', 'seen'))", name="ended_is_dated"),
    )
    live = sa.text("state IN ('submitted', 'seen')")
    op.create_index("ix_number_claims_person", "number_claims", ["conversation_id", "asked_at"])
    op.create_index("uq_number_claims_live", "number_claims", ["conversation_id"], unique=True, postgresql_where=live)
    _subjects("tasks", *_TASKS, "number_claim")
    _subjects("photos", *_PHOTOS, "number_claim")


def downgrade() -> None:
    op.execute("DELETE FROM recusals WHERE task_id IN (SELECT id FROM tasks WHERE subject = 'number_claim')")
    op.execute("DELETE FROM tasks WHERE subject = 'number_claim'")
    # Their files lie in the folder under no row then: the sweep of stray files deletes them.
    op.execute("DELETE FROM photos WHERE subject = 'number_claim'")
    _subjects("photos", *_PHOTOS)
    _subjects("tasks", *_TASKS)
    op.drop_table("number_claims")


def _subjects(table: str, *names: str) -> None:
    listed = ", ".join(f"'{name}'" for name in sorted(names))
    op.drop_constraint(op.f(f"ck_{table}_subject_known"), table)
    op.create_check_constraint(op.f(f"ck_{table}_subject_known"), table, f"subject IN ({listed})")
