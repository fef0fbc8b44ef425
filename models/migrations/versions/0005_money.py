"""The ledger: accounts with their balances, transactions, entries, and the chain that seals them.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import after_insert, drop, keep_fixed, never_change, only_grow, refuse_insert

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BALANCE = (
    "UPDATE ledger_accounts SET balance_fen = balance_fen"
    " + CASE WHEN kind IN ('bank', 'channel', 'fees') THEN NEW.amount_fen ELSE -NEW.amount_fen END"
    " WHERE id = NEW.account_id"
)
_SUM = (
    "INSERT INTO ledger_sums (account_id, kind, amount_fen)"
    " SELECT NEW.account_id, posted.kind, NEW.amount_fen FROM ledger_transactions AS posted"
    " WHERE posted.id = NEW.transaction_id"
    " ON CONFLICT (account_id, kind) DO UPDATE SET amount_fen = ledger_sums.amount_fen + excluded.amount_fen"
)
_SEALED = "EXISTS (SELECT 1 FROM ledger_links WHERE transaction_id = NEW.transaction_id)"
_UNBALANCED = (
    "(SELECT count(*) < 2 OR sum(amount_fen) <> 0 FROM ledger_entries WHERE transaction_id = NEW.transaction_id)"
)


def upgrade() -> None:
    _accounts()
    _transactions()
    head = op.create_table(
        "ledger_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("length", _KEY, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_head_one_head")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_head")),
    )
    assert head is not None  # noqa: S101 - None is for alembic's offline mode
    op.get_bind().execute(head.insert().values(id=1, length=0, hash="0" * 64))
    for table in ("ledger_transactions", "ledger_entries", "ledger_links"):
        never_change(table)
    only_grow("ledger_head", "length")
    keep_fixed("ledger_accounts", ("kind", "subject_id"), "1 = 1")
    refuse_insert("ledger_entries", "sealed", _SEALED, "ledger_entries: the transaction is complete")
    refuse_insert("ledger_links", "balanced", _UNBALANCED, "ledger_links: entries are missing, or do not sum to zero")
    after_insert("ledger_entries", "counted", (_BALANCE, _SUM))


def downgrade() -> None:
    drop("ledger_entries", "ledger_entries_counted", "ledger_entries_sealed")
    drop("ledger_links", "ledger_links_balanced")
    drop("ledger_accounts", "ledger_accounts_fixed")
    drop("ledger_head", "ledger_head_no_delete", "ledger_head_grows")
    for table in ("ledger_transactions", "ledger_entries", "ledger_links"):
        drop(table, f"{table}_no_update", f"{table}_no_delete")
    for table in ("ledger_head", "ledger_sums", "ledger_entries", "ledger_transactions", "ledger_links"):
        op.drop_table(table)
    op.drop_table("ledger_accounts")


def _accounts() -> None:
    op.create_table(
        "ledger_accounts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("subject_id", _KEY, nullable=False),
        sa.Column("balance_fen", _KEY, server_default="0", nullable=False),
        sa.CheckConstraint(
            "kind IN ('appeal', 'bank', 'channel', 'fees', 'pool', 'refunds', 'unassigned')",
            name=op.f("ck_ledger_accounts_kind_known"),
        ),
        sa.CheckConstraint("kind = 'fees' OR balance_fen >= 0", name=op.f("ck_ledger_accounts_not_overdrawn")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint("kind", "subject_id", name=op.f("uq_ledger_accounts_kind_subject_id")),
    )
    op.create_table(
        "ledger_sums",
        sa.Column("account_id", _KEY, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_sums_account_id_ledger_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", "kind", name=op.f("pk_ledger_sums")),
    )


def _transactions() -> None:
    op.create_table(
        "ledger_links",
        sa.Column("number", _KEY, autoincrement=False, nullable=False),
        sa.Column("transaction_id", _KEY, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_links")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_ledger_links_transaction_id")),
    )
    op.create_table(
        "ledger_transactions",
        sa.Column("id", _KEY, autoincrement="ignore_fk", nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reverses_id", _KEY, nullable=True),
        sa.ForeignKeyConstraint(
            ["id"],
            ["ledger_links.transaction_id"],
            name=op.f("fk_ledger_transactions_id_ledger_links"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"],
            ["ledger_transactions.id"],
            name=op.f("fk_ledger_transactions_reverses_id_ledger_transactions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transactions")),
        sa.UniqueConstraint("kind", "cause", name=op.f("uq_ledger_transactions_kind_cause")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_ledger_transactions_reverses_id")),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("transaction_id", _KEY, nullable=False),
        sa.Column("account_id", _KEY, nullable=False),
        sa.Column("amount_fen", _KEY, nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("ck_ledger_entries_not_nothing")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_entries_account_id_ledger_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transactions.id"],
            name=op.f("fk_ledger_entries_transaction_id_ledger_transactions"),
        ),
        sa.PrimaryKeyConstraint("transaction_id", "account_id", name=op.f("pk_ledger_entries")),
    )
    op.create_index(
        op.f("ix_ledger_entries_account_id_transaction_id"), "ledger_entries", ["account_id", "transaction_id"]
    )
