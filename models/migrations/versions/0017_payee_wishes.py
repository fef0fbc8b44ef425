"""Payees that wait a day, because who named them could not prove who they are.

Revision: 0017
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _kinds("kind IN ('erasure', 'export', 'payee', 'phone')")


def downgrade() -> None:
    op.execute("DELETE FROM rights_requests WHERE kind = 'payee'")
    _kinds("kind IN ('erasure', 'export', 'phone')")


def _kinds(condition: str) -> None:
    op.drop_constraint(op.f("ck_rights_requests_kind_known"), "rights_requests")
    op.create_check_constraint(op.f("ck_rights_requests_kind_known"), "rights_requests", condition)
