"""Which wording of the consent a claimant agreed to. Of claims from before there was none.

Revision: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("number_claims", sa.Column("consent_version", sa.SmallInteger))


def downgrade() -> None:
    op.drop_column("number_claims", "consent_version")
