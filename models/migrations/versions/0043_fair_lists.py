"""Read the public lists by indexes: what is urgent, what has waited longest, and what is near a place.

Revision: 0043
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_OPEN, _AVAILABLE, _ON_SALE = (sa.text(f"state = '{state}'") for state in ("open", "available", "on_sale"))
_INDEXES = (
    ("ix_goods_requests_listed", "goods_requests", ["waits_from", "id"], _OPEN),
    ("ix_goods_requests_soon", "goods_requests", ["need_by", "id"], _OPEN),
    ("ix_goods_requests_place", "goods_requests", ["region_code"], _OPEN),
    ("ix_offers_listed", "offers", ["looked_at", "id"], _AVAILABLE),
    ("ix_offers_spoiling", "offers", ["best_before", "id"], _AVAILABLE),
    ("ix_offers_place", "offers", ["region_code"], _AVAILABLE),
    ("ix_listings_listed", "listings", ["looked_at", "id"], _ON_SALE),
)


def upgrade() -> None:
    for name, table, columns, where in _INDEXES:
        op.create_index(name, table, columns, postgresql_where=where)


def downgrade() -> None:
    for name, table, _columns, _where in reversed(_INDEXES):
        op.drop_index(name, table)
