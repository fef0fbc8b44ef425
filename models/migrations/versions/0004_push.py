"""Pushes: how a notice goes out, the windows and consents it may use, fan-outs, updates, and the workers' memory.

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_PHOTO_SUBJECTS = ("appeal", "draft", "listing", "mandate", "offer", "revision", "visit")
_TASK_SUBJECTS = ("appeal", "case", "revision")
_TABLES = (
    "windows",
    "updates",
    "subscriptions",
    "mutes",
    "broadcasts",
    "send_reports",
    "rounds",
    "dead_jobs",
    "channel_stops",
)
_WORDS = {
    "state": ("delivered", "failed", "owed", "read", "sending", "sent", "waiting"),
    "urgency": ("bulk", "push"),
    "channel": ("reply", "service", "subscription", "template"),
}
# Name of an index on notices -> its columns and which rows are in it.
_INDEXES = {
    "about": (["subject", "subject_id", "id"], "subject IS NOT NULL"),
    "broadcast": (["broadcast_id", "state"], "broadcast_id IS NOT NULL"),
    "offering": (["conversation_id", "offers_at"], "offers_at IS NOT NULL"),
    "owed": (["urgency", "due_at", "id"], "state = 'owed'"),
    "reported": (["platform_id"], "platform_id IS NOT NULL"),
    "sending": (["claimed_at"], "state = 'sending'"),
    "unread": (["conversation_id", "id"], "state IN ('owed', 'waiting')"),
}


def upgrade() -> None:
    _new_tables()
    with op.batch_alter_table("conversations") as conversations:
        conversations.add_column(sa.Column("in_flow", sa.Boolean(), server_default="0", nullable=False))
        conversations.add_column(sa.Column("refused_code", _KEY, nullable=True))
    op.drop_index("ix_notices_unread", table_name="notices")
    with op.batch_alter_table("notices") as notices:
        for column in _columns():
            notices.add_column(column)
    # Nobody is to be woken by what has waited for them until today.
    op.execute("UPDATE notices SET due_at = created_at, state = 'waiting', reason = 'before_push'")
    op.execute("UPDATE notices SET state = 'read', channel = 'reply', reason = '' WHERE read_at IS NOT NULL")
    with op.batch_alter_table("notices") as notices:
        notices.alter_column("due_at", existing_type=_TIME, nullable=False)
        notices.create_foreign_key(op.f("fk_notices_broadcast_id_broadcasts"), "broadcasts", ["broadcast_id"], ["id"])
        for name, words in _WORDS.items():
            listed = ", ".join(f"'{word}'" for word in words)
            notices.create_check_constraint(op.f(f"ck_notices_{name}_known"), f"{name} IN ({listed})")
    for name, (columns, where) in _INDEXES.items():
        rows = sa.text(where)
        op.create_index(f"ix_notices_{name}", "notices", columns, sqlite_where=rows, postgresql_where=rows)
    _subjects("photos", (*_PHOTO_SUBJECTS, "update"))
    _subjects("tasks", (*_TASK_SUBJECTS, "update"))
    op.create_index("ix_pledges_appeal_donor", "pledges", ["appeal_id", "donor_id"])
    with op.batch_alter_table("staff") as staff:
        staff.add_column(sa.Column("id_number", sa.LargeBinary(), nullable=True))
        staff.add_column(sa.Column("id_finder", sa.String(length=64), nullable=True))
        staff.create_index(op.f("ix_staff_id_finder"), ["id_finder"])


def downgrade() -> None:
    with op.batch_alter_table("staff") as staff:
        staff.drop_index(op.f("ix_staff_id_finder"))
        staff.drop_column("id_finder")
        staff.drop_column("id_number")
    op.drop_index("ix_pledges_appeal_donor", table_name="pledges")
    updates = "SELECT id FROM tasks WHERE subject = 'update'"
    op.execute(f"DELETE FROM recusals WHERE task_id IN ({updates})")  # noqa: S608 - no words of anybody's
    op.execute("DELETE FROM tasks WHERE subject = 'update'")
    _subjects("tasks", _TASK_SUBJECTS)
    op.execute("DELETE FROM photos WHERE subject = 'update'")
    _subjects("photos", _PHOTO_SUBJECTS)
    for name in _INDEXES:
        op.drop_index(f"ix_notices_{name}", table_name="notices")
    # What was pushed has been told; what waits goes on waiting.
    op.execute("UPDATE notices SET read_at = sent_at WHERE read_at IS NULL AND sent_at IS NOT NULL")
    op.execute("UPDATE notices SET read_at = created_at WHERE read_at IS NULL AND state IN ('sending', 'failed')")
    with op.batch_alter_table("notices") as notices:
        notices.drop_constraint(op.f("fk_notices_broadcast_id_broadcasts"), type_="foreignkey")
        for name in _WORDS:
            notices.drop_constraint(op.f(f"ck_notices_{name}_known"), type_="check")
        for column in _columns():
            notices.drop_column(column.name)
    waiting = sa.text("read_at IS NULL")
    op.create_index(
        "ix_notices_unread", "notices", ["conversation_id", "id"], sqlite_where=waiting, postgresql_where=waiting
    )
    with op.batch_alter_table("conversations") as conversations:
        conversations.drop_column("refused_code")
        conversations.drop_column("in_flow")
    for table in _TABLES:
        op.drop_table(table)


def _subjects(table: str, subjects: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{subject}'" for subject in subjects)
    with op.batch_alter_table(table) as rows:
        rows.drop_constraint(op.f(f"ck_{table}_subject_known"), type_="check")
        rows.create_check_constraint(op.f(f"ck_{table}_subject_known"), f"subject IN ({listed})")


def _columns() -> list[sa.Column[object]]:
    """What notices have got."""
    return [
        sa.Column("state", sa.String(length=12), server_default="owed", nullable=False),
        sa.Column("urgency", sa.String(length=8), server_default="push", nullable=False),
        sa.Column("due_at", _TIME, nullable=True),
        sa.Column("broadcast_id", _KEY, nullable=True),
        sa.Column("subject", sa.String(length=20), nullable=True),
        sa.Column("subject_id", _KEY, nullable=True),
        sa.Column("channel", sa.String(length=12), nullable=True),
        sa.Column("reason", sa.String(length=120), server_default="", nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("claimed_at", _TIME, nullable=True),
        sa.Column("attempted_at", _TIME, nullable=True),
        sa.Column("sent_at", _TIME, nullable=True),
        sa.Column("offers_at", _TIME, nullable=True),
        sa.Column("platform_id", sa.String(length=40), nullable=True),
    ]


def _new_tables() -> None:

    op.create_table(
        "channel_stops",
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("until", _TIME, nullable=False),
        sa.Column("code", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel_stops")),
    )
    op.create_table(
        "dead_jobs",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("argument", sa.Text(), nullable=False),
        sa.Column("error", sa.String(length=200), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("died_at", _TIME, nullable=False),
        sa.Column("settled_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_jobs")),
    )
    op.create_index(
        "ix_dead_jobs_open",
        "dead_jobs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "rounds",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("ran_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rounds")),
    )
    op.create_table(
        "send_reports",
        sa.Column("platform_id", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("platform_id", name=op.f("pk_send_reports")),
    )
    op.create_table(
        "broadcasts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("dedupe_key", sa.String(length=80), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("subject_id", _KEY, nullable=False),
        sa.Column("audience", sa.String(length=12), nullable=False),
        sa.Column("audience_of", sa.String(length=20), nullable=False),
        sa.Column("by", _KEY, nullable=True),
        sa.Column("state", sa.String(length=10), server_default="planning", nullable=False),
        sa.Column("cursor", _KEY, server_default="0", nullable=False),
        sa.Column("planned", _KEY, server_default="0", nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.CheckConstraint("audience IN ('backers', 'donors_of')", name=op.f("ck_broadcasts_audience_known")),
        sa.CheckConstraint(
            "state IN ('done', 'planning', 'sending', 'stopped')", name=op.f("ck_broadcasts_state_known")
        ),
        sa.ForeignKeyConstraint(["by"], ["staff.id"], name=op.f("fk_broadcasts_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_broadcasts_dedupe_key")),
    )
    op.create_index(op.f("ix_broadcasts_by"), "broadcasts", ["by"], unique=False)
    op.create_index(
        "ix_broadcasts_live",
        "broadcasts",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state IN ('planning', 'sending')"),
        postgresql_where=sa.text("state IN ('planning', 'sending')"),
    )
    stopped = sa.text("state = 'stopped'")
    op.create_index("ix_broadcasts_stopped", "broadcasts", ["ended_at"], sqlite_where=stopped, postgresql_where=stopped)
    op.create_index("ix_broadcasts_subject", "broadcasts", ["subject", "subject_id", "id"])
    op.create_table(
        "mutes",
        sa.Column("conversation_id", _KEY, nullable=False),
        sa.Column("topic", sa.String(length=20), nullable=False),
        sa.Column("subject_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_mutes_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("conversation_id", "topic", "subject_id", name=op.f("pk_mutes")),
    )
    op.create_table(
        "subscriptions",
        sa.Column("conversation_id", _KEY, nullable=False),
        sa.Column("template_id", sa.String(length=64), nullable=False),
        sa.Column("left", _KEY, server_default="0", nullable=False),
        sa.Column("for_good", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("asked_at", _TIME, nullable=True),
        sa.Column("refused_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_subscriptions_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("conversation_id", "template_id", name=op.f("pk_subscriptions")),
    )
    op.create_table(
        "updates",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("appeal_id", _KEY, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="submitted", nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("decided_by", _KEY, nullable=True),
        sa.Column("decided_at", _TIME, nullable=True),
        sa.CheckConstraint(
            "state IN ('published', 'returned', 'submitted', 'withdrawn')", name=op.f("ck_updates_state_known")
        ),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_updates_appeal_id_appeals")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_updates_decided_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_updates")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_updates_draft_id")),
    )
    op.create_index("ix_updates_appeal_id_id", "updates", ["appeal_id", "id"], unique=False)
    op.create_table(
        "windows",
        sa.Column("conversation_id", _KEY, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("ends_at", _TIME, nullable=False),
        sa.Column("left", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('follow', 'menu', 'message', 'paid', 'scan')", name=op.f("ck_windows_kind_known")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_windows_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("conversation_id", "kind", name=op.f("pk_windows")),
    )
