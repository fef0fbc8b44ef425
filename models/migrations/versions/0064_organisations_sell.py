"""Let organisations sell: numbers of WeChat Pay of their own, and why their orders end.

Revision: 0064
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop_fixed, keep_fixed

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

_WHYS = ("buyer", "buyer_left", "no_harvest", "no_stock", "not_sent", "silent", "suspended", "unpaid")
_FIXED = ("number", "seller_id", "added_at")


def _known(values: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    op.drop_constraint(op.f("ck_orders_why_known"), "orders")
    op.create_check_constraint(op.f("ck_orders_why_known"), "orders", f"why IN ({listed})")


def _keep_fixed(columns: tuple[str, ...]) -> None:
    drop_fixed("sub_merchants")
    keep_fixed("sub_merchants", columns)


def upgrade() -> None:
    _known((*_WHYS, "term_over", "own_now"))
    op.alter_column("sub_merchants", "seller_id", nullable=True, existing_type=sa.BigInteger)
    op.add_column("sub_merchants", sa.Column("organisation_id", sa.BigInteger))
    op.create_foreign_key(
        op.f("fk_sub_merchants_organisation_id_organisations"),
        "sub_merchants",
        "organisations",
        ["organisation_id"],
        ["id"],
    )
    op.create_check_constraint(
        op.f("ck_sub_merchants_of_one"), "sub_merchants", "(seller_id IS NULL) <> (organisation_id IS NULL)"
    )
    own = sa.text("withdrawn_at IS NULL")
    op.create_index(
        "uq_sub_merchants_of_organisation", "sub_merchants", ["organisation_id"], unique=True, postgresql_where=own
    )
    _keep_fixed((*_FIXED, "organisation_id"))


def downgrade() -> None:
    _keep_fixed(_FIXED)
    op.drop_column("sub_merchants", "organisation_id")
    op.alter_column("sub_merchants", "seller_id", nullable=False, existing_type=sa.BigInteger)
    _known(_WHYS)
