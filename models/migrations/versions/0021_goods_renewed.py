"""Ask about old requests, offers and listings: when they were renewed, and since when their owners are asked.

Listings may expire. Back again, an expired listing is withdrawn.

Revision: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TABLES = ("offers", "goods_requests", "listings")
_STATES = ("draft", "on_sale", "rejected", "returned", "sold_out", "submitted", "suspended", "withdrawn")
_KNOWN = "ck_listings_state_known"


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("renewed_at", sa.DateTime(timezone=True)))
        op.add_column(table, sa.Column("asked_at", sa.DateTime(timezone=True)))
    _allow((*_STATES, "expired"))


def downgrade() -> None:
    op.execute("UPDATE listings SET state = 'withdrawn' WHERE state = 'expired'")
    _allow(_STATES)
    for table in _TABLES:
        op.drop_column(table, "asked_at")
        op.drop_column(table, "renewed_at")


def _allow(states: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{state}'" for state in sorted(states))
    op.drop_constraint(op.f(_KNOWN), "listings", type_="check")
    op.create_check_constraint(op.f(_KNOWN), "listings", f"state IN ({listed})")
