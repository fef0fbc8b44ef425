"""Keep who belongs to a household without being registered, and what officers write of it by mandate.

Revision: 0051
"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_BEFORE = (
    ("mandates", "scope", "'appeal', 'goods', 'page', 'register'"),
    ("proxy_acts", "subject", "'appeal', 'appeal_page', 'goods_thanks', 'match', 'match_issue', 'user'"),
)
_AFTER = (
    ("mandates", "scope", "'appeal', 'family', 'goods', 'page', 'register'"),
    (
        *("proxy_acts", "subject"),
        "'appeal', 'appeal_page', 'family_member', 'goods_thanks', 'match', 'match_issue', 'user'",
    ),
)
_RELATIONS = "'child', 'grandchild', 'grandparent', 'in_law', 'other', 'parent', 'sibling', 'spouse'"


def upgrade() -> None:
    op.create_table(
        "family_members",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id"), nullable=False, index=True),
        sa.Column("named_by", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("name", sa.LargeBinary),
        sa.Column("id_number", sa.LargeBinary),
        sa.Column("id_hash", sa.String(64), index=True),
        sa.Column("relation", sa.String(12), nullable=False),
        sa.Column("consent", sa.String(8), nullable=False),
        sa.Column("consent_version", sa.SmallInteger, nullable=False),
        sa.Column("from_day", sa.Date, nullable=False),
        sa.Column("to_day", sa.Date),
        sa.Column("ended", sa.String(12)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"relation IN ({_RELATIONS})", name="relation_known"),
        sa.CheckConstraint("consent IN ('guardian', 'own')", name="consent_known"),
        sa.CheckConstraint("ended IN ('died', 'left', 'mistake')", name="ended_known"),
        sa.CheckConstraint("(to_day IS NULL) = (ended IS NULL)", name="end_has_a_day"),
        sa.CheckConstraint("to_day >= from_day", name="ends_after_it_began"),
        sa.CheckConstraint("(ended IS NOT DISTINCT FROM 'mistake') = (name IS NULL)", name="named"),
        sa.CheckConstraint("id_number IS NULL OR id_hash IS NOT NULL", name="number_is_found"),
        sa.Index(
            *("uq_family_members_live", "household_id", "id_hash"),
            unique=True,
            postgresql_where=sa.text("to_day IS NULL"),
        ),
    )
    _know(_AFTER)


def downgrade() -> None:
    op.execute("DELETE FROM proxy_acts WHERE subject = 'family_member'")
    op.execute("DELETE FROM mandates WHERE scope = 'family'")
    _know(_BEFORE)
    op.drop_table("family_members")


def _know(known: tuple[tuple[str, str, str], ...]) -> None:
    for table, column, values in known:
        name = op.f(f"ck_{table}_{column}_known")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"{column} IN ({values})")
