"""What a law keeps of the erased, sealed apart with the day on which it expires; a relative's ID number may go.

Revision: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sealed_remainders",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("erasure_id", sa.BigInteger, sa.ForeignKey("erasures.id"), nullable=False, index=True),
        sa.Column("law", sa.String(12), nullable=False),
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("contents", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("law IN ('donation', 'payout')", name="law_known"),
    )
    op.create_index("ix_sealed_remainders_expires_on", "sealed_remainders", ["expires_on"])
    op.alter_column("conflicts_of_interest", "id_number", nullable=True)


def downgrade() -> None:
    """What is sealed apart is lost; a tie to somebody who was erased is withdrawn, as nothing names them."""
    op.execute("DELETE FROM conflicts_of_interest WHERE id_number IS NULL")
    op.alter_column("conflicts_of_interest", "id_number", nullable=False)
    op.drop_table("sealed_remainders")
