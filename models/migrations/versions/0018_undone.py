"""What a fund holder entered wrong can be undone, and entered anew under the bank's same number.

Revision: 0018, after 0017
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop, keep_fixed

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_STANDS = sa.text("undone_at IS NULL")
_WHYS = "undone_why IN ('amount_wrong', 'entered_twice', 'wrong_reference')"
_WHOLE = "(undone_at IS NULL) = (undone_by IS NULL) AND (undone_at IS NULL) = (undone_why IS NULL)"
_UNDONE = ("undone_at", "undone_by", "undone_why")
# Table -> what never changes in it.
_FIXED = {
    "settlements": ("holder_id", "amount_fen", "fee_fen", "bank_reference", "entered_by"),
    "top_ups": ("holder_id", "amount_fen", "bank_reference", "entered_by"),
}
_ONCE = ["holder_id", "bank_reference"]


def upgrade() -> None:
    for table, fixed in _FIXED.items():
        drop(table, f"{table}_fixed")
        with op.batch_alter_table(table) as rows:
            rows.drop_constraint(op.f(f"uq_{table}_holder_id_bank_reference"), type_="unique")
            rows.add_column(sa.Column("undone_at", _TIME, nullable=True))
            rows.add_column(sa.Column("undone_by", _KEY, nullable=True))
            rows.add_column(sa.Column("undone_why", sa.String(length=16), nullable=True))
            rows.create_foreign_key(op.f(f"fk_{table}_undone_by_staff"), "staff", ["undone_by"], ["id"])
            rows.create_check_constraint(op.f(f"ck_{table}_undone_why_known"), _WHYS)
            rows.create_check_constraint(op.f(f"ck_{table}_undone_whole"), _WHOLE)
        op.create_index(
            f"uq_{table}_reference", table, _ONCE, unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS
        )
        keep_fixed(table, fixed, "1 = 1")
        keep_fixed(table, _UNDONE, "OLD.undone_at IS NOT NULL", "undone_once")


def downgrade() -> None:
    """What was undone is no entry any more: the ledger and the trail keep that it was."""
    for table, fixed in _FIXED.items():
        drop(table, f"{table}_undone_once", f"{table}_fixed")
        op.drop_index(f"uq_{table}_reference", table_name=table)
        op.execute(f"DELETE FROM {table} WHERE undone_at IS NOT NULL")  # noqa: S608 - no words of anybody's
        with op.batch_alter_table(table) as rows:
            rows.drop_constraint(op.f(f"ck_{table}_undone_whole"), type_="check")
            rows.drop_constraint(op.f(f"ck_{table}_undone_why_known"), type_="check")
            rows.drop_constraint(op.f(f"fk_{table}_undone_by_staff"), type_="foreignkey")
            for column in reversed(_UNDONE):
                rows.drop_column(column)
            rows.create_unique_constraint(op.f(f"uq_{table}_holder_id_bank_reference"), _ONCE)
        keep_fixed(table, fixed, "1 = 1")
