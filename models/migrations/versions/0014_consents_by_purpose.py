"""Consents by purpose: one to publish, given again after it was withdrawn, and the appeals that it hides.

Owners of appeals agreed to it before the wording had a version: 0.

Revision: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_UNIQUE = "uq_consents_user_id_purpose_version"
_COLUMNS = ["user_id", "purpose", "version"]


def upgrade() -> None:
    op.add_column("appeals", sa.Column("hidden_at", sa.DateTime(timezone=True)))
    op.drop_constraint(_UNIQUE, "consents")
    op.create_index(
        "uq_consents_live", "consents", _COLUMNS, unique=True, postgresql_where=sa.text("withdrawn_at IS NULL")
    )
    _purposes("purpose IN ('account', 'identity', 'publish')")
    op.execute(
        "INSERT INTO consents (user_id, purpose, version, granted_at)"
        " SELECT owner_id, 'publish', 0, min(appeals.created_at) FROM appeals JOIN users ON users.id = owner_id"
        " WHERE appeals.state <> 'draft' AND users.state <> 'erased' GROUP BY owner_id"
    )


def downgrade() -> None:
    op.execute("DELETE FROM consents WHERE purpose = 'publish'")
    op.execute(
        "DELETE FROM consents a USING consents b WHERE a.user_id = b.user_id AND a.purpose = b.purpose"
        " AND a.version = b.version AND a.id < b.id"
    )
    _purposes("purpose IN ('account', 'identity')")
    op.drop_index("uq_consents_live", "consents")
    op.create_unique_constraint(_UNIQUE, "consents", _COLUMNS)
    op.drop_column("appeals", "hidden_at")


def _purposes(condition: str) -> None:
    op.drop_constraint(op.f("ck_consents_purpose_known"), "consents")
    op.create_check_constraint(op.f("ck_consents_purpose_known"), "consents", condition)
