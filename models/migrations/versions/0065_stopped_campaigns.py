"""Let the county stop a campaign before it is divided, for a reason that everybody who takes part hears.

Revision: 0065
"""

from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

_STATES = ("divided", "done", "failed", "open", "reached", "rejected", "submitted")
_WHYS = ("growers", "least", "unconfirmed")
_STOPS = ("crop_false", "harvest_lost", "price_wrong", "reseller")


def upgrade() -> None:
    _allow("state", *_STATES, "stopped")
    _allow("why", *_WHYS, *_STOPS)
    op.drop_constraint(op.f("ck_campaigns_failed_for_a_reason"), "campaigns")
    ended = "(state IN ('failed', 'stopped')) = (why IS NOT NULL)"
    op.create_check_constraint(op.f("ck_campaigns_ended_for_a_reason"), "campaigns", ended)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_campaigns_ended_for_a_reason"), "campaigns")
    failed = "(state = 'failed') = (why IS NOT NULL)"
    op.create_check_constraint(op.f("ck_campaigns_failed_for_a_reason"), "campaigns", failed)
    _allow("why", *_WHYS)
    _allow("state", *_STATES)


def _allow(column: str, *words: str) -> None:
    op.drop_constraint(op.f(f"ck_campaigns_{column}_known"), "campaigns")
    listed = ", ".join(f"'{word}'" for word in sorted(words))
    op.create_check_constraint(op.f(f"ck_campaigns_{column}_known"), "campaigns", f"{column} IN ({listed})")
