"""What a fund holder has paid to its bank for the channel's fees.

Revision: 0019, after 0018
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop, keep_fixed

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_STANDS = sa.text("undone_at IS NULL")
_WHYS = "undone_why IN ('amount_wrong', 'entered_twice', 'wrong_reference')"
_WHOLE = "(undone_at IS NULL) = (undone_by IS NULL) AND (undone_at IS NULL) = (undone_why IS NULL)"


def upgrade() -> None:
    op.create_table(
        "fee_covers",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("holder_id", _KEY, nullable=False),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.Column("bank_reference", sa.String(length=40), nullable=False),
        sa.Column("entered_by", _KEY, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("undone_at", _TIME, nullable=True),
        sa.Column("undone_by", _KEY, nullable=True),
        sa.Column("undone_why", sa.String(length=16), nullable=True),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_fee_covers_amount_positive")),
        sa.CheckConstraint(_WHYS, name=op.f("ck_fee_covers_undone_why_known")),
        sa.CheckConstraint(_WHOLE, name=op.f("ck_fee_covers_undone_whole")),
        sa.ForeignKeyConstraint(["entered_by"], ["staff.id"], name=op.f("fk_fee_covers_entered_by_staff")),
        sa.ForeignKeyConstraint(["undone_by"], ["staff.id"], name=op.f("fk_fee_covers_undone_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fee_covers")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_fee_covers_draft_id")),
    )
    op.create_index(
        "uq_fee_covers_reference",
        "fee_covers",
        ["holder_id", "bank_reference"],
        unique=True,
        sqlite_where=_STANDS,
        postgresql_where=_STANDS,
    )
    keep_fixed("fee_covers", ("holder_id", "amount_fen", "bank_reference", "entered_by"), "1 = 1")
    keep_fixed("fee_covers", ("undone_at", "undone_by", "undone_why"), "OLD.undone_at IS NOT NULL", "undone_once")


def downgrade() -> None:
    """The ledger and the trail keep that it was."""
    drop("fee_covers", "fee_covers_undone_once", "fee_covers_fixed")
    op.drop_table("fee_covers")
