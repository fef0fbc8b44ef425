"""Keep what each pool has added to each appeal in a row that triggers on its matches move.

Revision: 0075
"""

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None

_NEW = "SELECT pool_id, appeal_id, fen - returned_fen AS fen FROM new_rows"
_OLD = "SELECT pool_id, appeal_id, returned_fen - fen AS fen FROM old_rows"
_EVENTS = {
    "INSERT": (_NEW, "NEW TABLE AS new_rows"),
    "UPDATE": (f"{_NEW} UNION ALL {_OLD}", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    "DELETE": (_OLD, "OLD TABLE AS old_rows"),
}


def upgrade() -> None:
    op.create_table(
        "pool_sums",
        sa.Column("pool_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("appeal_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("fen", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["pool_id"], ["matching_pools.id"], name=op.f("fk_pool_sums_pool_id_matching_pools")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_pool_sums_appeal_id_appeals")),
        sa.PrimaryKeyConstraint("pool_id", "appeal_id", name=op.f("pk_pool_sums")),
    )
    for event, (rows, tables) in _EVENTS.items():
        name = f"pool_matches_summed_{event.lower()}"
        # In one order, so that two statements of many matches never wait for each other.
        moved = (
            f"INSERT INTO pool_sums (pool_id, appeal_id, fen)"  # noqa: S608 - words of ours
            f" SELECT pool_id, appeal_id, sum(fen) FROM ({rows}) AS one GROUP BY pool_id, appeal_id HAVING sum(fen) <> 0"
            f" ORDER BY pool_id, appeal_id ON CONFLICT (pool_id, appeal_id) DO UPDATE SET fen = pool_sums.fen + excluded.fen"
        )
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {moved}; RETURN NULL; END $$"
        )
        each = f"AFTER {event} ON pool_matches REFERENCING {tables} FOR EACH STATEMENT"
        op.execute(f"CREATE TRIGGER {name} {each} EXECUTE FUNCTION {name}()")
    # After the triggers: creating one locks the table, so the sums miss no match that an old process writes meanwhile.
    op.execute(
        "INSERT INTO pool_sums (pool_id, appeal_id, fen)"
        " SELECT pool_id, appeal_id, sum(fen - returned_fen) FROM pool_matches GROUP BY pool_id, appeal_id"
    )


def downgrade() -> None:
    for event in _EVENTS:
        name = f"pool_matches_summed_{event.lower()}"
        op.execute(f"DROP TRIGGER {name} ON pool_matches")
        op.execute(f"DROP FUNCTION {name}()")
    op.drop_table("pool_sums")
