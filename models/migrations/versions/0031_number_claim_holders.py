"""Who had the number when a round of a claim began, and which round it is.

Of claims from before nobody knows it: one that waits begins anew at its next pass.

Revision: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("number_claims", sa.Column("holder_id", sa.BigInteger, sa.ForeignKey("users.id")))
    op.add_column("number_claims", sa.Column("round", sa.SmallInteger, nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("number_claims", "round")
    op.drop_column("number_claims", "holder_id")
