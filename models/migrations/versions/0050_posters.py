"""Keep the codes of appeals, how often they were scanned, and what follows a look at an appeal.

Revision: 0050
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "appeal_codes",
        sa.Column("appeal_id", sa.BigInteger, nullable=False),
        sa.Column("address", sa.String(300), nullable=False),
        sa.Column("ends_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_appeal_codes_appeal_id_appeals")),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_appeal_codes")),
    )
    op.create_table(
        "code_scans",
        sa.Column("appeal_id", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("scans", sa.BigInteger, nullable=False),
        sa.Column("follows", sa.BigInteger, nullable=False),
        sa.CheckConstraint("follows BETWEEN 0 AND scans", name=op.f("ck_code_scans_follows_are_scans")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_code_scans_appeal_id_appeals")),
        sa.PrimaryKeyConstraint("appeal_id", "day", name=op.f("pk_code_scans")),
    )
    op.create_table(
        "follow_ups",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("appeal_id", sa.BigInteger, nullable=False),
        sa.Column("conversation_id", sa.BigInteger, nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.CheckConstraint("kind IN ('card', 'poster')", name=op.f("ck_follow_ups_kind_known")),
        sa.CheckConstraint("state IN ('given_up', 'owed', 'sent')", name=op.f("ck_follow_ups_state_known")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_follow_ups_appeal_id_appeals")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_follow_ups_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_ups")),
    )
    op.create_index("ix_follow_ups_asked", "follow_ups", ["conversation_id", "asked_at"])
    op.create_index("ix_follow_ups_asked_at", "follow_ups", ["asked_at"])
    op.create_index("ix_follow_ups_owed", "follow_ups", ["asked_at"], postgresql_where=sa.text("state = 'owed'"))


def downgrade() -> None:
    op.drop_table("follow_ups")
    op.drop_table("code_scans")
    op.drop_table("appeal_codes")
