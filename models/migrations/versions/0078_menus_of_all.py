"""Note everybody who is registered once, so that the worker gives them the tags of their menus.

It follows 0077 because that one holds the tables while it makes its triggers: this takes a minute for each million, a
few thousand people at a time, each time committed. Done twice, it does no harm.

Revision: 0078
"""

import sqlalchemy as sa
from alembic import op

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None

_AT_A_TIME = 5_000
_NOTE = sa.text("""
    WITH people AS (
        SELECT id, account, openid, user_id, parked_openid, following FROM conversations
        WHERE id > :after ORDER BY id LIMIT :most
    ), noted AS (
        INSERT INTO menus_due (account, openid, due_at)
        SELECT account, openid, clock_timestamp() FROM people
        WHERE user_id IS NOT NULL AND parked_openid IS NULL AND following ON CONFLICT DO NOTHING
    )
    SELECT max(id) FROM people
""")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        database = op.get_bind()
        after = 0
        while (last := database.scalar(_NOTE, {"after": after, "most": _AT_A_TIME})) is not None:
            after = last


def downgrade() -> None:
    """The notes are 0077's, and go with it."""
