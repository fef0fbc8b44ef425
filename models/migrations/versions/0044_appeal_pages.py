"""Keep the agreement of an appeal's owner to its public page.

Revision: 0044
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "appeal_pages",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("appeal_id", sa.BigInteger, nullable=False),
        sa.Column("wording", sa.SmallInteger, nullable=False),
        sa.Column("shown_at", _TIME, nullable=False),
        sa.Column("agreed_at", _TIME),
        sa.Column("closed_at", _TIME),
        sa.CheckConstraint("agreed_at >= shown_at", name=op.f("ck_appeal_pages_agreed_to_what_was_shown")),
        sa.CheckConstraint("closed_at >= agreed_at", name=op.f("ck_appeal_pages_closed_after_agreed")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_appeal_pages_appeal_id_appeals")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal_pages")),
        sa.UniqueConstraint("appeal_id", name=op.f("uq_appeal_pages_appeal_id")),
    )


def downgrade() -> None:
    op.drop_table("appeal_pages")
