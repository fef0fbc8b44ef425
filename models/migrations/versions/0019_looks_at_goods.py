"""Let officers look at requests, offers and listings before others see them.

What is public already keeps its state, but has not been looked at (``looked_at``), so that nobody sees it any more; a
sweep submits it to the officers (models.goods.review.look_at_earlier). Back again, what waits or was turned away is
withdrawn: it was never passed, and the older program would show it.

Revision: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
# Table -> its states before, and those that are new; and the condition on what was public before there was a look.
_STATES = {
    "offers": (
        ("available", "draft", "exhausted", "expired", "screened", "withdrawn"),
        ("rejected", "returned", "submitted"),
        "looked_at IS NULL AND state IN ('available', 'exhausted')",
    ),
    "goods_requests": (
        ("draft", "expired", "met", "open", "withdrawn"),
        ("checked", "rejected", "returned", "submitted"),
        "looked_at IS NULL AND state = 'open'",
    ),
    "listings": (
        ("draft", "on_sale", "sold_out", "suspended", "withdrawn"),
        ("rejected", "returned", "submitted"),
        "looked_at IS NULL AND state IN ('on_sale', 'sold_out')",
    ),
}
_SUBJECTS = (
    *("appeal", "case", "disbursement", "discrepancy", "message", "receipt", "refund", "revision"),
    *("suspense_item", "update", "inquiry"),
)
_GOODS = ("listing", "offer", "request")


def upgrade() -> None:
    for table, (before, new, unseen) in _STATES.items():
        op.add_column(table, sa.Column("looked_at", _TIME))
        op.add_column(table, sa.Column("round", sa.SmallInteger, nullable=False, server_default="1"))
        _allow(table, "state", (*before, *new))
        op.create_index(f"ix_{table}_unseen", table, ["id"], postgresql_where=sa.text(unseen))
    op.add_column("offers", sa.Column("goes_to", sa.String(12), sa.ForeignKey("regions.code")))
    for table in ("goods_requests", "listings"):
        op.create_index(f"ix_{table}_household_id", table, ["household_id"])
    _allow("tasks", "subject", (*_SUBJECTS, *_GOODS))


def downgrade() -> None:
    goods = ", ".join(f"'{subject}'" for subject in _GOODS)
    op.execute(f"DELETE FROM recusals WHERE task_id IN (SELECT id FROM tasks WHERE subject IN ({goods}))")  # noqa: S608
    op.execute(f"DELETE FROM tasks WHERE subject IN ({goods})")  # noqa: S608 - literals of this file
    _allow("tasks", "subject", _SUBJECTS)
    for table in ("goods_requests", "listings"):
        op.drop_index(f"ix_{table}_household_id", table)
    op.drop_column("offers", "goes_to")
    for table, (before, new, _) in _STATES.items():
        op.drop_index(f"ix_{table}_unseen", table)
        turned_away = ", ".join(f"'{state}'" for state in new)
        op.execute(f"UPDATE {table} SET state = 'withdrawn' WHERE state IN ({turned_away})")  # noqa: S608
        _allow(table, "state", before)
        op.drop_column(table, "round")
        op.drop_column(table, "looked_at")


def _allow(table: str, column: str, words: tuple[str, ...]) -> None:
    """Replace the CHECK on the words that the column may hold."""
    name = f"{column}_known"
    listed = ", ".join(f"'{word}'" for word in sorted(words))
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{column} IN ({listed})")
