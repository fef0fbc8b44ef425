"""Trust: registry, verification cases, tasks and decisions, appointments, proxy work, revisions, flags.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


PHOTO_SUBJECTS = ("appeal", "draft", "listing", "offer")
# Tables whose rows are found by their region when that goes into another.
PLACED = ("goods_requests", "listings", "offers", "tickets", "users")


ONE_CASE = {
    "uq_verifications_one_under_way": (
        "submitted",
        "registry_checked",
        "visited",
        "public_notice",
        "adjudication",
        "township_review",
        "county_review",
    ),
    "uq_verifications_one_standing": ("verified", "suspended"),
}


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _replace_subjects(photos: BatchOperations, subjects: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{subject}'" for subject in subjects)
    name = op.f("ck_photos_subject_known")
    photos.drop_constraint(name, type_="check")
    photos.create_check_constraint(name, f"subject IN ({listed})")


def upgrade() -> None:
    op.create_table(
        "registry_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id_finder", sa.String(length=64), nullable=False),
        sa.Column("id_number", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_entries")),
        sa.UniqueConstraint("id_finder", name=op.f("uq_registry_entries_id_finder")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=12), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("reasons", sa.String(length=200), nullable=True),
        sa.Column("overturned_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('dismiss', 'doubt', 'freeze', 'pass', 'reject', 'resume', 'return', 'revoke', 'sound', 'uphold')",
            name=op.f("ck_decisions_verdict_known"),
        ),
        sa.ForeignKeyConstraint(["overturned_by"], ["decisions.id"], name=op.f("fk_decisions_overturned_by_decisions")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_decisions_region_code_regions")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_decisions_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_region_code_at", "decisions", ["region_code", "at"], unique=False)
    op.create_index(op.f("ix_decisions_staff_id"), "decisions", ["staff_id"], unique=False)
    op.create_index("ix_decisions_subject", "decisions", ["subject", "subject_id"], unique=False)
    op.create_index(
        "uq_decisions_one_pass",
        "decisions",
        ["subject", "subject_id", "round", "staff_id"],
        unique=True,
        sqlite_where=sa.text("verdict = 'pass'"),
        postgresql_where=sa.text("verdict = 'pass'"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=12), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("household_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("assignee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("escalations", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "role IN ('county', 'fund_holder', 'township', 'village')", name=op.f("ck_tasks_role_known")
        ),
        sa.CheckConstraint("subject IN ('appeal', 'case', 'revision')", name=op.f("ck_tasks_subject_known")),
        sa.ForeignKeyConstraint(["assignee"], ["staff.id"], name=op.f("fk_tasks_assignee_staff")),
        sa.ForeignKeyConstraint(["closed_by"], ["staff.id"], name=op.f("fk_tasks_closed_by_staff")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_tasks_household_id_households")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_tasks_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index(
        "ix_tasks_assignee",
        "tasks",
        ["assignee", "due_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_tasks_due_at",
        "tasks",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_tasks_household",
        "tasks",
        ["household_id"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_tasks_pool",
        "tasks",
        ["role", "region_code", "due_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL AND assignee IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL AND assignee IS NULL"),
    )
    op.create_index(
        "uq_tasks_one_open",
        "tasks",
        ["subject", "subject_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "ties",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("id_number", sa.LargeBinary(), nullable=False),
        sa.Column("id_finder", sa.String(length=64), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('kin', 'payee')", name=op.f("ck_ties_kind_known")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_ties_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ties")),
    )
    op.create_index(op.f("ix_ties_id_finder"), "ties", ["id_finder"], unique=False)
    op.create_index(
        "uq_ties_live",
        "ties",
        ["staff_id", "kind", "id_finder"],
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "cards",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code_finder", sa.String(length=64), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=True),
        sa.Column("issued_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("qr_url", sa.LargeBinary(), nullable=True),
        sa.Column("qr_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("qr_tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("bound_at IS NULL OR void_at IS NULL", name=op.f("ck_cards_one_end")),
        sa.ForeignKeyConstraint(["issued_by"], ["staff.id"], name=op.f("fk_cards_issued_by_staff")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_cards_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cards")),
        sa.UniqueConstraint("code_finder", name=op.f("uq_cards_code_finder")),
    )
    op.create_index(
        "uq_cards_live",
        "cards",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("bound_at IS NULL AND void_at IS NULL"),
        postgresql_where=sa.text("bound_at IS NULL AND void_at IS NULL"),
    )
    op.create_index(
        "ix_cards_owed",
        "cards",
        ["issued_at"],
        sqlite_where=sa.text("qr_url IS NULL AND bound_at IS NULL AND void_at IS NULL"),
        postgresql_where=sa.text("qr_url IS NULL AND bound_at IS NULL AND void_at IS NULL"),
    )
    op.create_table(
        "consent_codes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code_finder", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_consent_codes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_codes")),
    )
    op.create_index(op.f("ix_consent_codes_user_id"), "consent_codes", ["user_id"], unique=False)
    op.create_table(
        "mandates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("scope", sa.String(length=12), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('code', 'sheet')", name=op.f("ck_mandates_kind_known")),
        sa.CheckConstraint("scope IN ('appeal', 'register')", name=op.f("ck_mandates_scope_known")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_mandates_staff_id_staff")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mandates_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandates")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_mandates_draft_id")),
    )
    op.create_index(op.f("ix_mandates_user_id"), "mandates", ["user_id"], unique=False)
    op.create_index(op.f("ix_mandates_staff_id"), "mandates", ["staff_id"], unique=False)
    op.create_table(
        "recusals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("task_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_recusals_staff_id_staff")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_recusals_task_id_tasks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recusals")),
        sa.UniqueConstraint("task_id", "staff_id", name=op.f("uq_recusals_task_id_staff_id")),
    )
    op.create_index(op.f("ix_recusals_staff_id"), "recusals", ["staff_id"], unique=False)
    op.create_table(
        "verifications",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("household_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("round", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registry_result", sa.String(length=16), nullable=True),
        sa.Column("registry_status", sa.String(length=40), nullable=True),
        sa.Column("registry_source", sa.String(length=60), nullable=True),
        sa.Column("registry_as_of", sa.Date(), nullable=True),
        sa.Column("registry_tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("registry_next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visited_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("visited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notice_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notice_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sampled", sa.Boolean(), nullable=True),
        sa.Column("reviewed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reasons", sa.String(length=200), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "registry_result IN ('match', 'name_mismatch', 'not_found', 'unavailable')",
            name=op.f("ck_verifications_registry_result_known"),
        ),
        sa.CheckConstraint(
            "state <> 'verified' OR expires_at IS NOT NULL", name=op.f("ck_verifications_verified_ends")
        ),
        sa.CheckConstraint(
            "state IN ('adjudication', 'county_review', 'draft', 'expired', 'public_notice', 'registry_checked', 'rejected', 'revoked', 'submitted', 'suspended', 'township_review', 'verified', 'visited', 'withdrawn')",
            name=op.f("ck_verifications_state_known"),
        ),
        sa.CheckConstraint("reviewed_by <> decided_by", name=op.f("ck_verifications_review_and_decision_by_two")),
        sa.CheckConstraint("visited_by <> decided_by", name=op.f("ck_verifications_visit_and_decision_by_two")),
        sa.CheckConstraint("visited_by <> reviewed_by", name=op.f("ck_verifications_visit_and_review_by_two")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_verifications_decided_by_staff")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("fk_verifications_household_id_households")
        ),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_verifications_region_code_regions")),
        sa.ForeignKeyConstraint(["reviewed_by"], ["staff.id"], name=op.f("fk_verifications_reviewed_by_staff")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_verifications_user_id_users")),
        sa.ForeignKeyConstraint(["visited_by"], ["staff.id"], name=op.f("fk_verifications_visited_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
    )
    op.create_index(
        "ix_verifications_expires",
        "verifications",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('verified', 'suspended')"),
        postgresql_where=sa.text("state IN ('verified', 'suspended')"),
    )
    op.create_index("ix_verifications_household_id", "verifications", ["household_id", "id"], unique=False)
    op.create_index(
        "ix_verifications_notice",
        "verifications",
        ["notice_until"],
        unique=False,
        sqlite_where=sa.text("state = 'public_notice'"),
        postgresql_where=sa.text("state = 'public_notice'"),
    )
    op.create_index(
        "ix_verifications_region_state", "verifications", ["region_code", "state", "submitted_at"], unique=False
    )
    op.create_index(
        "ix_verifications_registry",
        "verifications",
        ["state", "registry_next_at"],
        unique=False,
        sqlite_where=sa.text("registry_next_at IS NOT NULL"),
        postgresql_where=sa.text("registry_next_at IS NOT NULL"),
    )
    op.create_index(
        "ix_verifications_reminder",
        "verifications",
        ["state", "expires_at"],
        unique=False,
        sqlite_where=sa.text("reminded_at IS NULL"),
        postgresql_where=sa.text("reminded_at IS NULL"),
    )
    op.create_index("ix_verifications_user_id", "verifications", ["user_id", "id"], unique=False)
    for name, states in ONE_CASE.items():
        one = sa.text(f"state IN {states}")
        op.create_index(name, "verifications", ["user_id"], unique=True, sqlite_where=one, postgresql_where=one)
    op.create_table(
        "flags",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("item", sa.String(length=60), nullable=False),
        sa.Column("usual_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "code IN ('asked_before', 'brand', 'odd_item', 'over_price', 'photo_reused')",
            name=op.f("ck_flags_code_known"),
        ),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_flags_appeal_id_appeals")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flags")),
    )
    op.create_index("uq_flags_once", "flags", ["appeal_id", "code", "item"], unique=True)
    op.create_table(
        "objections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("verification_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('dismissed', 'open', 'upheld')", name=op.f("ck_objections_state_known")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_objections_conversation_id_conversations")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_objections_decided_by_staff")),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verifications.id"], name=op.f("fk_objections_verification_id_verifications")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objections")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_objections_draft_id")),
    )
    op.create_index(op.f("ix_objections_verification_id"), "objections", ["verification_id"], unique=False)
    op.create_index(
        "uq_objections_one_open",
        "objections",
        ["verification_id", "conversation_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "proxy_acts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mandate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=12), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("denied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("subject IN ('appeal', 'user')", name=op.f("ck_proxy_acts_subject_known")),
        sa.CheckConstraint("confirmed_at IS NULL OR denied_at IS NULL", name=op.f("ck_proxy_acts_one_answer")),
        sa.ForeignKeyConstraint(["mandate_id"], ["mandates.id"], name=op.f("fk_proxy_acts_mandate_id_mandates")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_proxy_acts_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proxy_acts")),
    )
    op.create_index(op.f("ix_proxy_acts_user_id"), "proxy_acts", ["user_id"], unique=False)
    op.create_index("uq_proxy_acts_subject", "proxy_acts", ["subject", "subject_id"], unique=True)
    op.create_table(
        "revisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("kept", sa.String(length=200), server_default="", nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('approved', 'draft', 'rejected', 'submitted', 'withdrawn')",
            name=op.f("ck_revisions_state_known"),
        ),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_revisions_appeal_id_appeals")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_revisions_draft_id")),
    )
    op.create_index(op.f("ix_revisions_appeal_id"), "revisions", ["appeal_id"], unique=False)
    op.create_index(
        "uq_revisions_one_open",
        "revisions",
        ["appeal_id"],
        unique=True,
        sqlite_where=sa.text("state = 'submitted'"),
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.create_table(
        "visits",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("verification_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.LargeBinary(), nullable=False),
        sa.Column("assessment", sa.LargeBinary(), nullable=False),
        sa.Column("findings", sa.LargeBinary(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("supports", sa.Boolean(), nullable=False),
        sa.Column("flags", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_visits_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verifications.id"], name=op.f("fk_visits_verification_id_verifications")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_visits_draft_id")),
    )
    op.create_index(op.f("ix_visits_verification_id"), "visits", ["verification_id"], unique=False)
    op.add_column("appeals", sa.Column("round", sa.SmallInteger(), server_default="1", nullable=False))
    op.add_column("appeals", sa.Column("returned_fields", sa.String(length=120), nullable=True))
    op.add_column("appeals", sa.Column("sampled", sa.Boolean(), nullable=True))
    subjects = (*PHOTO_SUBJECTS, "mandate", "revision", "visit")
    with op.batch_alter_table("photos") as photos:
        photos.add_column(sa.Column("print", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        for part in range(4):
            photos.add_column(sa.Column(f"print_{part}", sa.Integer(), nullable=True))
            photos.create_index(op.f(f"ix_photos_print_{part}"), [f"print_{part}"])
        _replace_subjects(photos, subjects)
    op.add_column("pledges", sa.Column("by_staff", sa.Boolean(), server_default="0", nullable=False))
    with op.batch_alter_table("staff") as staff:
        staff.add_column(sa.Column("invited_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        staff.add_column(sa.Column("code_finder", sa.String(length=64), nullable=True))
        staff.add_column(sa.Column("code_expires_at", sa.DateTime(timezone=True), nullable=True))
        staff.alter_column("account", existing_type=sa.String(length=64), nullable=True)
        staff.alter_column("openid", existing_type=sa.String(length=64), nullable=True)
        staff.create_index("ix_staff_seat", ["role", "region_code", "state"])
        staff.create_index("ix_staff_person", ["account", "openid"])
        staff.create_index("ix_staff_state", ["state", "id"])
        staff.create_index("ix_staff_active_until", ["active_until"])
        staff.create_index("ix_staff_code_expires_at", ["code_expires_at"])
        staff.create_unique_constraint(op.f("uq_staff_code_finder"), ["code_finder"])
        staff.create_foreign_key(op.f("fk_staff_invited_by_staff"), "staff", ["invited_by"], ["id"])
        staff.create_check_constraint(
            op.f("ck_staff_somebody_holds_it"), "state IN ('invited', 'revoked') OR openid IS NOT NULL"
        )
    holding = sa.text("state IN ('bound', 'active', 'suspended')")
    op.create_index(
        "uq_staff_one_role",
        "staff",
        ["account", "openid"],
        unique=True,
        sqlite_where=holding,
        postgresql_where=holding,
    )
    with op.batch_alter_table("users") as users:
        users.add_column(
            sa.Column("registered_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        users.create_foreign_key(op.f("fk_users_registered_by_staff"), "staff", ["registered_by"], ["id"])
    for table in PLACED:
        op.create_index(op.f(f"ix_{table}_region_code"), table, ["region_code"])
    open_ones = sa.text("closed_at IS NULL")
    op.create_index("ix_tasks_region", "tasks", ["region_code"], sqlite_where=open_ones, postgresql_where=open_ones)
    _take_over()


def _take_over() -> None:
    """Residents who registered before get a case, and what waits for an officer a task; what nobody has looked at yet
    waits for the case first.
    """
    now = "CURRENT_TIMESTAMP"
    later = {
        days: f"datetime('now', '+{days} days')" if _is_sqlite() else f"now() + interval '{days} days'"
        for days in (5, 15)
    }
    op.execute(
        "INSERT INTO verifications "  # noqa: S608 - of our own words alone
        "(user_id, household_id, region_code, state, submitted_at, due_at, registry_next_at) "
        f"SELECT id, household_id, region_code, 'submitted', {now}, {later[15]}, {now} FROM users "
        "WHERE role = 'resident' AND state = 'active' AND region_code IS NOT NULL"
    )
    waits = (
        ("endorse", "village", "village_review", 5),
        ("county", "county", "endorsed", 5),
        ("file", "fund_holder", "county_review", 5),
        ("frozen", "county", "frozen", 15),
    )
    for step, role, state, days in waits:
        op.execute(
            "INSERT INTO tasks "  # noqa: S608 - of our own words alone
            "(subject, subject_id, step, role, region_code, household_id, opened_at, due_at) "
            f"SELECT 'appeal', id, '{step}', '{role}', region_code, household_id, {now}, {later[days]} FROM appeals "
            f"WHERE state = '{state}'"
        )


def downgrade() -> None:
    for table in PLACED:
        op.drop_index(op.f(f"ix_{table}_region_code"), table_name=table)
    op.drop_index("ix_tasks_region", table_name="tasks")
    op.execute("DELETE FROM photos WHERE subject IN ('mandate', 'revision', 'visit')")
    op.execute("DELETE FROM staff WHERE openid IS NULL")
    op.drop_index("uq_staff_one_role", table_name="staff")
    with op.batch_alter_table("users") as users:
        users.drop_constraint(op.f("fk_users_registered_by_staff"), type_="foreignkey")
        users.drop_column("registered_by")
    with op.batch_alter_table("staff") as staff:
        staff.drop_constraint(op.f("ck_staff_somebody_holds_it"), type_="check")
        staff.drop_constraint(op.f("fk_staff_invited_by_staff"), type_="foreignkey")
        staff.drop_constraint(op.f("uq_staff_code_finder"), type_="unique")
        staff.drop_index("ix_staff_code_expires_at")
        staff.drop_index("ix_staff_active_until")
        staff.drop_index("ix_staff_state")
        staff.drop_index("ix_staff_person")
        staff.drop_index("ix_staff_seat")
        staff.alter_column("openid", existing_type=sa.String(length=64), nullable=False)
        staff.alter_column("account", existing_type=sa.String(length=64), nullable=False)
        for name in ("code_expires_at", "code_finder", "invited_by"):
            staff.drop_column(name)
    op.drop_column("pledges", "by_staff")
    for part in range(4):
        op.drop_index(op.f(f"ix_photos_print_{part}"), table_name="photos")
    with op.batch_alter_table("photos") as photos:
        _replace_subjects(photos, PHOTO_SUBJECTS)
        for name in ("print_3", "print_2", "print_1", "print_0", "print"):
            photos.drop_column(name)
    op.drop_column("appeals", "sampled")
    op.drop_column("appeals", "returned_fields")
    op.drop_column("appeals", "round")
    op.drop_index(op.f("ix_visits_verification_id"), table_name="visits")
    op.drop_table("visits")
    op.drop_index(
        "uq_revisions_one_open",
        table_name="revisions",
        sqlite_where=sa.text("state = 'submitted'"),
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.drop_index(op.f("ix_revisions_appeal_id"), table_name="revisions")
    op.drop_table("revisions")
    op.drop_index("uq_proxy_acts_subject", table_name="proxy_acts")
    op.drop_index(op.f("ix_proxy_acts_user_id"), table_name="proxy_acts")
    op.drop_table("proxy_acts")
    op.drop_index(
        "uq_objections_one_open",
        table_name="objections",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index(op.f("ix_objections_verification_id"), table_name="objections")
    op.drop_table("objections")
    op.drop_index("uq_flags_once", table_name="flags")
    op.drop_table("flags")
    for name in ONE_CASE:
        op.drop_index(name, table_name="verifications")
    op.drop_index("ix_verifications_user_id", table_name="verifications")
    op.drop_index(
        "ix_verifications_reminder",
        table_name="verifications",
        sqlite_where=sa.text("reminded_at IS NULL"),
        postgresql_where=sa.text("reminded_at IS NULL"),
    )
    op.drop_index(
        "ix_verifications_registry",
        table_name="verifications",
        sqlite_where=sa.text("registry_next_at IS NOT NULL"),
        postgresql_where=sa.text("registry_next_at IS NOT NULL"),
    )
    op.drop_index("ix_verifications_region_state", table_name="verifications")
    op.drop_index(
        "ix_verifications_notice",
        table_name="verifications",
        sqlite_where=sa.text("state = 'public_notice'"),
        postgresql_where=sa.text("state = 'public_notice'"),
    )
    op.drop_index("ix_verifications_household_id", table_name="verifications")
    op.drop_index(
        "ix_verifications_expires",
        table_name="verifications",
        sqlite_where=sa.text("state IN ('verified', 'suspended')"),
        postgresql_where=sa.text("state IN ('verified', 'suspended')"),
    )
    op.drop_table("verifications")
    op.drop_index(op.f("ix_recusals_staff_id"), table_name="recusals")
    op.drop_table("recusals")
    op.drop_index(op.f("ix_mandates_user_id"), table_name="mandates")
    op.drop_index(op.f("ix_mandates_staff_id"), table_name="mandates")
    op.drop_table("mandates")
    op.drop_index(op.f("ix_consent_codes_user_id"), table_name="consent_codes")
    op.drop_table("consent_codes")
    op.drop_index(
        "uq_cards_live",
        table_name="cards",
        sqlite_where=sa.text("bound_at IS NULL AND void_at IS NULL"),
        postgresql_where=sa.text("bound_at IS NULL AND void_at IS NULL"),
    )
    op.drop_index(
        "ix_cards_owed",
        table_name="cards",
        sqlite_where=sa.text("qr_url IS NULL AND bound_at IS NULL AND void_at IS NULL"),
        postgresql_where=sa.text("qr_url IS NULL AND bound_at IS NULL AND void_at IS NULL"),
    )
    op.drop_table("cards")
    op.drop_index(
        "uq_ties_live",
        table_name="ties",
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.drop_index(op.f("ix_ties_id_finder"), table_name="ties")
    op.drop_table("ties")
    op.drop_index(
        "uq_tasks_one_open",
        table_name="tasks",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index(
        "ix_tasks_pool",
        table_name="tasks",
        sqlite_where=sa.text("closed_at IS NULL AND assignee IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL AND assignee IS NULL"),
    )
    op.drop_index(
        "ix_tasks_household",
        table_name="tasks",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index(
        "ix_tasks_due_at",
        table_name="tasks",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index(
        "ix_tasks_assignee",
        table_name="tasks",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_table("tasks")
    op.drop_index(
        "uq_decisions_one_pass",
        table_name="decisions",
        sqlite_where=sa.text("verdict = 'pass'"),
        postgresql_where=sa.text("verdict = 'pass'"),
    )
    op.drop_index("ix_decisions_subject", table_name="decisions")
    op.drop_index(op.f("ix_decisions_staff_id"), table_name="decisions")
    op.drop_index("ix_decisions_region_code_at", table_name="decisions")
    op.drop_table("decisions")
    op.drop_table("registry_entries")
