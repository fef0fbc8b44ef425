"""Refunds: money on its way back, appeals whose gifts all go back, and the fund holder's task where one is stuck.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop, keep_fixed

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_STATES = "'abnormal', 'asked', 'closed', 'owed', 'paid', 'redirected', 'refused'"
_REASONS = "'asked', 'cancelled', 'failed', 'late', 'over', 'twice'"
_TASKS_BEFORE = "'appeal', 'case', 'revision', 'update'"
_TASKS = "'appeal', 'case', 'refund', 'revision', 'update'"
_FIXED = ("pay_order_id", "pledge_id", "appeal_id", "run_id", "out_refund_no", "amount_fen", "reason", "created_at")
_DONE = ("state", "redirected_to", "by_hand", "ended_at")


def upgrade() -> None:
    _runs()
    _refunds()
    _indexes()
    keep_fixed("refunds", _FIXED, "1 = 1")
    keep_fixed("refunds", _DONE, "OLD.state IN ('paid', 'redirected')", "done_once")
    _subjects(_TASKS)


def downgrade() -> None:
    tasks = "SELECT id FROM tasks WHERE subject = 'refund'"
    op.execute(f"DELETE FROM recusals WHERE task_id IN ({tasks})")  # noqa: S608 - no words of anybody's
    op.execute("DELETE FROM tasks WHERE subject = 'refund'")
    _subjects(_TASKS_BEFORE)
    op.drop_index(op.f("ix_pledges_appeal_id"), table_name="pledges")
    drop("refunds", "refunds_done_once", "refunds_fixed")
    op.drop_table("refunds")
    op.drop_table("refund_runs")


def _subjects(listed: str) -> None:
    with op.batch_alter_table("tasks") as tasks:
        tasks.drop_constraint(op.f("ck_tasks_subject_known"), type_="check")
        tasks.create_check_constraint(op.f("ck_tasks_subject_known"), f"subject IN ({listed})")


def _runs() -> None:
    op.create_table(
        "refund_runs",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("appeal_id", _KEY, nullable=False),
        sa.Column("reason", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="planning", nullable=False),
        sa.Column("cursor", _KEY, server_default="0", nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.CheckConstraint("reason IN ('cancelled', 'failed')", name=op.f("ck_refund_runs_reason_known")),
        sa.CheckConstraint("state IN ('done', 'planning')", name=op.f("ck_refund_runs_state_known")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_refund_runs_appeal_id_appeals")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_runs")),
        sa.UniqueConstraint("appeal_id", name=op.f("uq_refund_runs_appeal_id")),
    )


def _refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("pay_order_id", _KEY, nullable=False),
        sa.Column("pledge_id", _KEY, nullable=False),
        sa.Column("appeal_id", _KEY, nullable=False),
        sa.Column("run_id", _KEY, nullable=True),
        sa.Column("out_refund_no", sa.String(length=40), nullable=False),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.Column("reason", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=True),
        sa.Column("asked_at", _TIME, nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("round", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("trouble", sa.String(length=32), nullable=True),
        sa.Column("refund_id", sa.String(length=64), nullable=True),
        sa.Column("redirected_to", _KEY, nullable=True),
        sa.Column("by_hand", _KEY, nullable=True),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_refunds_state_known")),
        sa.CheckConstraint(f"reason IN ({_REASONS})", name=op.f("ck_refunds_reason_known")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_refunds_amount_positive")),
        sa.CheckConstraint(
            "(state = 'redirected') = (redirected_to IS NOT NULL)", name=op.f("ck_refunds_redirected_somewhere")
        ),
        sa.CheckConstraint(
            "(state IN ('paid', 'redirected')) = (ended_at IS NOT NULL)", name=op.f("ck_refunds_ended_once_done")
        ),
        sa.CheckConstraint("state = 'paid' OR by_hand IS NULL", name=op.f("ck_refunds_paid_by_hand")),
        sa.ForeignKeyConstraint(["pay_order_id"], ["pay_orders.id"], name=op.f("fk_refunds_pay_order_id_pay_orders")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledges.id"], name=op.f("fk_refunds_pledge_id_pledges")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_refunds_appeal_id_appeals")),
        sa.ForeignKeyConstraint(["run_id"], ["refund_runs.id"], name=op.f("fk_refunds_run_id_refund_runs")),
        sa.ForeignKeyConstraint(["redirected_to"], ["pledges.id"], name=op.f("fk_refunds_redirected_to_pledges")),
        sa.ForeignKeyConstraint(["by_hand"], ["staff.id"], name=op.f("fk_refunds_by_hand_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("out_refund_no", name=op.f("uq_refunds_out_refund_no")),
        sa.UniqueConstraint("redirected_to", name=op.f("uq_refunds_redirected_to")),
    )


def _indexes() -> None:
    live, due = sa.text("state = 'planning'"), sa.text("due_at IS NOT NULL")
    stuck = sa.text("state IN ('abnormal', 'closed', 'refused')")
    own, twice = sa.text("reason <> 'twice'"), sa.text("reason = 'twice'")
    for name, table, columns, where, unique in (
        ("ix_refund_runs_live", "refund_runs", ["id"], live, False),
        ("uq_refunds_of_pledge", "refunds", ["pledge_id"], own, True),
        ("uq_refunds_of_order", "refunds", ["pay_order_id"], twice, True),
        ("ix_refunds_due", "refunds", ["due_at", "id"], due, False),
        ("ix_refunds_stuck", "refunds", ["appeal_id", "id"], stuck, False),
    ):
        op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
    op.create_index(op.f("ix_refunds_pay_order_id"), "refunds", ["pay_order_id"])
    op.create_index("ix_refunds_run", "refunds", ["run_id", "state", "amount_fen"])
    op.create_index(op.f("ix_pledges_appeal_id"), "pledges", ["appeal_id", "id"])
