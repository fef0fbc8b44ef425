"""Ask the buyer of an order of which a short harvest leaves less: less, the rest later, or all back.

Revision: 0063
"""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_CHECKS = {
    "choice_known": "choice IN ('less', 'open', 'wait')",
    "wanted_more": "(choice IS NULL) = (wanted IS NULL) AND wanted > quantity",
    "choice_ends": "COALESCE(choice IN ('open', 'wait'), false) = (choice_until IS NOT NULL)",
    "asked_before_it_is_sent": "choice_until IS NULL OR state IN ('placed', 'paid', 'accepted')",
}


def upgrade() -> None:
    op.add_column("orders", sa.Column("wanted", sa.BigInteger))
    op.add_column("orders", sa.Column("choice", sa.String(8)))
    op.add_column("orders", sa.Column("choice_until", _TIME))
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_orders_{name}"), "orders", condition)
    asked = sa.text("choice_until IS NOT NULL")
    op.create_index("ix_orders_choice_until", "orders", ["choice_until"], postgresql_where=asked)


def downgrade() -> None:
    op.drop_index("ix_orders_choice_until", "orders")
    for name in reversed(_CHECKS):
        op.drop_constraint(op.f(f"ck_orders_{name}"), "orders")
    for name in ("choice_until", "choice", "wanted"):
        op.drop_column("orders", name)
