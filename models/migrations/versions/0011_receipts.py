"""Receipts: which gift somebody wants one of, made out to whom, and the number under which the charity issued it.

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "receipts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("pledge_id", _KEY, nullable=False),
        sa.Column("appeal_id", _KEY, nullable=False),
        sa.Column("holder", sa.String(length=8), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("tax_number", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("decided_at", _TIME, nullable=True),
        sa.Column("decided_by", _KEY, nullable=True),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "state IN ('asked', 'issued', 'refused', 'void', 'withdrawn')", name=op.f("ck_receipts_state_known")
        ),
        sa.CheckConstraint("holder IN ('firm', 'person')", name=op.f("ck_receipts_holder_known")),
        sa.CheckConstraint("(state = 'asked') = (name IS NOT NULL)", name=op.f("ck_receipts_named_while_asked")),
        sa.CheckConstraint("name IS NOT NULL OR tax_number IS NULL", name=op.f("ck_receipts_numbered_while_named")),
        sa.CheckConstraint(
            "(state IN ('issued', 'void')) = (number IS NOT NULL)", name=op.f("ck_receipts_issued_by_number")
        ),
        sa.CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name=op.f("ck_receipts_refused_for_a_reason")),
        sa.CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name=op.f("ck_receipts_decided_once")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledges.id"], name=op.f("fk_receipts_pledge_id_pledges")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_receipts_appeal_id_appeals")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_receipts_decided_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_receipts_draft_id")),
    )
    live, asked, issued = (sa.text(f"state {words}") for words in ("IN ('asked', 'issued')", "= 'asked'", "= 'issued'"))
    for name, columns, where, unique in (
        ("uq_receipts_live", ["pledge_id"], live, True),
        ("ix_receipts_asked", ["appeal_id", "id"], asked, False),
        ("ix_receipts_issued", ["pledge_id"], issued, False),
    ):
        op.create_index(name, "receipts", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_table("receipts")
