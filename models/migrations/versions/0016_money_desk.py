"""The money desk: cases and differences and receipts as tasks, what goes back of them, and shares that are written in pages.

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

from models.migrations.guards import drop, keep_fixed

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_TASKS_BEFORE = ("appeal", "case", "disbursement", "refund", "revision", "update")
_TASKS_NEW = ("difference", "pay_case", "receipt")
_REASONS_BEFORE = ("asked", "cancelled", "failed", "late", "over", "twice")
_REASONS_NEW = ("case", "left_over", "returned")
_RUNS_BEFORE = ("cancelled", "failed")
_OWN_BEFORE = sa.text("reason <> 'twice'")
_OWN = sa.text("reason NOT IN ('twice', 'case', 'returned')")
_RETURNED = sa.text("reason = 'returned'")
_UNTOLD = sa.text("told IS NULL OR told = 'waits'")
_ORDER = ("pledge_id", "out_trade_no", "created_at")
_PAID = ("state", "transaction_id", "paid_at")
_REFUND = ("pay_order_id", "pledge_id", "appeal_id", "run_id", "out_refund_no", "amount_fen", "reason", "created_at")
_REFUND_NEW = ("case_id", "disbursement_id")
_USE_PAID = ("payee_id", "paid_at", "payable_from", "paid_by", "holder_id", "bank_reference")
_REFUND_DONE = ("state", "redirected_to", "by_hand", "ended_at")


def upgrade() -> None:
    _known("tasks", "subject", (*_TASKS_BEFORE, *_TASKS_NEW))
    _runs()
    _refunds()
    _cases()
    _orders((*_ORDER,), (*_PAID, "amount_fen"))
    _top_ups()
    # What pools gave is known once all gifts have given their shares.
    drop("disbursements", "disbursements_paid_once")
    keep_fixed("disbursements", _USE_PAID, "OLD.paid_at IS NOT NULL", "paid_once")
    shared = "OLD.paid_at IS NOT NULL AND OLD.gifts_to IS NULL"
    keep_fixed("disbursements", ("matched_fen",), shared, "matched_once")
    # Added as they are: made anew, the table would lose its triggers on SQLite.
    for name in ("left_fen", "gifts_fen", "cut_rest", "cut_gift"):
        op.add_column("disbursements", sa.Column(name, _KEY, nullable=True))


def downgrade() -> None:
    for name in ("cut_gift", "cut_rest", "gifts_fen", "left_fen"):
        op.drop_column("disbursements", name)
    drop("disbursements", "disbursements_matched_once", "disbursements_paid_once")
    keep_fixed("disbursements", (*_USE_PAID, "matched_fen"), "OLD.paid_at IS NOT NULL", "paid_once")
    drop("top_ups", "top_ups_fixed")
    op.drop_table("top_ups")
    _orders((*_ORDER, "amount_fen"), _PAID)
    drop("pay_cases", "pay_cases_closed_once")
    op.drop_index("uq_pay_cases_refund_no", table_name="pay_cases")
    op.drop_column("pay_cases", "refund_no")
    _refunds_before()
    _runs_before()
    tasks = "SELECT id FROM tasks WHERE subject IN ('difference', 'pay_case', 'receipt')"
    op.execute(f"DELETE FROM recusals WHERE task_id IN ({tasks})")  # noqa: S608 - no words of anybody's
    op.execute("DELETE FROM tasks WHERE subject IN ('difference', 'pay_case', 'receipt')")
    _known("tasks", "subject", _TASKS_BEFORE)


def _known(table: str, column: str, values: tuple[str, ...]) -> None:
    with op.batch_alter_table(table) as rows:
        _one_of(rows, table, column, values)


def _one_of(rows: BatchOperations, table: str, column: str, values: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    rows.drop_constraint(op.f(f"ck_{table}_{column}_known"), type_="check")
    rows.create_check_constraint(op.f(f"ck_{table}_{column}_known"), f"{column} IN ({listed})")


def _runs() -> None:
    with op.batch_alter_table("refund_runs") as runs:
        _one_of(runs, "refund_runs", "reason", (*_RUNS_BEFORE, "left_over"))
        runs.add_column(sa.Column("told", sa.String(length=5), nullable=True))
        runs.create_check_constraint(op.f("ck_refund_runs_told_known"), "told IN ('all', 'waits')")
    op.create_index("ix_refund_runs_untold", "refund_runs", ["id"], sqlite_where=_UNTOLD, postgresql_where=_UNTOLD)


def _runs_before() -> None:
    op.drop_index("ix_refund_runs_untold", table_name="refund_runs")
    with op.batch_alter_table("refund_runs") as runs:
        runs.drop_constraint(op.f("ck_refund_runs_told_known"), type_="check")
        runs.drop_column("told")
        _one_of(runs, "refund_runs", "reason", _RUNS_BEFORE)


def _refunds() -> None:
    drop("refunds", "refunds_done_once", "refunds_fixed")
    op.drop_index("uq_refunds_of_pledge", table_name="refunds")
    with op.batch_alter_table("refunds") as refunds:
        _one_of(refunds, "refunds", "reason", (*_REASONS_BEFORE, *_REASONS_NEW))
        refunds.add_column(sa.Column("case_id", _KEY, nullable=True))
        refunds.add_column(sa.Column("disbursement_id", _KEY, nullable=True))
        refunds.create_foreign_key(op.f("fk_refunds_case_id_pay_cases"), "pay_cases", ["case_id"], ["id"])
        refunds.create_foreign_key(
            op.f("fk_refunds_disbursement_id_disbursements"), "disbursements", ["disbursement_id"], ["id"]
        )
        refunds.create_unique_constraint(op.f("uq_refunds_case_id"), ["case_id"])
        refunds.create_check_constraint(op.f("ck_refunds_of_a_case"), "(reason = 'case') = (case_id IS NOT NULL)")
        refunds.create_check_constraint(
            op.f("ck_refunds_of_a_return"), "(reason = 'returned') = (disbursement_id IS NOT NULL)"
        )
    for name, columns, where in (
        ("uq_refunds_of_pledge", ["pledge_id"], _OWN),
        ("uq_refunds_of_return", ["disbursement_id", "pledge_id"], _RETURNED),
    ):
        op.create_index(name, "refunds", columns, unique=True, sqlite_where=where, postgresql_where=where)
    keep_fixed("refunds", (*_REFUND, *_REFUND_NEW), "1 = 1")
    keep_fixed("refunds", _REFUND_DONE, "OLD.state IN ('paid', 'redirected')", "done_once")


def _refunds_before() -> None:
    drop("refunds", "refunds_done_once", "refunds_fixed")
    op.drop_index("uq_refunds_of_return", table_name="refunds")
    op.drop_index("uq_refunds_of_pledge", table_name="refunds")
    with op.batch_alter_table("refunds") as refunds:
        refunds.drop_constraint(op.f("ck_refunds_of_a_return"), type_="check")
        refunds.drop_constraint(op.f("ck_refunds_of_a_case"), type_="check")
        refunds.drop_constraint(op.f("uq_refunds_case_id"), type_="unique")
        refunds.drop_constraint(op.f("fk_refunds_disbursement_id_disbursements"), type_="foreignkey")
        refunds.drop_constraint(op.f("fk_refunds_case_id_pay_cases"), type_="foreignkey")
        refunds.drop_column("disbursement_id")
        refunds.drop_column("case_id")
        _one_of(refunds, "refunds", "reason", _REASONS_BEFORE)
    op.create_index(
        "uq_refunds_of_pledge",
        "refunds",
        ["pledge_id"],
        unique=True,
        sqlite_where=_OWN_BEFORE,
        postgresql_where=_OWN_BEFORE,
    )
    keep_fixed("refunds", _REFUND, "1 = 1")
    keep_fixed("refunds", _REFUND_DONE, "OLD.state IN ('paid', 'redirected')", "done_once")


def _cases() -> None:
    op.add_column("pay_cases", sa.Column("refund_no", sa.String(length=64), nullable=True))
    op.create_index("uq_pay_cases_refund_no", "pay_cases", ["refund_no"], unique=True)
    closed = ("closed_at", "closed_by", "outcome", "refund_no")
    keep_fixed("pay_cases", closed, "OLD.closed_at IS NOT NULL", "closed_once")


def _orders(always: tuple[str, ...], once_paid: tuple[str, ...]) -> None:
    """What came instead of what was asked for may be taken for it, by a person; once paid, an order is what it is."""
    drop("pay_orders", "pay_orders_paid_once", "pay_orders_fixed")
    keep_fixed("pay_orders", always, "1 = 1")
    keep_fixed("pay_orders", once_paid, "OLD.state = 'paid'", "paid_once")


def _top_ups() -> None:
    op.create_table(
        "top_ups",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("holder_id", _KEY, nullable=False),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.Column("bank_reference", sa.String(length=40), nullable=False),
        sa.Column("entered_by", _KEY, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_top_ups_amount_positive")),
        sa.ForeignKeyConstraint(["entered_by"], ["staff.id"], name=op.f("fk_top_ups_entered_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_top_ups")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_top_ups_draft_id")),
        sa.UniqueConstraint("holder_id", "bank_reference", name=op.f("uq_top_ups_holder_id_bank_reference")),
    )
    keep_fixed("top_ups", ("holder_id", "amount_fen", "bank_reference", "entered_by"), "1 = 1")
