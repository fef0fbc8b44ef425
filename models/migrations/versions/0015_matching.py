"""Matching pools: what sponsors have paid in, what was added of it to which gift, and how much of that was paid out.

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop, keep_fixed

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_OPEN = sa.text("state = 'open'")
_CATEGORIES = "'education', 'employment', 'housing', 'industry', 'medical', 'necessities', 'public_works', 'training'"
_SHARE = ("disbursement_id", "pledge_id", "amount_fen")
# Not the region: that may go over to its successor.
_TERMS = ("holder_id", "sponsor", "appeal_id", "category", "cap_fen", "per_donor_fen", "per_appeal_fen")


def upgrade() -> None:
    _pools()
    _matches()
    _transfers()
    drop("disbursement_shares", "disbursement_shares_fixed")  # made anew, the table would lose it on SQLite
    with op.batch_alter_table("disbursement_shares") as rows:
        rows.add_column(sa.Column("matched_fen", _KEY, server_default="0", nullable=False))
        rows.drop_constraint(op.f("ck_disbursement_shares_amount_positive"), type_="check")
        rows.create_check_constraint(
            op.f("ck_disbursement_shares_not_nothing"),
            "amount_fen >= 0 AND matched_fen >= 0 AND amount_fen + matched_fen > 0",
        )
    keep_fixed("disbursement_shares", (*_SHARE, "matched_fen"), "1 = 1")
    keep_fixed("matching_pools", (*_TERMS, "open_until", "opened_by", "opened_at"), "1 = 1")
    keep_fixed("matching_pools", ("state", "closed_at"), "OLD.state = 'closed'", "closed_once")
    keep_fixed("pool_matches", ("pool_id", "pledge_id", "appeal_id", "donor_id", "fen", "at"), "1 = 1")
    keep_fixed(
        "pool_transfers", ("pool_id", "holder_id", "kind", "amount_fen", "bank_reference", "entered_by"), "1 = 1"
    )


def downgrade() -> None:
    drop("pool_transfers", "pool_transfers_fixed")
    drop("pool_matches", "pool_matches_fixed")
    drop("matching_pools", "matching_pools_closed_once", "matching_pools_fixed")
    for table in ("pool_transfers", "pool_matches", "matching_pools"):
        op.drop_table(table)
    drop("disbursement_shares", "disbursement_shares_fixed")
    op.execute("DELETE FROM disbursement_shares WHERE amount_fen = 0")
    with op.batch_alter_table("disbursement_shares") as rows:
        rows.drop_constraint(op.f("ck_disbursement_shares_not_nothing"), type_="check")
        rows.create_check_constraint(op.f("ck_disbursement_shares_amount_positive"), "amount_fen > 0")
        rows.drop_column("matched_fen")
    keep_fixed("disbursement_shares", _SHARE, "1 = 1")


def _refers(table: str, column: str, to: str, key: str = "id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.{key}"], name=op.f(f"fk_{table}_{column}_{to}"))


def _pools() -> None:
    table = "matching_pools"
    op.create_table(
        table,
        sa.Column("id", _KEY, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("holder_id", _KEY, nullable=False),
        sa.Column("sponsor", sa.String(length=30), nullable=False),
        sa.Column("appeal_id", _KEY, nullable=True),
        sa.Column("category", sa.String(length=16), nullable=True),
        sa.Column("region_code", sa.String(length=12), nullable=True),
        sa.Column("cap_fen", _KEY, nullable=False),
        sa.Column("per_donor_fen", _KEY, nullable=False),
        sa.Column("per_appeal_fen", _KEY, nullable=False),
        sa.Column("open_until", _TIME, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("matched_fen", _KEY, server_default="0", nullable=False),
        sa.Column("opened_by", _KEY, nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME, nullable=True),
        sa.CheckConstraint("state IN ('closed', 'open')", name=op.f("ck_matching_pools_state_known")),
        sa.CheckConstraint(f"category IN ({_CATEGORIES})", name=op.f("ck_matching_pools_category_known")),
        sa.CheckConstraint(
            "(appeal_id IS NULL) = (category IS NOT NULL) AND (appeal_id IS NULL) = (region_code IS NOT NULL)",
            name=op.f("ck_matching_pools_one_scope"),
        ),
        sa.CheckConstraint(
            "per_donor_fen > 0 AND per_appeal_fen > 0 AND per_donor_fen <= cap_fen AND per_appeal_fen <= cap_fen",
            name=op.f("ck_matching_pools_caps_within"),
        ),
        sa.CheckConstraint("matched_fen >= 0 AND matched_fen <= cap_fen", name=op.f("ck_matching_pools_within_cap")),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_matching_pools_closed_once")),
        _refers(table, "appeal_id", "appeals"),
        _refers(table, "region_code", "regions", "code"),
        _refers(table, "opened_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matching_pools")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_matching_pools_draft_id")),
    )
    for name, columns in (
        ("ix_matching_pools_appeal", ["appeal_id"]),
        ("ix_matching_pools_scope", ["region_code", "category"]),
    ):
        op.create_index(name, table, columns, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_matching_pools_holder", table, ["holder_id", "id"])


def _matches() -> None:
    table = "pool_matches"
    op.create_table(
        table,
        sa.Column("id", _KEY, nullable=False),
        sa.Column("pool_id", _KEY, nullable=False),
        sa.Column("pledge_id", _KEY, nullable=False),
        sa.Column("appeal_id", _KEY, nullable=False),
        sa.Column("donor_id", _KEY, nullable=False),
        sa.Column("fen", _KEY, nullable=False),
        sa.Column("returned_fen", _KEY, server_default="0", nullable=False),
        sa.Column("returns", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.CheckConstraint("fen > 0", name=op.f("ck_pool_matches_not_nothing")),
        sa.CheckConstraint("returned_fen >= 0 AND returned_fen <= fen", name=op.f("ck_pool_matches_returned_within")),
        _refers(table, "pool_id", "matching_pools"),
        _refers(table, "pledge_id", "pledges"),
        _refers(table, "appeal_id", "appeals"),
        _refers(table, "donor_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_matches")),
        sa.UniqueConstraint("pledge_id", "pool_id", name=op.f("uq_pool_matches_pledge_id_pool_id")),
    )
    op.create_index("ix_pool_matches_donor", table, ["pool_id", "donor_id"])
    op.create_index("ix_pool_matches_appeal", table, ["appeal_id", "pool_id"])


def _transfers() -> None:
    table = "pool_transfers"
    op.create_table(
        table,
        sa.Column("id", _KEY, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("pool_id", _KEY, nullable=False),
        sa.Column("holder_id", _KEY, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.Column("bank_reference", sa.String(length=40), nullable=False),
        sa.Column("entered_by", _KEY, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.CheckConstraint("kind IN ('paid_in', 'returned')", name=op.f("ck_pool_transfers_kind_known")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_pool_transfers_amount_positive")),
        _refers(table, "pool_id", "matching_pools"),
        _refers(table, "entered_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_transfers")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_pool_transfers_draft_id")),
        sa.UniqueConstraint("holder_id", "bank_reference", name=op.f("uq_pool_transfers_holder_id_bank_reference")),
    )
    op.create_index(op.f("ix_pool_transfers_pool_id"), table, ["pool_id"])
