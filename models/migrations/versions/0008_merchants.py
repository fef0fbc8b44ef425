"""Merchant numbers, each of one charity; and no posting that moves one charity's money into another's.

All that was collected so far came in under the numbers in our orders and bills, which are charity 0's. The ledger's
accounts at the channel, for refunds and of suspense items had the number 0, and so are its own too: nothing is posted
anew. A bank account that is known by a region is charity 0's as well; any other by its charity's number.

Revision: 0008
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop_fixed, never_change, refuse_insert

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BANK = "CASE WHEN {0} >= 100000000000 THEN 0 ELSE {0} END"
_CROSSED = f"""(
    SELECT count(DISTINCT CASE
        WHEN account.kind IN ('channel', 'refunds', 'unassigned') THEN account.subject_id
        WHEN account.kind IN ('bank', 'fees') THEN {_BANK.format("account.subject_id")}
        WHEN account.kind = 'pool'
            THEN (SELECT {_BANK.format("holder_id")} FROM matching_pools WHERE id = account.subject_id)
        ELSE (SELECT charity_id FROM appeals WHERE id = account.subject_id) END) > 1
      FROM ledger_entries AS entry JOIN ledger_accounts AS account ON account.id = entry.account_id
     WHERE entry.transaction_id = NEW.transaction_id)"""  # noqa: S608 - words of ours
# Each number, and when it was first used.
_USED = """
    SELECT merchant, min(at) AS at FROM (
        SELECT merchant, created_at AS at FROM pay_orders
        UNION ALL SELECT merchant, opened_at FROM suspense_items
        UNION ALL SELECT merchant, day::timestamptz FROM bill_days) AS uses GROUP BY merchant"""


def upgrade() -> None:
    op.create_table(
        "merchants",
        sa.Column("number", sa.String(32), primary_key=True),
        sa.Column("charity_id", sa.BigInteger, sa.ForeignKey("charities.id"), nullable=False, index=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
    )
    first = "INSERT INTO charities (id, state, created_at) SELECT 0, 'unnamed', now()"
    op.execute(f"{first} WHERE EXISTS ({_USED}) ON CONFLICT DO NOTHING")
    op.execute(f"INSERT INTO merchants SELECT merchant, 0, at FROM ({_USED}) AS used")  # noqa: S608 - words of ours
    never_change("merchants")
    refuse_insert("ledger_links", "one_charity", _CROSSED, "ledger_links: money of one charity went to another")


def downgrade() -> None:
    drop_fixed("ledger_links", "one_charity")
    for act in ("update", "delete"):
        drop_fixed("merchants", f"no_{act}")
    op.drop_table("merchants")
