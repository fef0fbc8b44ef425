"""Voices that wait to be heard or answered, and the consents to have them recognised.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "speech_consents",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), nullable=False, index=True),
        sa.Column("recogniser", sa.String(120), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("granted_at", _TIME, nullable=False),
        sa.Column("withdrawn_at", _TIME),
    )
    op.create_index(
        "ix_speech_consents_live",
        "speech_consents",
        ["conversation_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "voices",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), nullable=False, index=True),
        sa.Column("media_id", sa.String(200), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("words", sa.LargeBinary),
        sa.Column("screen", sa.LargeBinary, nullable=False),
        sa.Column("said_at", _TIME, nullable=False, index=True),
        sa.Column("since", _TIME),
        sa.Column("tries", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("tried_at", _TIME),
        sa.CheckConstraint("state IN ('aside', 'heard', 'listening', 'waiting')", name="state_known"),
        sa.CheckConstraint("(words IS NOT NULL) = (state IN ('heard', 'aside'))", name="words_once_heard"),
        sa.CheckConstraint("(since IS NULL) = (state = 'waiting')", name="since_consent"),
    )
    op.create_index("ix_voices_listening", "voices", ["since"], postgresql_where=sa.text("state = 'listening'"))


def downgrade() -> None:
    op.drop_table("voices")
    op.drop_table("speech_consents")
