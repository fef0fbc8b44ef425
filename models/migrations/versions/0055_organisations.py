"""Keep organisations that ask, and who speaks for each.

Revision: 0055
"""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_TASKS = (
    *("appeal", "case", "disbursement", "discrepancy", "goods_thanks", "inquiry", "listing", "match", "message"),
    *("name_change", "number_claim", "offer", "paper_erasure", "receipt", "refund", "request", "revision"),
    *("after_sale", "household", "suspense_item", "update"),
)
_PHOTOS = (
    *(
        "after_sale",
        "appeal",
        "disbursement",
        "draft",
        "goods_thanks",
        "listing",
        "mandate",
        "match",
        "number_claim",
        "offer",
    ),
    *("paper_erasure", "receipt", "report", "revision", "update", "visit"),
)


def upgrade() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("draft_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("credit_code", sa.LargeBinary, nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("region_code", sa.String(12), nullable=False),
        sa.Column("household_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("applied_by", sa.BigInteger, nullable=False),
        sa.Column("applied_at", _TIME, nullable=False),
        sa.Column("confirmed_at", _TIME),
        sa.CheckConstraint(
            "kind IN ('charity', 'cooperative', 'school', 'township', 'village_committee')",
            name=op.f("ck_organisations_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('applied', 'confirmed', 'dissolved', 'returned', 'suspended', 'withdrawn')",
            name=op.f("ck_organisations_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('confirmed', 'suspended', 'dissolved') OR confirmed_at IS NOT NULL",
            name=op.f("ck_organisations_confirmed_is_dated"),
        ),
        sa.ForeignKeyConstraint(["applied_by"], ["users.id"], name=op.f("fk_organisations_applied_by_users")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("fk_organisations_household_id_households")
        ),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_organisations_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_organisations_draft_id")),
        sa.UniqueConstraint("household_id", name=op.f("uq_organisations_household_id")),
    )
    op.create_index(op.f("ix_organisations_code_hash"), "organisations", ["code_hash"])
    op.create_index(op.f("ix_organisations_region_code"), "organisations", ["region_code"])
    op.create_index(
        "uq_organisations_code",
        "organisations",
        ["code_hash"],
        unique=True,
        postgresql_where=sa.text("state IN ('applied', 'confirmed', 'suspended')"),
    )
    op.create_table(
        "representatives",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("draft_id", sa.String(36), nullable=False),
        sa.Column("organisation_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("until", sa.Date, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("since", _TIME),
        sa.Column("reminded_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.CheckConstraint(
            "state IN ('declined', 'ended', 'in_office', 'proposed')", name=op.f("ck_representatives_state_known")
        ),
        sa.CheckConstraint(
            "state NOT IN ('in_office', 'ended') OR since IS NOT NULL",
            name=op.f("ck_representatives_in_office_is_dated"),
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (state IN ('proposed', 'in_office'))", name=op.f("ck_representatives_ended_is_dated")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_representatives_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_representatives_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_representatives")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_representatives_draft_id")),
    )
    op.create_index(op.f("ix_representatives_user_id"), "representatives", ["user_id"])
    op.create_index("ix_representatives_organisation", "representatives", ["organisation_id", "id"])
    for name, state in (("uq_representatives_proposed", "proposed"), ("uq_representatives_in_office", "in_office")):
        op.create_index(
            name,
            "representatives",
            ["organisation_id"],
            unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    op.create_index(
        "ix_representatives_until", "representatives", ["until"], postgresql_where=sa.text("state = 'in_office'")
    )
    op.create_table(
        "beneficiaries",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("appeal_id", sa.BigInteger, nullable=False),
        sa.Column("household_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("answered_at", _TIME),
        sa.Column("answered_by", sa.BigInteger),
        sa.CheckConstraint("state IN ('agreed', 'asked', 'declined')", name=op.f("ck_beneficiaries_state_known")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_beneficiaries_appeal_id_appeals")),
        sa.ForeignKeyConstraint(["answered_by"], ["users.id"], name=op.f("fk_beneficiaries_answered_by_users")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("fk_beneficiaries_household_id_households")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_beneficiaries")),
        sa.UniqueConstraint("appeal_id", "household_id", name=op.f("uq_beneficiaries_appeal_id_household_id")),
    )
    op.create_index("ix_beneficiaries_household", "beneficiaries", ["household_id"])
    _known("tasks", *_TASKS, "organisation")
    _known("photos", *_PHOTOS, "organisation")


def downgrade() -> None:
    op.execute("DELETE FROM recusals WHERE task_id IN (SELECT id FROM tasks WHERE subject = 'organisation')")
    op.execute("DELETE FROM tasks WHERE subject = 'organisation'")
    op.execute("DELETE FROM photos WHERE subject = 'organisation'")
    _known("photos", *_PHOTOS)
    _known("tasks", *_TASKS)
    op.drop_table("beneficiaries")
    op.drop_table("representatives")
    op.drop_table("organisations")


def _known(table: str, *subjects: str) -> None:
    listed = ", ".join(f"'{name}'" for name in sorted(subjects))
    op.drop_constraint(op.f(f"ck_{table}_subject_known"), table)
    op.create_check_constraint(op.f(f"ck_{table}_subject_known"), table, f"subject IN ({listed})")
