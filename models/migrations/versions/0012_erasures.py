"""Requests to be erased (注销), and their erasures, which go by pages.

Tickets of before that ask to be erased stay as they are, for the county to answer.

Revision: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_LIVE, _WAS_LIVE = "state IN ('waiting', 'ready', 'cooling', 'erasing')", "state IN ('waiting', 'ready')"
_CHECKS = {
    "kind_known": ("kind IN ('erasure', 'export', 'phone')", "kind IN ('export', 'phone')"),
    "state_known": (
        "state IN ('cooling', 'done', 'erasing', 'gone', 'ready', 'stopped', 'waiting')",
        "state IN ('done', 'gone', 'ready', 'stopped', 'waiting')",
    ),
}


def _change(to: int, live: str) -> None:
    for name, checks in _CHECKS.items():
        op.drop_constraint(op.f(f"ck_rights_requests_{name}"), "rights_requests")
        op.create_check_constraint(op.f(f"ck_rights_requests_{name}"), "rights_requests", checks[to])
    indexes = {
        "uq_rights_requests_live": (["conversation_id", "kind"], True),
        "ix_rights_requests_due": (["until"], False),
    }
    for name, (columns, unique) in indexes.items():
        op.drop_index(name, "rights_requests")
        op.create_index(name, "rights_requests", columns, unique=unique, postgresql_where=sa.text(live))


def upgrade() -> None:
    _change(0, _LIVE)
    op.create_table(
        "erasures",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), index=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), index=True),
        sa.Column("request_id", sa.BigInteger, sa.ForeignKey("rights_requests.id"), unique=True),
        sa.Column("cause", sa.String(12), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("room", sa.String(20), nullable=False),
        sa.Column("cursor", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("done_at", _TIME),
        sa.CheckConstraint("cause IN ('person', 'wechat')", name="cause_known"),
        sa.CheckConstraint("state IN ('done', 'running')", name="state_known"),
        sa.CheckConstraint("conversation_id IS NOT NULL OR user_id IS NOT NULL", name="of_somebody"),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_is_dated"),
    )
    op.create_index("ix_erasures_running", "erasures", ["id"], postgresql_where=sa.text("state = 'running'"))


def downgrade() -> None:
    """What is under way is given up: the older release knows no request to be erased."""
    op.drop_table("erasures")
    op.execute("DELETE FROM rights_requests WHERE kind = 'erasure'")
    _change(1, _WAS_LIVE)
