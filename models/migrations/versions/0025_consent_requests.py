"""Consents whose withdrawal waits a day, because who asked could not prove who they are.

Revision: 0025
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _kinds("kind IN ('consent', 'erasure', 'export', 'payee', 'phone')")


def downgrade() -> None:
    op.execute("DELETE FROM rights_requests WHERE kind = 'consent'")
    _kinds("kind IN ('erasure', 'export', 'payee', 'phone')")


def _kinds(condition: str) -> None:
    op.drop_constraint(op.f("ck_rights_requests_kind_known"), "rights_requests")
    op.create_check_constraint(op.f("ck_rights_requests_kind_known"), "rights_requests", condition)
