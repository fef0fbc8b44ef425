"""Let a fund holder claim a payout before the transfer, and note what had stopped payouts when it was recorded.

Revision: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_TABLE = "disbursements"
_STATES = (
    *("acquitted", "approved", "authorised", "endorsed", "evidenced", "not_received", "paid", "received"),
    *("received_with_issues", "refused", "requested", "returned", "withdrawn"),
)


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("claimed_by", sa.BigInteger, sa.ForeignKey("staff.id")))
    op.add_column(_TABLE, sa.Column("claimed_at", sa.DateTime(timezone=True)))
    op.add_column(_TABLE, sa.Column("ask_at", sa.DateTime(timezone=True)))
    op.add_column(_TABLE, sa.Column("paid_despite", sa.String(8)))
    _set_states((*_STATES, "transferring"))
    despite = "paid_despite IN ('frozen', 'held', 'over')"
    op.create_check_constraint(op.f("ck_disbursements_paid_despite_known"), _TABLE, despite)
    whole = "state <> 'transferring' OR (claimed_at IS NOT NULL AND ask_at IS NOT NULL AND holder_id IS NOT NULL)"
    op.create_check_constraint(op.f("ck_disbursements_claim_whole"), _TABLE, whole)
    open_ = sa.text("state = 'transferring'")
    op.create_index("ix_disbursements_ask_at", _TABLE, ["ask_at"], postgresql_where=open_)


def downgrade() -> None:
    op.drop_index("ix_disbursements_ask_at", _TABLE)
    op.drop_constraint(op.f("ck_disbursements_claim_whole"), _TABLE)
    op.drop_constraint(op.f("ck_disbursements_paid_despite_known"), _TABLE)
    # The release before asks for the transfer and for its number in one conversation: it can be confirmed there.
    op.execute("UPDATE disbursements SET state = 'authorised', holder_id = NULL WHERE state = 'transferring'")
    _set_states(_STATES)
    for column in ("paid_despite", "ask_at", "claimed_at", "claimed_by"):
        op.drop_column(_TABLE, column)


def _set_states(states: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{state}'" for state in sorted(states))
    op.drop_constraint(op.f("ck_disbursements_state_known"), _TABLE)
    op.create_check_constraint(op.f("ck_disbursements_state_known"), _TABLE, f"state IN ({listed})")
