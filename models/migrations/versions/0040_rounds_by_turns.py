"""Find what needs a round, and who waits for it, by index; requests are no longer notified in turns.

Revision: 0040
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.drop_index("ix_goods_requests_turn", "goods_requests")
    op.create_index(
        "ix_goods_requests_waits", "goods_requests", ["category", "sort", "waits_from", "id"], postgresql_where=_OPEN
    )
    op.drop_column("goods_requests", "turn_at")
    op.create_index(
        "ix_offers_round",
        "offers",
        ["turn_at", "id"],
        postgresql_where=sa.text("state = 'available' AND sort IS NOT NULL"),
    )
    op.add_column("shelves", sa.Column("turn_at", _TIME))
    op.create_index(
        "ix_shelves_turn", "shelves", [sa.text("turn_at NULLS FIRST"), "id"], postgresql_where=sa.text("quantity > 0")
    )


def downgrade() -> None:
    op.drop_index("ix_shelves_turn", "shelves")
    op.drop_column("shelves", "turn_at")
    op.drop_index("ix_offers_round", "offers")
    op.add_column("goods_requests", sa.Column("turn_at", _TIME))
    op.execute("UPDATE goods_requests SET turn_at = created_at")
    op.alter_column("goods_requests", "turn_at", nullable=False)
    op.drop_index("ix_goods_requests_waits", "goods_requests")
    op.create_index("ix_goods_requests_turn", "goods_requests", ["state", "category", "sort", "turn_at", "id"])
