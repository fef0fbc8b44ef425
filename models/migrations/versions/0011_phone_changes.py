"""Requests that wait and then change something: a phone number (我的资料).

Revision: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rights_requests", sa.Column("wish", sa.LargeBinary))
    _check("kind_known", "kind IN ('export', 'phone')")
    _check("state_known", "state IN ('done', 'gone', 'ready', 'stopped', 'waiting')")
    _check("ended_is_dated", "(state IN ('done', 'stopped', 'gone')) = (ended_at IS NOT NULL)")


def downgrade() -> None:
    op.execute("DELETE FROM rights_requests WHERE kind <> 'export'")
    _check("kind_known", "kind IN ('export')")
    _check("state_known", "state IN ('gone', 'ready', 'stopped', 'waiting')")
    _check("ended_is_dated", "(state IN ('stopped', 'gone')) = (ended_at IS NOT NULL)")
    op.drop_column("rights_requests", "wish")


def _check(name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_rights_requests_{name}"), "rights_requests")
    op.create_check_constraint(op.f(f"ck_rights_requests_{name}"), "rights_requests", condition)
