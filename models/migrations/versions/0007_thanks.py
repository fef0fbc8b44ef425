"""Thanks to those who gave: what an owner tells has a kind, and of each kind one waits for an appeal.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_WAITS = sa.text("state = 'submitted'")


def upgrade() -> None:
    with op.batch_alter_table("updates") as updates:
        updates.add_column(sa.Column("kind", sa.String(length=10), server_default="progress", nullable=False))
        updates.create_check_constraint(op.f("ck_updates_kind_known"), "kind IN ('progress', 'thanks')")
    op.create_index(
        "uq_updates_one_waiting",
        "updates",
        ["appeal_id", "kind"],
        unique=True,
        sqlite_where=_WAITS,
        postgresql_where=_WAITS,
    )


def downgrade() -> None:
    op.drop_index("uq_updates_one_waiting", table_name="updates")
    # Without their kind they would be news of an appeal's progress, which they are not.
    thanks = "SELECT id FROM updates WHERE kind = 'thanks'"
    tasks = f"SELECT id FROM tasks WHERE subject = 'update' AND subject_id IN ({thanks})"  # noqa: S608 - no words of anybody's
    op.execute(f"DELETE FROM recusals WHERE task_id IN ({tasks})")  # noqa: S608
    op.execute(f"DELETE FROM tasks WHERE subject = 'update' AND subject_id IN ({thanks})")  # noqa: S608
    op.execute("DELETE FROM updates WHERE kind = 'thanks'")
    with op.batch_alter_table("updates") as updates:
        updates.drop_constraint(op.f("ck_updates_kind_known"), type_="check")
        updates.drop_column("kind")
