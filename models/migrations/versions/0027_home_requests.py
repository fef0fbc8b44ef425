"""Homes whose change waits a day, because who asked could not prove who they are.

Revision: 0027
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _kinds("kind IN ('consent', 'erasure', 'export', 'home', 'payee', 'phone')")


def downgrade() -> None:
    op.execute("DELETE FROM rights_requests WHERE kind = 'home'")
    _kinds("kind IN ('consent', 'erasure', 'export', 'payee', 'phone')")


def _kinds(condition: str) -> None:
    op.drop_constraint(op.f("ck_rights_requests_kind_known"), "rights_requests")
    op.create_check_constraint(op.f("ck_rights_requests_kind_known"), "rights_requests", condition)
