"""Let a harvest fall short: what never came to be leaves the stock, and an order that gets nothing of it is cancelled.

Revision: 0056
"""

from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

_WHY = "'buyer', 'buyer_left', {}'no_stock', 'not_sent', 'silent', 'suspended'"
_MOVES = "'add', 'deliver', 'find', 'hand_out', 'lose', 'miss', 'release', 'remove', 'reserve'{}"


def upgrade() -> None:
    _allow(", 'spoil'", "'no_harvest', ")


def downgrade() -> None:
    _allow("", "")


def _allow(moves: str, why: str) -> None:
    """Replace the constraints on what moves stock, and on why an order was cancelled."""
    for table, column, values in (("stock_moves", "kind", _MOVES.format(moves)), ("orders", "why", _WHY.format(why))):
        name = op.f(f"ck_{table}_{column}_known")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"{column} IN ({values})")
