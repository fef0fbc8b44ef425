"""Charities and their filings: who collects for an appeal, and whose fund holders have its tasks.

What was there before had one merchant number for all its money, and so one charity, though nobody wrote down its name:
its number is 0. All fund holders of then become its own, and it collects for all appeals that were published. It takes
no gift until the command ``charity name`` says what it is registered under; its money is paid out and refunded as ever.

Revision: 0005
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop_fixed, keep_fixed, never_change, refuse_update

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_PUBLISHED_UNCOLLECTED = (
    "NEW.state = 'funding' AND OLD.state IN ('endorsed', 'fund_holder_filed')"
    " AND (NEW.charity_id IS NULL OR (NEW.kind = 'crowdfund' AND NEW.filing_id IS NULL))"
)


def upgrade() -> None:
    op.create_table(
        "charities",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("name", sa.String(60)),
        sa.Column("credit_code", sa.String(18), unique=True),
        sa.Column("certificate", sa.String(40)),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), index=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("state IN ('active', 'suspended', 'unnamed')", name="state_known"),
        sa.CheckConstraint(
            "state = 'unnamed' OR (name IS NOT NULL AND credit_code IS NOT NULL AND certificate IS NOT NULL)",
            name="named_to_collect",
        ),
    )
    op.create_table(
        "filings",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("charity_id", sa.BigInteger, sa.ForeignKey("charities.id"), nullable=False, index=True),
        sa.Column("number", sa.String(40), nullable=False, unique=True),
        sa.Column("authority", sa.String(60), nullable=False),
        sa.Column("platform", sa.String(60), nullable=False),
        sa.Column("from_day", sa.Date, nullable=False),
        sa.Column("to_day", sa.Date, nullable=False),
        sa.Column("entered_at", _TIME, nullable=False),
        sa.CheckConstraint("from_day <= to_day", name="some_days"),
        sa.UniqueConstraint("id", "charity_id"),
    )
    never_change("filings")
    for table, columns in (("staff", ["charity_id"]), ("tasks", ["charity_id"]), ("appeals", ["charity_id"])):
        for column in columns:
            op.add_column(table, sa.Column(column, sa.BigInteger, sa.ForeignKey("charities.id")))
    op.add_column("appeals", sa.Column("filing_id", sa.BigInteger))
    _keep_what_was()
    op.create_check_constraint("fund_holder_of_a_charity", "staff", "(role = 'fund_holder') = (charity_id IS NOT NULL)")
    op.create_check_constraint("filed_by_a_charity", "appeals", "filing_id IS NULL OR charity_id IS NOT NULL")
    op.create_foreign_key(None, "appeals", "filings", ["filing_id", "charity_id"], ["id", "charity_id"])
    op.create_index("ix_staff_charity", "staff", ["charity_id"], postgresql_where=sa.text("charity_id IS NOT NULL"))
    op.create_index(
        "ix_tasks_charity", "tasks", ["charity_id", "due_at"], postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index("ix_appeals_charity", "appeals", ["charity_id", "id"])
    keep_fixed("appeals", ("charity_id",), "OLD.charity_id IS NOT NULL", "charity_once")
    keep_fixed("appeals", ("filing_id",), "OLD.filing_id IS NOT NULL", "filing_once")
    refuse_update(
        "appeals", "collected", _PUBLISHED_UNCOLLECTED, "appeals: no charity collects for it, or no filing is named"
    )


def _keep_what_was() -> None:
    """Make charity 0 where there are fund holders or money, and give it both."""
    connection = op.get_bind()
    seats = connection.scalars(sa.text("SELECT DISTINCT region_code FROM staff WHERE role = 'fund_holder'")).all()
    if not seats and not connection.scalar(sa.text("SELECT count(*) FROM ledger_accounts")):
        return
    connection.execute(
        sa.text("INSERT INTO charities (id, region_code, state, created_at) VALUES (0, :region, 'unnamed', now())"),
        {"region": _shared_region(connection, seats)},
    )
    op.execute("UPDATE staff SET charity_id = 0 WHERE role = 'fund_holder'")
    op.execute("UPDATE appeals SET charity_id = 0 WHERE published_at IS NOT NULL")
    open_tasks = "closed_at IS NULL AND role = 'fund_holder' AND step <> 'file'"
    op.execute(f"UPDATE tasks SET charity_id = 0 WHERE {open_tasks}")  # noqa: S608 - words of ours


def _shared_region(connection: sa.Connection, seats: Sequence[str]) -> str | None:
    """Return the smallest region, down to a county, in which all these seats lie; None where they share none."""
    for width in (6, 4, 2):
        codes = {seat[:width].ljust(12, "0") for seat in seats}
        known = sa.text("SELECT count(*) FROM regions WHERE code = :code")
        if len(codes) == 1 and connection.scalar(known, {"code": min(codes)}):
            return min(codes)
    return None


def downgrade() -> None:
    for name in ("collected", "filing_once", "charity_once"):
        drop_fixed("appeals", name)
    op.drop_index("ix_appeals_charity", "appeals")
    op.drop_index("ix_tasks_charity", "tasks")
    op.drop_index("ix_staff_charity", "staff")
    op.drop_constraint("ck_staff_fund_holder_of_a_charity", "staff")
    for column in ("filing_id", "charity_id"):
        op.drop_column("appeals", column)
    for table in ("tasks", "staff"):
        op.drop_column(table, "charity_id")
    for act in ("update", "delete"):
        drop_fixed("filings", f"no_{act}")
    op.drop_table("filings")
    op.drop_table("charities")
