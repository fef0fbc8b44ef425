"""Reports (举报) with a kind, photos and a decision. Those of before stay tickets, for the county to answer.

Revision: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_IS_LIVE = sa.text("state IN ('open', 'before_officer', 'before_county')")
_TASKS = [
    *("appeal", "case", "disbursement", "discrepancy", "inquiry", "message", "receipt", "refund", "revision"),
    *("suspense_item", "update"),
]
_PHOTOS = [
    "appeal",
    "disbursement",
    "draft",
    "listing",
    "mandate",
    "offer",
    "receipt",
    "report",
    "revision",
    "update",
    "visit",
]


def upgrade() -> None:
    op.create_table(
        "inquiries",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("about", sa.String(16), nullable=False),
        sa.Column("about_id", sa.BigInteger, nullable=False),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id")),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id")),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("county_read_at", _TIME),
        sa.Column("held_until", _TIME),
        sa.Column("decided_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("decided_at", _TIME),
        sa.Column("outcome", sa.String(16)),
        sa.CheckConstraint(
            "about IN ('appeal', 'case', 'listing', 'offer', 'request', 'staff', 'update')", name="about_known"
        ),
        sa.CheckConstraint(
            "state IN ('before_county', 'before_officer', 'not_upheld', 'open', 'upheld')", name="state_known"
        ),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (state IN ('open', 'before_officer', 'before_county'))", name="decided"
        ),
        sa.CheckConstraint("held_until IS NULL OR appeal_id IS NOT NULL", name="holds_an_appeal"),
    )
    live = ["about", "about_id"]
    op.create_index("uq_inquiries_one_live", "inquiries", live, unique=True, postgresql_where=_IS_LIVE)
    held = sa.text("held_until IS NOT NULL")
    op.create_index("ix_inquiries_held", "inquiries", ["appeal_id"], postgresql_where=held)
    op.create_index("ix_inquiries_region_state", "inquiries", ["region_code", "state"])
    op.create_table(
        "reports",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("inquiry_id", sa.BigInteger, sa.ForeignKey("inquiries.id"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.CheckConstraint(
            "kind IN ('child', 'fake', 'goods', 'illness', 'money', 'other', 'staff', 'stolen')", name="kind_known"
        ),
        sa.UniqueConstraint("inquiry_id", "conversation_id"),
    )
    op.create_index("ix_reports_person", "reports", ["conversation_id", "at"])
    _know("tasks", _TASKS)
    _know("photos", _PHOTOS)


def downgrade() -> None:
    op.execute("DELETE FROM recusals WHERE task_id IN (SELECT id FROM tasks WHERE subject = 'inquiry')")
    op.execute("DELETE FROM tasks WHERE subject = 'inquiry'")
    # The files of these photos go with the sweep of files that no row names.
    op.execute("DELETE FROM photos WHERE subject = 'report'")
    _know("tasks", [name for name in _TASKS if name != "inquiry"])
    _know("photos", [name for name in _PHOTOS if name != "report"])
    op.drop_table("reports")
    op.drop_table("inquiries")


def _know(table: str, subjects: list[str]) -> None:
    listed = ", ".join(f"'{name}'" for name in subjects)
    op.drop_constraint(op.f(f"ck_{table}_subject_known"), table)
    op.create_check_constraint(op.f(f"ck_{table}_subject_known"), table, f"subject IN ({listed})")
