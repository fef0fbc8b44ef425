"""Let a household have one waiting request of a sort; earlier ones of one sort stand beside each other.

Revision: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_WAITING = "state IN ('submitted', 'checked', 'open')"


def upgrade() -> None:
    op.add_column("goods_requests", sa.Column("beside", sa.BigInteger, nullable=False, server_default="0"))
    op.execute(
        "UPDATE goods_requests AS later SET beside = later.id WHERE EXISTS ("
        "SELECT 1 FROM goods_requests AS first WHERE first.id < later.id "
        "AND first.household_id = later.household_id AND first.category = later.category "
        "AND coalesce(first.sort, first.item) = coalesce(later.sort, later.item))"
    )
    op.create_index(
        "uq_goods_requests_waiting",
        "goods_requests",
        ["household_id", "category", sa.text("coalesce(sort, item)"), "beside"],
        unique=True,
        postgresql_where=sa.text(_WAITING),
    )
    op.create_index(
        "ix_goods_requests_need_by",
        "goods_requests",
        ["need_by"],
        postgresql_where=sa.text("state = 'open' AND asked_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_goods_requests_need_by", "goods_requests")
    op.drop_index("uq_goods_requests_waiting", "goods_requests")
    op.drop_column("goods_requests", "beside")
