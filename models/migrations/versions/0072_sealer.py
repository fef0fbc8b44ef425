"""Seal audit events and postings soon after their commit, instead of in it behind the lock of the chain's head.

Events get ids of a sequence, and links of their own; triggers note what waits for its link. What the tables refused
when a link was made (a posting that does not sum to zero, or moves money between two charities) they refuse at the
commit of the posting. Rows of before keep their places and hashes.

Revision: 0072
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import after_insert, drop_fixed, never_change, refuse_at_commit, refuse_insert

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_UNBALANCED = "(SELECT count(*) < 2 OR sum(amount_fen) <> 0 FROM ledger_entries WHERE transaction_id = {})"
_BANK = "CASE WHEN {0} >= 100000000000 THEN 0 ELSE {0} END"
_CROSSED = f"""(
    SELECT count(DISTINCT CASE
        WHEN account.kind IN ('channel', 'refunds', 'unassigned') THEN account.subject_id
        WHEN account.kind IN ('bank', 'fees') THEN {_BANK.format("account.subject_id")}
        WHEN account.kind = 'pool'
            THEN (SELECT {_BANK.format("holder_id")} FROM matching_pools WHERE id = account.subject_id)
        ELSE (SELECT charity_id FROM appeals WHERE id = account.subject_id) END) > 1
      FROM ledger_entries AS entry JOIN ledger_accounts AS account ON account.id = entry.account_id
     WHERE entry.transaction_id = {{}})"""  # noqa: S608 - words of ours
_MISSING = "entries are missing, or do not sum to zero"
_TWO = "money of one charity went to another"
_COMPLETE = "ledger_entries: the transaction is complete"
_SEALED = "EXISTS (SELECT 1 FROM ledger_links WHERE transaction_id = NEW.transaction_id)"
_OF_BEFORE = (
    "NOT EXISTS (SELECT 1 FROM ledger_transactions WHERE id = NEW.transaction_id"
    " AND written_in = pg_current_xact_id()::text::bigint)"
)


def upgrade() -> None:
    _links_of_their_own()
    for table, rows in (("audit_unsealed", "audit_events"), ("ledger_unsealed", "ledger_transactions")):
        op.create_table(
            table,
            sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("since", _TIME, nullable=False, server_default=sa.text("clock_timestamp()")),
        )
        after_insert(rows, "waits", (f"INSERT INTO {table} (id) VALUES (NEW.id)",))  # noqa: S608 - words of ours
    op.drop_constraint(op.f("fk_ledger_transactions_id_ledger_links"), "ledger_transactions", type_="foreignkey")
    # Rows of before have none, and nothing writes the table anew for it.
    op.add_column("ledger_transactions", sa.Column("written_in", sa.BigInteger))
    op.alter_column("ledger_transactions", "written_in", server_default=sa.text("pg_current_xact_id()::text::bigint"))
    drop_fixed("ledger_entries", "sealed")
    refuse_insert("ledger_entries", "complete", _OF_BEFORE, _COMPLETE)
    for name in ("balanced", "one_charity"):
        drop_fixed("ledger_links", name)
    refuse_at_commit(
        "ledger_transactions", "balanced", _UNBALANCED.format("NEW.id"), f"ledger_transactions: {_MISSING}"
    )
    refuse_at_commit("ledger_transactions", "one_charity", _CROSSED.format("NEW.id"), f"ledger_transactions: {_TWO}")


def _links_of_their_own() -> None:
    op.create_table(
        "audit_links",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_links_event_id")),
    )
    op.execute("INSERT INTO audit_links SELECT id, id, hash FROM audit_events")
    never_change("audit_links")
    op.drop_column("audit_events", "hash")
    op.execute("CREATE SEQUENCE audit_events_id_seq AS bigint OWNED BY audit_events.id")
    op.execute("SELECT setval('audit_events_id_seq', coalesce(max(id), 0) + 1, false) FROM audit_events")
    op.alter_column("audit_events", "id", server_default=sa.text("nextval('audit_events_id_seq'::regclass)"))


def downgrade() -> None:
    """Refuse while anything waits: a link of before is made in the commit, and a migration makes none."""
    for table in ("audit_unsealed", "ledger_unsealed"):
        waits = f"IF EXISTS (SELECT 1 FROM {table}) THEN"  # noqa: S608 - words of ours
        op.execute(f"DO $$ BEGIN {waits} RAISE EXCEPTION '{table}: let the worker seal them first'; END IF; END $$")
    for name in ("balanced", "one_charity", "waits"):
        drop_fixed("ledger_transactions", name)
    drop_fixed("audit_events", "waits")
    for table in ("audit_unsealed", "ledger_unsealed"):
        op.drop_table(table)
    drop_fixed("ledger_entries", "complete")
    op.drop_column("ledger_transactions", "written_in")
    refuse_insert("ledger_entries", "sealed", _SEALED, _COMPLETE)
    own = "NEW.transaction_id"
    refuse_insert("ledger_links", "balanced", _UNBALANCED.format(own), f"ledger_links: {_MISSING}")
    refuse_insert("ledger_links", "one_charity", _CROSSED.format(own), f"ledger_links: {_TWO}")
    op.create_foreign_key(
        op.f("fk_ledger_transactions_id_ledger_links"),
        "ledger_transactions",
        "ledger_links",
        ["id"],
        ["transaction_id"],
        deferrable=True,
        initially="DEFERRED",
    )
    _links_are_the_events()


def _links_are_the_events() -> None:
    for act in ("update", "delete"):
        drop_fixed("audit_events", f"no_{act}")
    op.alter_column("audit_events", "id", server_default=None)
    op.execute("DROP SEQUENCE audit_events_id_seq")
    op.add_column("audit_events", sa.Column("hash", sa.String(64)))
    # An event's id is its number again; by way of negative ones, so that none is there twice meanwhile.
    op.execute(
        "UPDATE audit_events AS event SET id = -link.number, hash = link.hash"
        " FROM audit_links AS link WHERE link.event_id = event.id"
    )
    op.execute("UPDATE audit_events SET id = -id")
    op.alter_column("audit_events", "hash", nullable=False)
    op.drop_table("audit_links")
    op.execute("DROP FUNCTION audit_links_no_update(), audit_links_no_delete()")
    never_change("audit_events")
