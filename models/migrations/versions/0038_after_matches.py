"""Remind of matches halfway, and keep what households say was wrong with what they collected.

Revision: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_HELD = "'proposed', 'recipient_ok', 'donor_ok', 'in_transit', 'at_point', 'collected'"


def upgrade() -> None:
    op.add_column("matches", sa.Column("reminded_at", _TIME))
    op.create_index(
        "ix_matches_to_remind",
        "matches",
        ["due_at"],
        postgresql_where=sa.text("reminded_at IS NULL AND state IN ('donor_ok', 'at_point')"),
    )
    _one_live(_HELD)
    op.create_table(
        "match_issues",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("match_id", sa.BigInteger, nullable=False),
        sa.Column("what", sa.String(12), nullable=False),
        sa.Column("said_at", _TIME, nullable=False),
        sa.Column("decided_by", sa.BigInteger),
        sa.Column("decided_at", _TIME),
        sa.Column("upheld", sa.Boolean),
        sa.CheckConstraint("(decided_at IS NULL) = (upheld IS NULL)", name=op.f("ck_match_issues_decided_one_way")),
        sa.CheckConstraint(
            "what IN ('broken', 'not_got', 'other', 'short', 'spoiled')", name=op.f("ck_match_issues_what_known")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_match_issues_decided_by_staff")),
        sa.ForeignKeyConstraint(["match_id"], ["matches.id"], name=op.f("fk_match_issues_match_id_matches")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_issues")),
    )
    op.create_index("ix_match_issues_match_id", "match_issues", ["match_id"])
    op.create_index(
        "uq_match_issues_open", "match_issues", ["match_id"], unique=True, postgresql_where=sa.text("upheld IS NULL")
    )


def downgrade() -> None:
    op.drop_table("match_issues")
    _one_live(f"{_HELD}, 'issue'")
    op.drop_index("ix_matches_to_remind", "matches")
    op.drop_column("matches", "reminded_at")


def _one_live(states: str) -> None:
    op.drop_index("uq_matches_live", "matches")
    op.create_index(
        "uq_matches_live",
        "matches",
        ["offer_id", "request_id"],
        unique=True,
        postgresql_where=sa.text(f"state IN ({states})"),
    )
