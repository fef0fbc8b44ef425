"""Keep who signs in at the desk: the codes that browsers show, and sessions.

Revision: 0049
"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "desk_sign_ins",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("scene_hash", sa.String(64), nullable=False),
        sa.Column("digits_hash", sa.String(64), nullable=False),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("browser", sa.String(12), nullable=False),
        sa.Column("system", sa.String(12), nullable=False),
        sa.Column("network", sa.String(24), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("how", sa.String(8)),
        sa.Column("staff_id", sa.BigInteger),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("ends_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "browser IN ('chrome', 'edge', 'firefox', 'other', 'safari', 'wechat')",
            name=op.f("ck_desk_sign_ins_browser_known"),
        ),
        sa.CheckConstraint("how IS NULL OR how IN ('digits', 'scan')", name=op.f("ck_desk_sign_ins_how_known")),
        sa.CheckConstraint(
            "state IN ('asked', 'confirmed', 'denied', 'entered', 'shown')", name=op.f("ck_desk_sign_ins_state_known")
        ),
        sa.CheckConstraint(
            "system IN ('android', 'ios', 'linux', 'mac', 'other', 'windows')",
            name=op.f("ck_desk_sign_ins_system_known"),
        ),
        sa.CheckConstraint("(staff_id IS NULL) = (how IS NULL)", name=op.f("ck_desk_sign_ins_asked_one_way")),
        sa.CheckConstraint("state = 'shown' OR staff_id IS NOT NULL", name=op.f("ck_desk_sign_ins_answered_by_a_seat")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_desk_sign_ins_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_sign_ins")),
        sa.UniqueConstraint("browser_hash", name=op.f("uq_desk_sign_ins_browser_hash")),
        sa.UniqueConstraint("scene_hash", name=op.f("uq_desk_sign_ins_scene_hash")),
    )
    op.create_index(op.f("ix_desk_sign_ins_digits_hash"), "desk_sign_ins", ["digits_hash"])
    op.create_index("ix_desk_sign_ins_ends_at", "desk_sign_ins", ["ends_at"])
    op.create_index(op.f("ix_desk_sign_ins_staff_id"), "desk_sign_ins", ["staff_id"])
    op.create_table(
        "desk_sessions",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("staff_id", sa.BigInteger, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("wechat_hash", sa.String(64), nullable=False),
        sa.Column("how", sa.String(8), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("ends_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.Column("why", sa.String(12)),
        sa.CheckConstraint("(ended_at IS NULL) = (why IS NULL)", name=op.f("ck_desk_sessions_ended_for_a_reason")),
        sa.CheckConstraint("how IN ('digits', 'phone', 'scan')", name=op.f("ck_desk_sessions_how_known")),
        sa.CheckConstraint(
            "why IS NULL OR why IN ('from_chat', 'newer', 'seat', 'signed_out')",
            name=op.f("ck_desk_sessions_why_known"),
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_desk_sessions_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_desk_sessions_token_hash")),
    )
    op.create_index(
        "ix_desk_sessions_open", "desk_sessions", ["staff_id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index("ix_desk_sessions_ends_at", "desk_sessions", ["ends_at"])


def downgrade() -> None:
    op.drop_table("desk_sessions")
    op.drop_table("desk_sign_ins")
