"""Say of handover points what place they are and who is asked to keep them next; keep printed collection cards.

A keeper keeps one point: of several that one keeps, all but the first close. A closed point keeps no phone.

Revision: 0039
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("points", sa.Column("place", sa.String(8), server_default="shop", nullable=False))
    op.add_column("points", sa.Column("next_keeper_id", sa.BigInteger))
    op.create_foreign_key(op.f("fk_points_next_keeper_id_staff"), "points", "staff", ["next_keeper_id"], ["id"])
    op.create_index(op.f("ix_points_next_keeper_id"), "points", ["next_keeper_id"])
    op.create_check_constraint(op.f("ck_points_place_known"), "points", "place IN ('home', 'office', 'shop')")
    op.execute(
        "UPDATE points SET state = 'closed' WHERE state <> 'closed' AND EXISTS (SELECT 1 FROM points AS first"
        " WHERE first.keeper_id = points.keeper_id AND first.state <> 'closed' AND first.id < points.id)"
    )
    op.execute("UPDATE points SET phone = NULL WHERE state = 'closed'")
    no_phone = "state <> 'closed' OR (phone IS NULL AND next_keeper_id IS NULL)"
    op.create_check_constraint(op.f("ck_points_closed_has_no_phone"), "points", no_phone)
    live = sa.text("state IN ('proposed', 'open')")
    op.create_index("uq_points_kept", "points", ["keeper_id"], unique=True, postgresql_where=live)
    op.create_table(
        "collection_cards",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("match_id", sa.BigInteger, nullable=False),
        sa.Column("printed_by", sa.BigInteger, nullable=False),
        sa.Column("printed_at", _TIME, nullable=False),
        sa.Column("void_at", _TIME),
        sa.ForeignKeyConstraint(["match_id"], ["matches.id"], name=op.f("fk_collection_cards_match_id_matches")),
        sa.ForeignKeyConstraint(["printed_by"], ["staff.id"], name=op.f("fk_collection_cards_printed_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_cards")),
    )
    op.create_index(op.f("ix_collection_cards_match_id"), "collection_cards", ["match_id"])
    op.create_index(op.f("ix_collection_cards_printed_by"), "collection_cards", ["printed_by"])
    void = sa.text("void_at IS NULL")
    op.create_index("uq_collection_cards_live", "collection_cards", ["match_id"], unique=True, postgresql_where=void)


def downgrade() -> None:
    op.drop_table("collection_cards")
    op.drop_index("uq_points_kept", "points")
    op.drop_constraint(op.f("ck_points_closed_has_no_phone"), "points")
    op.drop_constraint(op.f("ck_points_place_known"), "points")
    op.drop_index(op.f("ix_points_next_keeper_id"), "points")
    op.drop_column("points", "next_keeper_id")
    op.drop_column("points", "place")
