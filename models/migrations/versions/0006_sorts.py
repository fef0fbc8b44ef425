"""What is the like of what among goods, and whose turn it is to be told of it.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = {
    "offers": (["handover", "turn_at", "id"], ["handover", "region_code"]),
    "goods_requests": (["turn_at", "id"], ["region_code"]),
}


def upgrade() -> None:
    for table, (turn, near) in _TABLES.items():
        with op.batch_alter_table(table) as goods:
            goods.add_column(sa.Column("sort", sa.String(length=60), nullable=True))
            goods.add_column(sa.Column("turn_at", sa.DateTime(timezone=True), nullable=True))
        # The sorts themselves are told from the names by ``flask upgrade``: the words for them are in config/.
        op.execute(f"UPDATE {table} SET turn_at = created_at")  # noqa: S608 - no words of anybody's
        with op.batch_alter_table(table) as goods:
            goods.alter_column("turn_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        op.create_index(f"ix_{table}_turn", table, ["state", "category", "sort", *turn])
        op.create_index(f"ix_{table}_near", table, ["state", "category", "sort", *near])


def downgrade() -> None:
    for table in _TABLES:
        op.drop_index(f"ix_{table}_near", table_name=table)
        op.drop_index(f"ix_{table}_turn", table_name=table)
        with op.batch_alter_table(table) as goods:
            goods.drop_column("turn_at")
            goods.drop_column("sort")
