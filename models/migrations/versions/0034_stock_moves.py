"""Keep the stock of offers and listings as a ledger of moves; what stands in their columns becomes the first moves.

Revision: 0034
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import never_change

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_KINDS = ("add", "deliver", "find", "hand_out", "lose", "miss", "release", "remove", "reserve")
_FIRST = (("add", "initial"), ("hand_out", "delivered"), ("reserve", "reserved + lost"), ("lose", "lost"))


def upgrade() -> None:
    op.create_table(
        "stock_moves",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("thing", sa.String(8), nullable=False),
        sa.Column("thing_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.String(60), nullable=False, unique=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("thing IN ('listing', 'offer')", name=op.f("ck_stock_moves_thing_known")),
        sa.CheckConstraint(f"kind IN {_KINDS}", name=op.f("ck_stock_moves_kind_known")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_stock_moves_quantity_positive")),
    )
    op.create_index("ix_stock_moves_thing", "stock_moves", ["thing", "thing_id", "id"])
    for name, table in (("offer", "offers"), ("listing", "listings")):
        for kind, quantity in _FIRST:
            op.execute(
                "INSERT INTO stock_moves (thing, thing_id, kind, quantity, cause, at) "  # noqa: S608 - names of ours
                f"SELECT '{name}', id, '{kind}', {quantity}, '{name}:' || id || ':moved_in:{kind}', created_at "
                f"FROM {table} WHERE {quantity} > 0 ORDER BY id"
            )
    never_change("stock_moves")


def downgrade() -> None:
    op.drop_table("stock_moves")
    for act in ("update", "delete"):
        op.execute(f"DROP FUNCTION stock_moves_no_{act}()")
