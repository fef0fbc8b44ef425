"""Ask the township about one number in two households, and let households join and part with all that is theirs.

Revision: 0052
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop_fixed, keep_fixed

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_TASKS = (
    *("appeal", "case", "disbursement", "discrepancy", "goods_thanks", "inquiry", "listing", "match", "message"),
    *("name_change", "number_claim", "offer", "paper_erasure", "receipt", "refund", "request", "revision"),
    *("suspense_item", "update"),
)
_ENDS = ("died", "left", "mistake")
_OPEN = (
    "state IN ('submitted', 'village_review', 'returned', 'endorsed', 'county_review', 'fund_holder_filed', 'funding',"
    " 'funded', 'minimum_met', 'executing', 'reporting', 'frozen')"
)
_FIXED = ("offer_id", "request_id", "round_id", "donor_id", "asked", "proposed_at")


def upgrade() -> None:
    op.add_column("households", sa.Column("merged_into", sa.BigInteger, sa.ForeignKey("households.id")))
    op.add_column("households", sa.Column("changed_at", _TIME))
    op.add_column("verifications", sa.Column("counted_as", sa.BigInteger, sa.ForeignKey("households.id")))
    op.add_column("appeals", sa.Column("beside", sa.BigInteger, nullable=False, server_default="0"))
    _one_open(["household_id", "category", "beside"])
    # A match moves with its household, and is of the same request for ever.
    drop_fixed("matches")
    keep_fixed("matches", _FIXED)
    op.create_table(
        "household_questions",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id"), nullable=False, index=True),
        sa.Column("other_household_id", sa.BigInteger, sa.ForeignKey("households.id"), index=True),
        sa.Column("member_id", sa.BigInteger, sa.ForeignKey("family_members.id", ondelete="SET NULL"), index=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), index=True),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("decided_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("ended_at", _TIME),
        sa.CheckConstraint("kind IN ('same_number', 'split')", name="kind_known"),
        sa.CheckConstraint(
            "state IN ('lapsed', 'merged', 'mistaken', 'moved', 'split', 'stays', 'submitted')", name="state_known"
        ),
        sa.CheckConstraint("(kind = 'split') = (user_id IS NOT NULL)", name="who_leaves"),
        sa.CheckConstraint("(kind = 'same_number') = (other_household_id IS NOT NULL)", name="two_households"),
        sa.CheckConstraint("(ended_at IS NULL) = (state = 'submitted')", name="ended_is_dated"),
        sa.Index(
            *("uq_household_questions_live", "member_id", "other_household_id"),
            unique=True,
            postgresql_where=sa.text("state = 'submitted' AND kind = 'same_number'"),
        ),
        sa.Index(
            *("uq_household_questions_split", "user_id"),
            unique=True,
            postgresql_where=sa.text("state = 'submitted' AND kind = 'split'"),
        ),
    )
    _know("tasks", "subject", (*_TASKS, "household"))
    _know("family_members", "ended", (*_ENDS, "double", "moved", "registered"))


def downgrade() -> None:
    op.execute("DELETE FROM recusals WHERE task_id IN (SELECT id FROM tasks WHERE subject = 'household')")
    op.execute("DELETE FROM tasks WHERE subject = 'household'")
    _know("tasks", "subject", _TASKS)
    op.execute("UPDATE family_members SET ended = 'left' WHERE ended IN ('double', 'moved', 'registered')")
    _know("family_members", "ended", _ENDS)
    op.drop_table("household_questions")
    drop_fixed("matches")
    keep_fixed("matches", (*_FIXED, "household_id"))
    op.execute("UPDATE appeals SET state = 'cancelled', was = NULL WHERE beside <> 0 AND state = 'frozen'")
    _one_open(["household_id", "category"])
    op.drop_column("appeals", "beside")
    op.drop_column("verifications", "counted_as")
    op.drop_column("households", "changed_at")
    op.drop_column("households", "merged_into")


def _one_open(columns: list[str]) -> None:
    op.drop_index("uq_appeals_one_open", "appeals")
    op.create_index("uq_appeals_one_open", "appeals", columns, unique=True, postgresql_where=sa.text(_OPEN))


def _know(table: str, column: str, values: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}_known")
    op.drop_constraint(name, table)
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    op.create_check_constraint(name, table, f"{column} IN ({listed})")
