"""Follow the harvest of a pre-order as a lot: its window, when it is picked, and how it ends.

Revision: 0058
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import keep_rows

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
# 45 days was a window (config/market.toml) when this was written. Four days after the last day it fails, and an order
# that waits for it has seven more.
_WINDOWS = "UPDATE listings SET harvest_until = harvest_date + 45 WHERE harvest_date IS NOT NULL"
# What is public and grows yet begins its lot now; what was sold of an earlier harvest goes on as it was.
_BEGIN = """INSERT INTO lots (listing_id, state, first_day, last_day, begun_at, due_at)
    SELECT id, 'open', harvest_date, harvest_until, now(), harvest_date::timestamp AT TIME ZONE 'Asia/Shanghai'
    FROM listings WHERE harvest_date > (now() AT TIME ZONE 'Asia/Shanghai')::date AND state = 'on_sale'
    AND looked_at IS NOT NULL AND shop_url IS NULL"""
_LATER = """UPDATE orders SET due_at = (lots.last_day + 11)::timestamp AT TIME ZONE 'Asia/Shanghai'
    FROM lots WHERE lots.listing_id = orders.listing_id AND orders.state = 'accepted'"""


def upgrade() -> None:
    op.add_column("listings", sa.Column("harvest_until", sa.Date))
    op.execute(_WINDOWS)
    op.create_table(
        "lots",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("listing_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        *(sa.Column(name, _TIME) for name in ("due_at", "picking_at", "asked_at", "harvested_at", "ended_at")),
        sa.Column("counted", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.CheckConstraint(
            "state IN ('done', 'failed', 'harvested', 'locked', 'open', 'shipping')", name=op.f("ck_lots_state_known")
        ),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_lots_window")),
        sa.CheckConstraint(
            "(state IN ('open', 'locked')) = (due_at IS NOT NULL)", name=op.f("ck_lots_clock_runs_until_picked")
        ),
        sa.CheckConstraint(
            "(state IN ('done', 'failed')) = (ended_at IS NOT NULL)", name=op.f("ck_lots_ended_once_over")
        ),
        sa.CheckConstraint(
            "state NOT IN ('harvested', 'shipping') OR harvested_at IS NOT NULL", name=op.f("ck_lots_harvested_once")
        ),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_lots_listing_id_listings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lots")),
        sa.UniqueConstraint("listing_id", name=op.f("uq_lots_listing_id")),
    )
    op.create_index("ix_lots_due_at", "lots", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    sending = sa.text("state IN ('harvested', 'shipping')")
    op.create_index("ix_lots_sending", "lots", ["id"], postgresql_where=sending)
    keep_rows("lots")
    op.execute(_BEGIN)
    op.execute(_LATER)


def downgrade() -> None:
    op.drop_table("lots")
    op.execute("DROP FUNCTION lots_no_delete()")
    op.drop_column("listings", "harvest_until")
