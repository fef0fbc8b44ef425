"""Disbursements: payees, what is paid to them of which budget line and of whose gifts, and what reached the bank.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop, keep_fixed, refuse_insert

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_LIVE = sa.text("ended_at IS NULL")
_NO_RECEIPTS = sa.text("receipts_at IS NULL")
_SPREADING = sa.text("gifts_to IS NOT NULL")
_EXECUTING = sa.text("state = 'executing' AND update_reminded < 2")
_SPENT = "('paid', 'received', 'received_with_issues', 'not_received', 'acquitted')"
_STATES = (
    "'acquitted', 'approved', 'authorised', 'endorsed', 'evidenced', 'not_received', 'paid', 'received',"
    " 'received_with_issues', 'refused', 'requested', 'returned', 'withdrawn'"
)
_PAID_BY_THREE = (
    f"state NOT IN {_SPENT} OR (paid_at IS NOT NULL AND payable_from IS NOT NULL AND bank_reference IS NOT NULL"
    " AND holder_id IS NOT NULL AND endorsed_by IS NOT NULL AND approved_by IS NOT NULL"
    " AND authorised_by IS NOT NULL AND paid_by IS NOT NULL)"
)
_TAKEN = (
    "(SELECT COALESCE(SUM(amount_fen), 0) FROM disbursements WHERE line_id = NEW.line_id"
    " AND state NOT IN ('refused', 'withdrawn', 'returned'))"
)
_OVER = f"NEW.amount_fen + {_TAKEN} > (SELECT amount_fen FROM budget_lines WHERE id = NEW.line_id)"  # noqa: S608
_WAS = {
    "tasks": ("appeal", "case", "refund", "revision", "update"),
    "photos": ("appeal", "draft", "listing", "mandate", "offer", "revision", "visit", "update"),
}
_NEW = {"tasks": ("disbursement",), "photos": ("disbursement", "receipt")}


def upgrade() -> None:
    for table, subjects in _WAS.items():
        _subjects(table, (*subjects, *_NEW[table]))
    _payees()
    _disbursements()
    _shares()
    _settlements()
    # Added as it is: made anew, the table would lose its triggers on SQLite.
    op.add_column("appeals", sa.Column("update_due_at", _TIME, nullable=True))
    op.add_column("appeals", sa.Column("update_reminded", sa.SmallInteger(), server_default="0", nullable=False))
    op.create_index(
        "ix_appeals_update_due", "appeals", ["update_due_at"], sqlite_where=_EXECUTING, postgresql_where=_EXECUTING
    )
    keep_fixed("payees", ("appeal_id", "kind", "added_by", "replaces_id", "fixed_at"), "1 = 1")
    keep_fixed("disbursements", ("appeal_id", "line_id", "amount_fen", "requested_by", "code"), "1 = 1")
    paid = ("payee_id", "paid_at", "payable_from", "paid_by", "holder_id", "bank_reference", "matched_fen")
    keep_fixed("disbursements", paid, "OLD.paid_at IS NOT NULL", "paid_once")
    refuse_insert("disbursements", "within_line", _OVER, "disbursements: more than the budget line has")
    keep_fixed("disbursement_shares", ("disbursement_id", "pledge_id", "amount_fen"), "1 = 1")
    keep_fixed("settlements", ("holder_id", "amount_fen", "fee_fen", "bank_reference", "entered_by"), "1 = 1")


def downgrade() -> None:
    drop("settlements", "settlements_fixed")
    drop("disbursement_shares", "disbursement_shares_fixed")
    drop("disbursements", "disbursements_within_line", "disbursements_paid_once", "disbursements_fixed")
    drop("payees", "payees_fixed")
    op.drop_index("ix_appeals_update_due", table_name="appeals")
    op.drop_column("appeals", "update_reminded")
    op.drop_column("appeals", "update_due_at")
    for table in ("settlements", "disbursement_shares", "disbursements", "payees"):
        op.drop_table(table)
    tasks = "SELECT id FROM tasks WHERE subject = 'disbursement'"
    op.execute(f"DELETE FROM recusals WHERE task_id IN ({tasks})")  # noqa: S608 - no words of anybody's
    op.execute("DELETE FROM tasks WHERE subject = 'disbursement'")
    op.execute("DELETE FROM photos WHERE subject IN ('disbursement', 'receipt')")
    for table, subjects in _WAS.items():
        _subjects(table, subjects)


def _subjects(table: str, subjects: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{subject}'" for subject in subjects)
    with op.batch_alter_table(table) as rows:
        rows.drop_constraint(op.f(f"ck_{table}_subject_known"), type_="check")
        rows.create_check_constraint(op.f(f"ck_{table}_subject_known"), f"subject IN ({listed})")


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def _payees() -> None:
    op.create_table(
        "payees",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("appeal_id", _KEY, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("account", sa.LargeBinary(), nullable=True),
        sa.Column("added_by", _KEY, nullable=False),
        sa.Column("replaces_id", _KEY, nullable=True),
        sa.Column("confirmed_by", _KEY, nullable=True),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.Column("fixed_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.CheckConstraint("kind IN ('household', 'school', 'shop', 'village')", name=op.f("ck_payees_kind_known")),
        _refers("payees", "appeal_id", "appeals"),
        _refers("payees", "added_by", "users"),
        _refers("payees", "replaces_id", "payees"),
        _refers("payees", "confirmed_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payees")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_payees_draft_id")),
        sa.UniqueConstraint("replaces_id", name=op.f("uq_payees_replaces_id")),
    )
    op.create_index("ix_payees_appeal", "payees", ["appeal_id", "id"], sqlite_where=_LIVE, postgresql_where=_LIVE)


def _disbursements() -> None:
    table = "disbursements"
    op.create_table(
        table,
        sa.Column("id", _KEY, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("appeal_id", _KEY, nullable=False),
        sa.Column("line_id", _KEY, nullable=False),
        sa.Column("payee_id", _KEY, nullable=False),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("round", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("reasons", sa.String(length=200), nullable=True),
        sa.Column("requested_by", _KEY, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("endorsed_by", _KEY, nullable=True),
        sa.Column("approved_by", _KEY, nullable=True),
        sa.Column("authorised_by", _KEY, nullable=True),
        sa.Column("paid_by", _KEY, nullable=True),
        sa.Column("paid_at", _TIME, nullable=True),
        sa.Column("payable_from", _TIME, nullable=True),
        sa.Column("holder_id", _KEY, nullable=True),
        sa.Column("bank_reference", sa.String(length=40), nullable=True),
        sa.Column("matched_fen", _KEY, server_default="0", nullable=False),
        sa.Column("gifts_to", _KEY, nullable=True),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.Column("issue", sa.String(length=20), nullable=True),
        sa.Column("sampled", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("called_by", _KEY, nullable=True),
        sa.Column("called_at", _TIME, nullable=True),
        sa.Column("receipts_due", _TIME, nullable=True),
        sa.Column("receipts_reminded", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("receipts_at", _TIME, nullable=True),
        sa.Column("acquitted_by", _KEY, nullable=True),
        sa.Column("acquitted_at", _TIME, nullable=True),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_disbursements_state_known")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_disbursements_amount_positive")),
        sa.CheckConstraint(
            "matched_fen >= 0 AND matched_fen <= amount_fen", name=op.f("ck_disbursements_matched_within")
        ),
        sa.CheckConstraint(
            "endorsed_by <> approved_by AND endorsed_by <> authorised_by", name=op.f("ck_disbursements_endorser_apart")
        ),
        sa.CheckConstraint(
            "approved_by <> authorised_by AND approved_by <> paid_by", name=op.f("ck_disbursements_approver_apart")
        ),
        sa.CheckConstraint("endorsed_by <> paid_by", name=op.f("ck_disbursements_payer_apart")),
        sa.CheckConstraint("paid_at >= payable_from", name=op.f("ck_disbursements_payee_stood_still")),
        sa.CheckConstraint(_PAID_BY_THREE, name=op.f("ck_disbursements_paid_by_three")),
        _refers(table, "appeal_id", "appeals"),
        _refers(table, "line_id", "budget_lines"),
        _refers(table, "payee_id", "payees"),
        _refers(table, "requested_by", "users"),
        *(
            _refers(table, f"{what}_by", "staff")
            for what in ("endorsed", "approved", "authorised", "paid", "called", "acquitted")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disbursements")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_disbursements_draft_id")),
        sa.UniqueConstraint("code", name=op.f("uq_disbursements_code")),
        sa.UniqueConstraint("holder_id", "bank_reference", name=op.f("uq_disbursements_holder_id_bank_reference")),
    )
    op.create_index("ix_disbursements_appeal", table, ["appeal_id", "id"])
    op.create_index(op.f("ix_disbursements_line_id"), table, ["line_id"])
    op.create_index(op.f("ix_disbursements_payee_id"), table, ["payee_id"])
    for name, column, where in (
        ("ix_disbursements_receipts_due", "receipts_due", _NO_RECEIPTS),
        ("ix_disbursements_spreading", "id", _SPREADING),
    ):
        op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)


def _shares() -> None:
    table = "disbursement_shares"
    op.create_table(
        table,
        sa.Column("disbursement_id", _KEY, nullable=False),
        sa.Column("pledge_id", _KEY, nullable=False),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_disbursement_shares_amount_positive")),
        _refers(table, "disbursement_id", "disbursements"),
        _refers(table, "pledge_id", "pledges"),
        sa.PrimaryKeyConstraint("disbursement_id", "pledge_id", name=op.f("pk_disbursement_shares")),
    )
    op.create_index("ix_disbursement_shares_pledge", table, ["pledge_id", "amount_fen"])


def _settlements() -> None:
    op.create_table(
        "settlements",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("holder_id", _KEY, nullable=False),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.Column("fee_fen", _KEY, nullable=False),
        sa.Column("bank_reference", sa.String(length=40), nullable=False),
        sa.Column("entered_by", _KEY, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.CheckConstraint(
            "amount_fen > 0 AND fee_fen >= 0 AND fee_fen <= amount_fen", name=op.f("ck_settlements_fee_within")
        ),
        _refers("settlements", "entered_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlements")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_settlements_draft_id")),
        sa.UniqueConstraint("holder_id", "bank_reference", name=op.f("uq_settlements_holder_id_bank_reference")),
    )
