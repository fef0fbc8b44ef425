"""What a donor says to the family with a gift, and the task of who reads it first.

Revision: 0017, after 0016
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop, keep_fixed

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_STATES = "'passed', 'reported', 'returned', 'submitted', 'withdrawn'"
_STANDING = sa.text("state IN ('submitted', 'passed', 'reported')")
_PASSED = sa.text("state = 'passed'")
_WAS = ("appeal", "case", "difference", "disbursement", "pay_case", "receipt", "refund", "revision", "update")


def upgrade() -> None:
    table = "gift_messages"
    op.create_table(
        table,
        sa.Column("id", _KEY, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("pledge_id", _KEY, nullable=False),
        sa.Column("appeal_id", _KEY, nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="submitted", nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("decided_by", _KEY, nullable=True),
        sa.Column("decided_at", _TIME, nullable=True),
        sa.Column("reported_at", _TIME, nullable=True),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_gift_messages_state_known")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledges.id"], name=op.f("fk_gift_messages_pledge_id_pledges")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_gift_messages_appeal_id_appeals")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_gift_messages_decided_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_messages")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_gift_messages_draft_id")),
    )
    for name, columns, unique, where in (
        ("uq_gift_messages_one", ["pledge_id"], True, _STANDING),
        ("ix_gift_messages_read", ["appeal_id", "id"], False, _PASSED),
    ):
        op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
    keep_fixed(table, ("draft_id", "pledge_id", "appeal_id", "created_at"), "1 = 1")
    _subjects((*_WAS, "message"))


def downgrade() -> None:
    drop("gift_messages", "gift_messages_fixed")
    op.drop_table("gift_messages")
    tasks = "SELECT id FROM tasks WHERE subject = 'message'"
    op.execute(f"DELETE FROM recusals WHERE task_id IN ({tasks})")  # noqa: S608 - no words of anybody's
    op.execute("DELETE FROM tasks WHERE subject = 'message'")
    _subjects(_WAS)


def _subjects(subjects: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{subject}'" for subject in subjects)
    with op.batch_alter_table("tasks") as rows:
        rows.drop_constraint(op.f("ck_tasks_subject_known"), type_="check")
        rows.create_check_constraint(op.f("ck_tasks_subject_known"), f"subject IN ({listed})")
