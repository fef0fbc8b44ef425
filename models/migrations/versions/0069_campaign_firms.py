"""Have a firm pledge by its credit code, once in a campaign; the county strikes one before it is divided.

Revision: 0069
"""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

_STATES = ("left", "served", "standing", "unserved")


def upgrade() -> None:
    op.add_column("buying_firms", sa.Column("credit_code", sa.LargeBinary))
    for column in (sa.Column("firm", sa.LargeBinary), sa.Column("credit_code", sa.LargeBinary)):
        op.add_column("campaign_pledges", column)
    op.add_column("campaign_pledges", sa.Column("code_hash", sa.String(64)))
    op.create_index("uq_campaign_pledges_firm", "campaign_pledges", ["campaign_id", "code_hash"], unique=True)
    op.create_check_constraint(
        op.f("ck_campaign_pledges_firm_while_it_stands"),
        "campaign_pledges",
        "(firm IS NULL) = (credit_code IS NULL) AND (firm IS NULL) = (code_hash IS NULL) "
        "AND (firm IS NULL OR by_firm AND state = 'standing')",
    )
    _allow(*_STATES, "struck")
    op.add_column("campaigns", sa.Column("divides_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE campaigns SET divides_at = closes_at WHERE state IN ('reached', 'divided', 'done')")
    op.create_check_constraint(
        op.f("ck_campaigns_reached_is_divided_from"),
        "campaigns",
        "state NOT IN ('reached', 'divided', 'done') OR divides_at IS NOT NULL",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_campaigns_reached_is_divided_from"), "campaigns")
    op.drop_column("campaigns", "divides_at")
    op.execute("UPDATE campaign_pledges SET state = 'left' WHERE state = 'struck'")
    _allow(*_STATES)
    op.drop_constraint(op.f("ck_campaign_pledges_firm_while_it_stands"), "campaign_pledges")
    op.drop_index("uq_campaign_pledges_firm", "campaign_pledges")
    for column in ("code_hash", "credit_code", "firm"):
        op.drop_column("campaign_pledges", column)
    op.drop_column("buying_firms", "credit_code")


def _allow(*states: str) -> None:
    op.drop_constraint(op.f("ck_campaign_pledges_state_known"), "campaign_pledges")
    listed = ", ".join(f"'{state}'" for state in sorted(states))
    op.create_check_constraint(op.f("ck_campaign_pledges_state_known"), "campaign_pledges", f"state IN ({listed})")
