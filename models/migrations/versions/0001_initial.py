"""All tables of the first release, room by room, and the guards on them.

Constraints and plain indexes take their names from the convention in models.core.base. Later changes of the
schema are migrations of their own, each keeping what is in the tables.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import after_insert, keep_fixed, never_change, only_grow, refuse_insert

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)

_BALANCE = (
    "UPDATE ledger_accounts SET balance_fen = balance_fen"
    " + CASE WHEN kind IN ('bank', 'channel', 'fees') THEN NEW.amount_fen ELSE -NEW.amount_fen END"
    " WHERE id = NEW.account_id"
)
_SUM = (
    "INSERT INTO ledger_sums (account_id, kind, amount_fen)"
    " SELECT NEW.account_id, posted.kind, NEW.amount_fen FROM ledger_transactions AS posted"
    " WHERE posted.id = NEW.transaction_id"
    " ON CONFLICT (account_id, kind) DO UPDATE SET amount_fen = ledger_sums.amount_fen + excluded.amount_fen"
)
_SEALED = "EXISTS (SELECT 1 FROM ledger_links WHERE transaction_id = NEW.transaction_id)"
_UNBALANCED = (
    "(SELECT count(*) < 2 OR sum(amount_fen) <> 0 FROM ledger_entries WHERE transaction_id = NEW.transaction_id)"
)
_OVER_LINE = (
    "NEW.amount_fen + (SELECT COALESCE(SUM(amount_fen), 0) FROM disbursements WHERE line_id = NEW.line_id"
    " AND state NOT IN ('refused', 'withdrawn', 'returned'))"
    " > (SELECT amount_fen FROM budget_lines WHERE id = NEW.line_id)"
)


def upgrade() -> None:
    _core()
    _places()
    _staff()
    _people()
    _proxy()
    _verification()
    _appeals()
    _notifications()
    _ledger()
    _giving()
    _outreach()
    _disbursements()
    _payments()
    _donors()
    _treasury()
    _goods()
    _support()


def _chain_head(table: str) -> None:
    """The only row of a chain's head; what is long grows longer, and nothing else."""
    op.execute(f"INSERT INTO {table} (id, length, hash) VALUES (1, 0, '{'0' * 64}')")  # noqa: S608 - our own words
    only_grow(table, "length")


def _core() -> None:
    """The audit chain and its head, pictures, and what the workers keep."""
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.String(40), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        sa.Column("from_state", sa.String(24)),
        sa.Column("to_state", sa.String(24)),
        sa.Column("detail", sa.String(80)),
        sa.Column("about", sa.BigInteger),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Index("ix_audit_events_about", "about", "id", postgresql_where=sa.text("about IS NOT NULL")),
        sa.Index(None, "subject", "subject_id"),
    )
    never_change("audit_events")
    op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.CheckConstraint("id = 1", name="one_head"),
    )
    _chain_head("audit_head")
    op.create_table(
        "photos",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        sa.Column("media_id", sa.String(200), nullable=False),
        sa.Column("pic_url", sa.String(600), nullable=False),
        sa.Column("path", sa.String(120)),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("print", sa.BigInteger),
        sa.Column("print_0", sa.Integer, index=True),
        sa.Column("print_1", sa.Integer, index=True),
        sa.Column("print_2", sa.Integer, index=True),
        sa.Column("print_3", sa.Integer, index=True),
        sa.CheckConstraint(
            "subject IN ('appeal', 'disbursement', 'draft', 'listing', 'mandate', 'offer', 'receipt', 'revision', 'update', 'visit')",
            name="subject_known",
        ),
        sa.CheckConstraint("state IN ('gone', 'kept', 'lost', 'owed')", name="state_known"),
        sa.Index("ix_photos_owed", "created_at", postgresql_where=sa.text("state = 'owed'")),
        sa.Index(None, "subject", "subject_id"),
    )
    op.create_table(
        "last_runs",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("ran_at", _TIME, nullable=False),
    )
    op.create_table(
        "dead_jobs",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("argument", sa.Text, nullable=False),
        sa.Column("error", sa.String(200), nullable=False),
        sa.Column("tries", sa.SmallInteger, nullable=False),
        sa.Column("died_at", _TIME, nullable=False),
        sa.Column("settled_at", _TIME),
        sa.Index("ix_dead_jobs_open", "id", postgresql_where=sa.text("settled_at IS NULL")),
    )


def _places() -> None:
    """Regions and the households in them."""
    op.create_table(
        "regions",
        sa.Column("code", sa.String(12), primary_key=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("short", sa.String(60), nullable=False, index=True),
        sa.Column("full_name", sa.String(200), nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_to", sa.Date),
        sa.Column("successor", sa.String(12), sa.ForeignKey("regions.code")),
        sa.Index(None, "name"),
    )
    op.create_table(
        "households",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False, index=True),
        sa.Column("created_at", _TIME, nullable=False),
    )


def _staff() -> None:
    """Seats, tasks, who may not do them, and decisions."""
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("work_no", sa.String(20), nullable=False, unique=True),
        sa.Column("account", sa.String(64)),
        sa.Column("openid", sa.String(64)),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False),
        sa.Column("name", sa.LargeBinary, nullable=False),
        sa.Column("id_number", sa.LargeBinary),
        sa.Column("id_hash", sa.String(64), index=True),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id")),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("active_from", _TIME, nullable=False),
        sa.Column("active_until", _TIME),
        sa.Column("invited_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("code_hash", sa.String(64), unique=True),
        sa.Column("code_expires_at", _TIME),
        sa.CheckConstraint("role IN ('county', 'fund_holder', 'township', 'village')", name="role_known"),
        sa.CheckConstraint("state IN ('active', 'bound', 'invited', 'revoked', 'suspended')", name="state_known"),
        sa.CheckConstraint("state IN ('invited', 'revoked') OR openid IS NOT NULL", name="somebody_holds_it"),
        sa.Index(None, "active_until"),
        sa.Index(None, "code_expires_at"),
        sa.Index("ix_staff_person", "account", "openid"),
        sa.Index("ix_staff_seat", "role", "region_code", "state"),
        sa.Index("ix_staff_state", "state", "id"),
        sa.Index(
            "uq_staff_active_openid", "account", "openid", unique=True, postgresql_where=sa.text("state = 'active'")
        ),
        sa.Index(
            "uq_staff_one_role",
            "account",
            "openid",
            unique=True,
            postgresql_where=sa.text("state IN ('bound', 'active', 'suspended')"),
        ),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        sa.Column("step", sa.String(20), nullable=False),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id")),
        sa.Column("assignee", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("escalations", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("closed_at", _TIME),
        sa.Column("closed_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.CheckConstraint(
            "subject IN ('appeal', 'case', 'discrepancy', 'disbursement', 'message', 'suspense_item', 'receipt', 'refund', 'revision', 'update')",
            name="subject_known",
        ),
        sa.CheckConstraint("role IN ('county', 'fund_holder', 'township', 'village')", name="role_known"),
        sa.Index("ix_tasks_assignee", "assignee", "due_at", postgresql_where=sa.text("closed_at IS NULL")),
        sa.Index(None, "due_at", postgresql_where=sa.text("closed_at IS NULL")),
        sa.Index("ix_tasks_household", "household_id", postgresql_where=sa.text("closed_at IS NULL")),
        sa.Index(
            "ix_tasks_pool",
            "role",
            "region_code",
            "due_at",
            postgresql_where=sa.text("closed_at IS NULL AND assignee IS NULL"),
        ),
        sa.Index("ix_tasks_region", "region_code", postgresql_where=sa.text("closed_at IS NULL")),
        sa.Index(
            "uq_tasks_one_open", "subject", "subject_id", unique=True, postgresql_where=sa.text("closed_at IS NULL")
        ),
    )
    op.create_table(
        "recusals",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("task_id", sa.BigInteger, sa.ForeignKey("tasks.id"), nullable=False),
        sa.Column("staff_id", sa.BigInteger, sa.ForeignKey("staff.id"), nullable=False, index=True),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.UniqueConstraint("task_id", "staff_id"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        sa.Column("round", sa.SmallInteger, nullable=False, server_default="1"),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False),
        sa.Column("staff_id", sa.BigInteger, sa.ForeignKey("staff.id"), nullable=False, index=True),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("reasons", sa.String(200)),
        sa.Column("overturned_by", sa.BigInteger, sa.ForeignKey("decisions.id")),
        sa.Column("at", _TIME, nullable=False),
        sa.CheckConstraint(
            "verdict IN ('dismiss', 'doubt', 'freeze', 'pass', 'reject', 'resume', 'return', 'revoke', 'sound', 'uphold')",
            name="verdict_known",
        ),
        sa.Index(None, "region_code", "at"),
        sa.Index("ix_decisions_subject", "subject", "subject_id"),
        sa.Index(
            "uq_decisions_one_pass",
            "subject",
            "subject_id",
            "round",
            "staff_id",
            unique=True,
            postgresql_where=sa.text("verdict = 'pass'"),
        ),
    )


def _people() -> None:
    """Users, their families, and their conversations turn by turn."""
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("display_name", sa.String(40)),
        sa.Column("name", sa.LargeBinary),
        sa.Column("id_number", sa.LargeBinary),
        sa.Column("id_hash", sa.String(64), unique=True),
        sa.Column("phone", sa.LargeBinary),
        sa.Column("phone_hash", sa.String(64), index=True),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), index=True),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id"), index=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("registered_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.CheckConstraint("role IN ('donor', 'resident')", name="role_known"),
        sa.CheckConstraint("state IN ('active', 'erased', 'suspended')", name="state_known"),
        sa.CheckConstraint(
            "role <> 'resident' OR state = 'erased' OR (id_hash IS NOT NULL AND household_id IS NOT NULL)",
            name="resident_is_known",
        ),
    )
    op.create_table(
        "conflicts_of_interest",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("staff_id", sa.BigInteger, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("id_number", sa.LargeBinary, nullable=False),
        sa.Column("id_hash", sa.String(64), nullable=False, index=True),
        sa.Column("declared_at", _TIME, nullable=False),
        sa.Column("withdrawn_at", _TIME),
        sa.CheckConstraint("kind IN ('kin', 'payee')", name="kind_known"),
        sa.Index(
            "uq_conflicts_of_interest_live",
            "staff_id",
            "kind",
            "id_hash",
            unique=True,
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        ),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("openid", sa.String(64), nullable=False),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), index=True),
        sa.Column("session", sa.LargeBinary, nullable=False),
        sa.Column("failures", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("following", sa.Boolean, nullable=False, server_default="1"),
        sa.Column("in_flow", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("refused_code", sa.BigInteger),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("touched_at", _TIME, nullable=False),
        sa.UniqueConstraint("account", "openid"),
    )
    op.create_table(
        "broken_sessions",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), nullable=False, index=True),
        sa.Column("session", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.String(80), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "turns",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("key", sa.String(32), nullable=False, unique=True),
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id")),
        sa.Column("received_at", _TIME, nullable=False),
        sa.Column("reply", sa.LargeBinary),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("flow", sa.String(40)),
        sa.Column("step", sa.String(40)),
        sa.Column("outcome", sa.String(40)),
        sa.Column("tries", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("ms", sa.BigInteger),
        sa.Index(None, "received_at"),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("granted_at", _TIME, nullable=False),
        sa.Column("withdrawn_at", _TIME),
        sa.CheckConstraint("purpose IN ('account', 'identity')", name="purpose_known"),
        sa.UniqueConstraint("user_id", "purpose", "version"),
    )


def _proxy() -> None:
    """Cards and mandates by which an officer acts for somebody."""
    op.create_table(
        "cards",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("code", sa.LargeBinary),
        sa.Column("issued_by", sa.BigInteger, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("issued_at", _TIME, nullable=False),
        sa.Column("tries", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("bound_at", _TIME),
        sa.Column("void_at", _TIME),
        sa.Column("qr_url", sa.LargeBinary),
        sa.Column("qr_until", _TIME),
        sa.Column("qr_tries", sa.SmallInteger, nullable=False, server_default="0"),
        sa.CheckConstraint("bound_at IS NULL OR void_at IS NULL", name="one_end"),
        sa.Index(
            "ix_cards_owed",
            "issued_at",
            postgresql_where=sa.text("qr_url IS NULL AND bound_at IS NULL AND void_at IS NULL"),
        ),
        sa.Index(
            "uq_cards_live", "user_id", unique=True, postgresql_where=sa.text("bound_at IS NULL AND void_at IS NULL")
        ),
    )
    op.create_table(
        "consent_codes",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("tries", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("used_at", _TIME),
    )
    op.create_table(
        "mandates",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("staff_id", sa.BigInteger, sa.ForeignKey("staff.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("scope", sa.String(12), nullable=False),
        sa.Column("granted_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME),
        sa.CheckConstraint("kind IN ('code', 'sheet')", name="kind_known"),
        sa.CheckConstraint("scope IN ('appeal', 'register')", name="scope_known"),
    )
    op.create_table(
        "proxy_acts",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("mandate_id", sa.BigInteger, sa.ForeignKey("mandates.id"), nullable=False),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("confirmed_at", _TIME),
        sa.Column("denied_at", _TIME),
        sa.CheckConstraint("subject IN ('appeal', 'user')", name="subject_known"),
        sa.CheckConstraint("confirmed_at IS NULL OR denied_at IS NULL", name="one_answer"),
        sa.Index("uq_proxy_acts_subject", "subject", "subject_id", unique=True),
    )


def _verification() -> None:
    """The registry, cases, visits and objections."""
    op.create_table(
        "registry_entries",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("id_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("id_number", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.LargeBinary, nullable=False),
        sa.Column("region_code", sa.String(12), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("source", sa.String(60), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("imported_at", _TIME, nullable=False),
    )
    op.create_table(
        "verifications",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id"), nullable=False),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("round", sa.SmallInteger, nullable=False, server_default="1"),
        sa.Column("submitted_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("registry_result", sa.String(16)),
        sa.Column("registry_status", sa.String(40)),
        sa.Column("registry_source", sa.String(60)),
        sa.Column("registry_as_of", sa.Date),
        sa.Column("registry_tries", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("registry_next_at", _TIME),
        sa.Column("visited_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("visited_at", _TIME),
        sa.Column("notice_from", _TIME),
        sa.Column("notice_until", _TIME),
        sa.Column("sampled", sa.Boolean),
        sa.Column("reviewed_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("decided_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("decided_at", _TIME),
        sa.Column("reasons", sa.String(200)),
        sa.Column("expires_at", _TIME),
        sa.Column("reminded_at", _TIME),
        sa.CheckConstraint(
            "state IN ('adjudication', 'county_review', 'draft', 'expired', 'public_notice', 'registry_checked', 'rejected', 'revoked', 'submitted', 'suspended', 'township_review', 'verified', 'visited', 'withdrawn')",
            name="state_known",
        ),
        sa.CheckConstraint(
            "registry_result IN ('match', 'name_mismatch', 'not_found', 'unavailable')", name="registry_result_known"
        ),
        sa.CheckConstraint("state <> 'verified' OR expires_at IS NOT NULL", name="verified_ends"),
        sa.CheckConstraint("visited_by <> reviewed_by", name="visit_and_review_by_two"),
        sa.CheckConstraint("visited_by <> decided_by", name="visit_and_decision_by_two"),
        sa.CheckConstraint("reviewed_by <> decided_by", name="review_and_decision_by_two"),
        sa.Index(
            "ix_verifications_expires", "expires_at", postgresql_where=sa.text("state IN ('verified', 'suspended')")
        ),
        sa.Index("ix_verifications_household_id", "household_id", "id"),
        sa.Index("ix_verifications_notice", "notice_until", postgresql_where=sa.text("state = 'public_notice'")),
        sa.Index("ix_verifications_region_state", "region_code", "state", "submitted_at"),
        sa.Index(
            "ix_verifications_registry",
            "state",
            "registry_next_at",
            postgresql_where=sa.text("registry_next_at IS NOT NULL"),
        ),
        sa.Index("ix_verifications_reminder", "state", "expires_at", postgresql_where=sa.text("reminded_at IS NULL")),
        sa.Index("ix_verifications_user_id", "user_id", "id"),
        sa.Index(
            "uq_verifications_one_standing",
            "user_id",
            unique=True,
            postgresql_where=sa.text("state IN ('verified', 'suspended')"),
        ),
        sa.Index(
            "uq_verifications_one_under_way",
            "user_id",
            unique=True,
            postgresql_where=sa.text(
                "state IN ('submitted', 'registry_checked', 'visited', 'public_notice', 'adjudication', 'township_review', 'county_review')"
            ),
        ),
    )
    op.create_table(
        "visits",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("verification_id", sa.BigInteger, sa.ForeignKey("verifications.id"), nullable=False, index=True),
        sa.Column("staff_id", sa.BigInteger, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("place", sa.LargeBinary, nullable=False),
        sa.Column("assessment", sa.LargeBinary, nullable=False),
        sa.Column("findings", sa.LargeBinary, nullable=False),
        sa.Column("score", sa.SmallInteger, nullable=False),
        sa.Column("supports", sa.Boolean, nullable=False),
        sa.Column("flags", sa.String(120)),
    )
    op.create_table(
        "objections",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("verification_id", sa.BigInteger, sa.ForeignKey("verifications.id"), nullable=False, index=True),
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("decided_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("decided_at", _TIME),
        sa.CheckConstraint("state IN ('dismissed', 'open', 'upheld')", name="state_known"),
        sa.Index(
            "uq_objections_one_open",
            "verification_id",
            "conversation_id",
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
        ),
    )


def _appeals() -> None:
    """Appeals with their budgets, revisions and flags."""
    op.create_table(
        "appeals",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("category", sa.String(16), nullable=False),
        sa.Column("owner_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id"), nullable=False),
        sa.Column("title", sa.String(60), nullable=False),
        sa.Column("story", sa.Text, nullable=False),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False),
        sa.Column("target_fen", sa.BigInteger, nullable=False),
        sa.Column("minimum_fen", sa.BigInteger),
        sa.Column("deadline", _TIME, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("was", sa.String(20)),
        sa.Column("endorsed_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("endorsed_at", _TIME),
        sa.Column("published_at", _TIME),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("round", sa.SmallInteger, nullable=False, server_default="1"),
        sa.Column("returned_fields", sa.String(120)),
        sa.Column("sampled", sa.Boolean),
        sa.Column("update_due_at", _TIME),
        sa.Column("update_reminded", sa.SmallInteger, nullable=False, server_default="0"),
        sa.CheckConstraint("kind IN ('crowdfund', 'one_to_one')", name="kind_known"),
        sa.CheckConstraint(
            "category IN ('education', 'employment', 'housing', 'industry', 'medical', 'necessities', 'public_works', 'training')",
            name="category_known",
        ),
        sa.CheckConstraint(
            "state IN ('cancelled', 'completed', 'county_review', 'draft', 'endorsed', 'executing', 'failed', 'frozen', 'fund_holder_filed', 'funded', 'funding', 'minimum_met', 'rejected', 'reporting', 'returned', 'submitted', 'village_review')",
            name="state_known",
        ),
        sa.CheckConstraint("target_fen > 0", name="target_positive"),
        sa.CheckConstraint("kind <> 'crowdfund' OR target_fen >= 30000000", name="crowdfund_minimum"),
        sa.CheckConstraint(
            "(minimum_fen IS NULL AND state <> 'minimum_met') OR (minimum_fen IS NOT NULL AND kind = 'crowdfund' AND minimum_fen * 2 >= target_fen AND minimum_fen < target_fen)",
            name="minimum_within",
        ),
        sa.CheckConstraint("state <> 'frozen' OR was IS NOT NULL", name="frozen_from"),
        sa.Index("ix_appeals_region_state", "region_code", "state"),
        sa.Index(None, "state", "id"),
        sa.Index(
            "ix_appeals_update_due",
            "update_due_at",
            postgresql_where=sa.text("state = 'executing' AND update_reminded < 2"),
        ),
        sa.Index(
            "uq_appeals_one_open",
            "household_id",
            "category",
            unique=True,
            postgresql_where=sa.text(
                "state IN ('submitted', 'village_review', 'returned', 'endorsed', 'county_review', 'fund_holder_filed', 'funding', 'funded', 'minimum_met', 'executing', 'reporting', 'frozen')"
            ),
        ),
    )
    keep_fixed(
        "appeals", ("target_fen", "deadline", "kind", "published_at", "minimum_fen"), "OLD.published_at IS NOT NULL"
    )
    op.create_table(
        "budget_lines",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False, index=True),
        sa.Column("item", sa.String(60), nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
    )
    op.create_table(
        "revisions",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False, index=True),
        sa.Column("title", sa.String(60), nullable=False),
        sa.Column("story", sa.Text, nullable=False),
        sa.Column("kept", sa.String(200), nullable=False, server_default=""),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("decided_at", _TIME),
        sa.CheckConstraint("state IN ('approved', 'draft', 'rejected', 'submitted', 'withdrawn')", name="state_known"),
        sa.Index("uq_revisions_one_open", "appeal_id", unique=True, postgresql_where=sa.text("state = 'submitted'")),
    )
    op.create_table(
        "flags",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("item", sa.String(60), nullable=False),
        sa.Column("usual_fen", sa.BigInteger),
        sa.Column("at", _TIME, nullable=False),
        sa.CheckConstraint(
            "code IN ('asked_before', 'brand', 'odd_item', 'over_price', 'photo_reused')", name="code_known"
        ),
        sa.Index("uq_flags_once", "appeal_id", "code", "item", unique=True),
    )


def _notifications() -> None:
    """Notices, what they are sent through, and who may be written to."""
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("dedupe_key", sa.String(80), nullable=False, unique=True),
        sa.Column("template", sa.String(40), nullable=False),
        sa.Column("facts", sa.LargeBinary, nullable=False),
        sa.Column("subject", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        sa.Column("audience", sa.String(12), nullable=False),
        sa.Column("audience_of", sa.String(20), nullable=False),
        sa.Column("by", sa.BigInteger, sa.ForeignKey("staff.id"), index=True),
        sa.Column("state", sa.String(10), nullable=False, server_default="planning"),
        sa.Column("cursor", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("planned", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.CheckConstraint("state IN ('done', 'planning', 'sending', 'stopped')", name="state_known"),
        sa.CheckConstraint("audience IN ('backers', 'donors_of')", name="audience_known"),
        sa.Index("ix_broadcasts_live", "id", postgresql_where=sa.text("state IN ('planning', 'sending')")),
        sa.Index("ix_broadcasts_stopped", "ended_at", postgresql_where=sa.text("state = 'stopped'")),
        sa.Index("ix_broadcasts_subject", "subject", "subject_id", "id"),
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("dedupe_key", sa.String(80), nullable=False, unique=True),
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("template", sa.String(40), nullable=False),
        sa.Column("facts", sa.LargeBinary, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("read_at", _TIME),
        sa.Column("state", sa.String(12), nullable=False, server_default="owed"),
        sa.Column("urgency", sa.String(8), nullable=False, server_default="push"),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("broadcast_id", sa.BigInteger, sa.ForeignKey("broadcasts.id")),
        sa.Column("subject", sa.String(20)),
        sa.Column("subject_id", sa.BigInteger),
        sa.Column("channel", sa.String(12)),
        sa.Column("reason", sa.String(120), nullable=False, server_default=""),
        sa.Column("tries", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("claimed_at", _TIME),
        sa.Column("attempted_at", _TIME),
        sa.Column("sent_at", _TIME),
        sa.Column("offers_at", _TIME),
        sa.Column("platform_id", sa.String(40)),
        sa.CheckConstraint(
            "state IN ('delivered', 'failed', 'owed', 'read', 'sending', 'sent', 'waiting')", name="state_known"
        ),
        sa.CheckConstraint("urgency IN ('bulk', 'push')", name="urgency_known"),
        sa.CheckConstraint("channel IN ('reply', 'service', 'subscription', 'template')", name="channel_known"),
        sa.Index(
            "ix_notifications_about", "subject", "subject_id", "id", postgresql_where=sa.text("subject IS NOT NULL")
        ),
        sa.Index(
            "ix_notifications_broadcast", "broadcast_id", "state", postgresql_where=sa.text("broadcast_id IS NOT NULL")
        ),
        sa.Index(None, "conversation_id"),
        sa.Index(
            "ix_notifications_offering",
            "conversation_id",
            "offers_at",
            postgresql_where=sa.text("offers_at IS NOT NULL"),
        ),
        sa.Index("ix_notifications_owed", "urgency", "due_at", "id", postgresql_where=sa.text("state = 'owed'")),
        sa.Index("ix_notifications_reported", "platform_id", postgresql_where=sa.text("platform_id IS NOT NULL")),
        sa.Index("ix_notifications_sending", "claimed_at", postgresql_where=sa.text("state = 'sending'")),
        sa.Index(
            "ix_notifications_unread", "conversation_id", "id", postgresql_where=sa.text("state IN ('owed', 'waiting')")
        ),
    )
    op.create_table(
        "service_windows",
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("ends_at", _TIME, nullable=False),
        sa.Column("left", sa.SmallInteger),
        sa.CheckConstraint("kind IN ('follow', 'menu', 'message', 'paid', 'scan')", name="kind_known"),
    )
    op.create_table(
        "mutes",
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), primary_key=True),
        sa.Column("topic", sa.String(20), primary_key=True),
        sa.Column("subject_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "subscriptions",
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), primary_key=True),
        sa.Column("template_id", sa.String(64), primary_key=True),
        sa.Column("left", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("for_good", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("asked_at", _TIME),
        sa.Column("refused_at", _TIME),
    )
    op.create_table(
        "delivery_reports",
        sa.Column("account", sa.String(64), primary_key=True),
        sa.Column("platform_id", sa.String(40), primary_key=True),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "channel_pauses",
        sa.Column("account", sa.String(64), primary_key=True),
        sa.Column("channel", sa.String(20), primary_key=True),
        sa.Column("until", _TIME, nullable=False),
        sa.Column("code", sa.BigInteger, nullable=False),
    )


def _ledger() -> None:
    """Accounts with their balances, transactions, entries, and the chain that seals them."""
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        sa.Column("balance_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.UniqueConstraint("kind", "subject_id"),
        sa.CheckConstraint(
            "kind IN ('appeal', 'bank', 'channel', 'fees', 'pool', 'refunds', 'unassigned')", name="kind_known"
        ),
        sa.CheckConstraint("kind = 'fees' OR balance_fen >= 0", name="not_overdrawn"),
    )
    keep_fixed("ledger_accounts", ("kind", "subject_id"))
    op.create_table(
        "ledger_sums",
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey("ledger_accounts.id"), primary_key=True),
        sa.Column("kind", sa.String(24), primary_key=True),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "ledger_links",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("transaction_id", sa.BigInteger, nullable=False, unique=True),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    never_change("ledger_links")
    op.create_table(
        "ledger_transactions",
        sa.Column(
            "id",
            sa.BigInteger,
            sa.ForeignKey("ledger_links.transaction_id", deferrable=True, initially="DEFERRED"),
            primary_key=True,
            autoincrement="ignore_fk",
        ),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("cause", sa.String(64), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("reverses_id", sa.BigInteger, sa.ForeignKey("ledger_transactions.id"), unique=True),
        sa.UniqueConstraint("kind", "cause"),
    )
    never_change("ledger_transactions")
    op.create_table(
        "ledger_entries",
        sa.Column("transaction_id", sa.BigInteger, sa.ForeignKey("ledger_transactions.id"), primary_key=True),
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey("ledger_accounts.id"), primary_key=True),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name="not_nothing"),
        sa.Index(None, "account_id", "transaction_id"),
    )
    never_change("ledger_entries")
    refuse_insert("ledger_entries", "sealed", _SEALED, "ledger_entries: the transaction is complete")
    refuse_insert("ledger_links", "balanced", _UNBALANCED, "ledger_links: entries are missing, or do not sum to zero")
    after_insert("ledger_entries", "counted", (_BALANCE, _SUM))
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.CheckConstraint("id = 1", name="one_head"),
    )
    _chain_head("ledger_head")


def _giving() -> None:
    """Pledges, and the pools that add to them."""
    op.create_table(
        "refund_runs",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False, unique=True),
        sa.Column("reason", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False, server_default="planning"),
        sa.Column("cursor", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.Column("notified", sa.String(5)),
        sa.CheckConstraint("reason IN ('cancelled', 'failed', 'surplus')", name="reason_known"),
        sa.CheckConstraint("notified IN ('all', 'waits')", name="notified_known"),
        sa.CheckConstraint("state IN ('done', 'planning')", name="state_known"),
        sa.Index("ix_refund_runs_live", "id", postgresql_where=sa.text("state = 'planning'")),
        sa.Index("ix_refund_runs_unnotified", "id", postgresql_where=sa.text("notified IS NULL OR notified = 'waits'")),
    )
    op.create_table(
        "matching_pools",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("holder_id", sa.BigInteger, nullable=False),
        sa.Column("sponsor", sa.String(30), nullable=False),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id")),
        sa.Column("category", sa.String(16)),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code")),
        sa.Column("cap_fen", sa.BigInteger, nullable=False),
        sa.Column("per_donor_fen", sa.BigInteger, nullable=False),
        sa.Column("per_appeal_fen", sa.BigInteger, nullable=False),
        sa.Column("open_until", _TIME, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("matched_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("opened_by", sa.BigInteger, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.CheckConstraint("state IN ('closed', 'open')", name="state_known"),
        sa.CheckConstraint(
            "category IN ('education', 'employment', 'housing', 'industry', 'medical', 'necessities', 'public_works', 'training')",
            name="category_known",
        ),
        sa.CheckConstraint(
            "(appeal_id IS NULL) = (category IS NOT NULL) AND (appeal_id IS NULL) = (region_code IS NOT NULL)",
            name="one_scope",
        ),
        sa.CheckConstraint(
            "per_donor_fen > 0 AND per_appeal_fen > 0 AND per_donor_fen <= cap_fen AND per_appeal_fen <= cap_fen",
            name="caps_within",
        ),
        sa.CheckConstraint("matched_fen >= 0 AND matched_fen <= cap_fen", name="within_cap"),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_once"),
        sa.Index("ix_matching_pools_appeal", "appeal_id", postgresql_where=sa.text("state = 'open'")),
        sa.Index("ix_matching_pools_holder", "holder_id", "id"),
        sa.Index("ix_matching_pools_scope", "region_code", "category", postgresql_where=sa.text("state = 'open'")),
    )
    keep_fixed(
        "matching_pools",
        (
            "holder_id",
            "sponsor",
            "appeal_id",
            "category",
            "cap_fen",
            "per_donor_fen",
            "per_appeal_fen",
            "open_until",
            "opened_by",
            "opened_at",
        ),
    )
    keep_fixed("matching_pools", ("state", "closed_at"), "OLD.state = 'closed'", "closed_once")
    op.create_table(
        "pledges",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("code", sa.String(10), nullable=False, unique=True),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False),
        sa.Column("donor_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("anonymous", sa.Boolean, nullable=False),
        sa.Column("by_staff", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("pay_by", _TIME),
        sa.Column("fallback", sa.String(8), nullable=False, server_default="refund"),
        sa.CheckConstraint(
            "state IN ('awaiting_payment', 'cancelled', 'committed', 'expired', 'intended', 'paid', 'partly_disbursed', 'redirected', 'refund_pending', 'refunded', 'settled')",
            name="state_known",
        ),
        sa.CheckConstraint("fallback IN ('refund', 'similar')", name="fallback_known"),
        sa.CheckConstraint("state <> 'awaiting_payment' OR pay_by IS NOT NULL", name="awaited_until"),
        sa.CheckConstraint("amount_fen >= 100", name="at_least_one_yuan"),
        sa.Index("ix_pledges_appeal", "appeal_id", "state", "amount_fen"),
        sa.Index("ix_pledges_appeal_donor", "appeal_id", "donor_id"),
        sa.Index("ix_pledges_appeal_id", "appeal_id", "id"),
        sa.Index("ix_pledges_donor_id", "donor_id", "id"),
        sa.Index(None, "pay_by", postgresql_where=sa.text("state = 'awaiting_payment'")),
    )
    op.create_table(
        "pool_matches",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("pool_id", sa.BigInteger, sa.ForeignKey("matching_pools.id"), nullable=False),
        sa.Column("pledge_id", sa.BigInteger, sa.ForeignKey("pledges.id"), nullable=False),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False),
        sa.Column("donor_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("fen", sa.BigInteger, nullable=False),
        sa.Column("returned_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("returns", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("at", _TIME, nullable=False),
        sa.UniqueConstraint("pledge_id", "pool_id"),
        sa.CheckConstraint("fen > 0", name="not_nothing"),
        sa.CheckConstraint("returned_fen >= 0 AND returned_fen <= fen", name="returned_within"),
        sa.Index("ix_pool_matches_appeal", "appeal_id", "pool_id"),
        sa.Index("ix_pool_matches_donor", "pool_id", "donor_id"),
    )
    keep_fixed("pool_matches", ("pool_id", "pledge_id", "appeal_id", "donor_id", "fen", "at"))
    op.create_table(
        "pool_transfers",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("pool_id", sa.BigInteger, sa.ForeignKey("matching_pools.id"), nullable=False, index=True),
        sa.Column("holder_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("bank_reference", sa.String(40), nullable=False),
        sa.Column("entered_by", sa.BigInteger, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.CheckConstraint("kind IN ('paid_in', 'returned')", name="kind_known"),
        sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
        sa.UniqueConstraint("holder_id", "bank_reference"),
    )
    keep_fixed("pool_transfers", ("pool_id", "holder_id", "kind", "amount_fen", "bank_reference", "entered_by"))


def _outreach() -> None:
    """What owners tell those who gave."""
    op.create_table(
        "updates",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False, server_default="progress"),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("state", sa.String(10), nullable=False, server_default="submitted"),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("decided_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("decided_at", _TIME),
        sa.CheckConstraint("kind IN ('progress', 'thanks')", name="kind_known"),
        sa.CheckConstraint("state IN ('published', 'returned', 'submitted', 'withdrawn')", name="state_known"),
        sa.Index(None, "appeal_id", "id"),
        sa.Index(
            "uq_updates_one_waiting", "appeal_id", "kind", unique=True, postgresql_where=sa.text("state = 'submitted'")
        ),
    )


def _disbursements() -> None:
    """Payees, what is paid to them of which budget line, and of whose gifts."""
    op.create_table(
        "payees",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("name", sa.LargeBinary),
        sa.Column("account", sa.LargeBinary),
        sa.Column("added_by", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("replaces_id", sa.BigInteger, sa.ForeignKey("payees.id"), unique=True),
        sa.Column("confirmed_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("confirmed_at", _TIME),
        sa.Column("fixed_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.CheckConstraint("kind IN ('household', 'school', 'shop', 'village')", name="kind_known"),
        sa.Index("ix_payees_appeal", "appeal_id", "id", postgresql_where=sa.text("ended_at IS NULL")),
    )
    keep_fixed("payees", ("appeal_id", "kind", "added_by", "replaces_id", "fixed_at"))
    op.create_table(
        "disbursements",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("code", sa.String(8), nullable=False, unique=True),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False),
        sa.Column("line_id", sa.BigInteger, sa.ForeignKey("budget_lines.id"), nullable=False, index=True),
        sa.Column("payee_id", sa.BigInteger, sa.ForeignKey("payees.id"), nullable=False, index=True),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("round", sa.SmallInteger, nullable=False, server_default="1"),
        sa.Column("reasons", sa.String(200)),
        sa.Column("requested_by", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("endorsed_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("approved_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("authorised_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("paid_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("paid_at", _TIME),
        sa.Column("payable_from", _TIME),
        sa.Column("holder_id", sa.BigInteger),
        sa.Column("bank_reference", sa.String(40)),
        sa.Column("matched_fen", sa.BigInteger),
        sa.Column("confirmed_at", _TIME),
        sa.Column("issue", sa.String(20)),
        sa.Column("sampled", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("called_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("called_at", _TIME),
        sa.Column("receipts_due", _TIME),
        sa.Column("receipts_reminded", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("receipts_at", _TIME),
        sa.Column("acquitted_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("acquitted_at", _TIME),
        sa.CheckConstraint(
            "state IN ('acquitted', 'approved', 'authorised', 'endorsed', 'evidenced', 'not_received', 'paid', 'received', 'received_with_issues', 'refused', 'requested', 'returned', 'withdrawn')",
            name="state_known",
        ),
        sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
        sa.CheckConstraint("matched_fen >= 0 AND matched_fen <= amount_fen", name="matched_within"),
        sa.CheckConstraint("endorsed_by <> approved_by AND endorsed_by <> authorised_by", name="endorser_apart"),
        sa.CheckConstraint("approved_by <> authorised_by AND approved_by <> paid_by", name="approver_apart"),
        sa.CheckConstraint("endorsed_by <> paid_by", name="payer_apart"),
        sa.CheckConstraint("paid_at >= payable_from", name="payee_waited"),
        sa.CheckConstraint(
            "state NOT IN ('paid', 'received', 'received_with_issues', 'not_received', 'acquitted') OR (paid_at IS NOT NULL AND payable_from IS NOT NULL AND bank_reference IS NOT NULL AND holder_id IS NOT NULL AND endorsed_by IS NOT NULL AND approved_by IS NOT NULL AND authorised_by IS NOT NULL AND paid_by IS NOT NULL)",
            name="paid_by_three",
        ),
        sa.UniqueConstraint("holder_id", "bank_reference"),
        sa.Index("ix_disbursements_appeal", "appeal_id", "id"),
        sa.Index(None, "receipts_due", postgresql_where=sa.text("receipts_at IS NULL")),
    )
    refuse_insert("disbursements", "within_line", _OVER_LINE, "disbursements: more than the budget line has")
    keep_fixed("disbursements", ("appeal_id", "line_id", "amount_fen", "requested_by", "code"))
    keep_fixed(
        "disbursements",
        ("payee_id", "paid_at", "payable_from", "paid_by", "holder_id", "bank_reference"),
        "OLD.paid_at IS NOT NULL",
        "paid_once",
    )
    # What pools gave is known once all gifts have given their shares.
    keep_fixed("disbursements", ("matched_fen",), "OLD.matched_fen IS NOT NULL", "matched_once")
    op.create_table(
        "allocation_runs",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("disbursement_id", sa.BigInteger, sa.ForeignKey("disbursements.id"), nullable=False, unique=True),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False, index=True),
        sa.Column("removes", sa.Boolean, nullable=False),
        sa.Column("cursor", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("fen", sa.BigInteger, nullable=False),
        sa.Column("held_fen", sa.BigInteger),
        sa.Column("left_fen", sa.BigInteger),
        sa.Column("gifts_fen", sa.BigInteger),
        sa.Column("cut_rest", sa.BigInteger),
        sa.Column("cut_gift", sa.BigInteger),
        sa.Column("matched_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.CheckConstraint("removes = (held_fen IS NULL)", name="held_or_removed"),
    )
    op.create_table(
        "disbursement_shares",
        sa.Column("disbursement_id", sa.BigInteger, sa.ForeignKey("disbursements.id"), primary_key=True),
        sa.Column("pledge_id", sa.BigInteger, sa.ForeignKey("pledges.id"), primary_key=True),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("matched_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.CheckConstraint("amount_fen >= 0 AND matched_fen >= 0 AND amount_fen + matched_fen > 0", name="not_nothing"),
        sa.Index("ix_disbursement_shares_pledge", "pledge_id", "amount_fen"),
    )
    keep_fixed("disbursement_shares", ("disbursement_id", "pledge_id", "amount_fen", "matched_fen"))


def _payments() -> None:
    """Pay orders, money that cannot be placed, and refunds."""
    op.create_table(
        "pay_orders",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("pledge_id", sa.BigInteger, sa.ForeignKey("pledges.id"), nullable=False, index=True),
        sa.Column("merchant", sa.String(32), nullable=False),
        sa.Column("out_trade_no", sa.String(32), nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("prepay_id", sa.String(64)),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("queried_at", _TIME),
        sa.Column("check_at", _TIME, nullable=False),
        sa.Column("transaction_id", sa.String(64)),
        sa.Column("paid_at", _TIME),
        sa.UniqueConstraint("merchant", "out_trade_no"),
        sa.UniqueConstraint("merchant", "transaction_id"),
        sa.UniqueConstraint("id", "merchant"),
        sa.CheckConstraint("state IN ('closed', 'created', 'paid', 'prepaid')", name="state_known"),
        sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
        sa.CheckConstraint("state <> 'prepaid' OR prepay_id IS NOT NULL", name="prepaid_by_number"),
        sa.CheckConstraint(
            "(state = 'paid') = (transaction_id IS NOT NULL) AND (state = 'paid') = (paid_at IS NOT NULL)",
            name="paid_by_transaction",
        ),
        sa.Index(None, "check_at", postgresql_where=sa.text("state IN ('created', 'prepaid')")),
        sa.Index(None, "paid_at"),
        sa.Index(
            "uq_pay_orders_one_live",
            "pledge_id",
            unique=True,
            postgresql_where=sa.text("state IN ('created', 'prepaid')"),
        ),
    )
    keep_fixed("pay_orders", ("pledge_id", "merchant", "out_trade_no", "created_at"))
    # What came instead of what was asked for may be taken for it, by a person; once paid, an order is what it is.
    keep_fixed("pay_orders", ("state", "transaction_id", "paid_at", "amount_fen"), "OLD.state = 'paid'", "paid_once")
    op.create_table(
        "suspense_items",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("merchant", sa.String(32), nullable=False),
        sa.Column("transaction_id", sa.String(64), nullable=False),
        sa.Column("out_trade_no", sa.String(32), nullable=False),
        sa.Column("order_id", sa.BigInteger, index=True),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.Column("closed_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("outcome", sa.String(60)),
        sa.Column("refund_no", sa.String(64)),
        sa.UniqueConstraint("merchant", "transaction_id"),
        sa.UniqueConstraint("merchant", "refund_no"),
        sa.ForeignKeyConstraint(("order_id", "merchant"), ("pay_orders.id", "pay_orders.merchant")),
        sa.CheckConstraint("kind IN ('other_amount', 'paid_twice', 'unknown_order')", name="kind_known"),
        sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
        sa.Index("ix_suspense_items_open", "id", postgresql_where=sa.text("closed_at IS NULL")),
    )
    keep_fixed("suspense_items", ("kind", "merchant", "transaction_id", "out_trade_no", "order_id", "amount_fen"))
    keep_fixed(
        "suspense_items", ("closed_at", "closed_by", "outcome", "refund_no"), "OLD.closed_at IS NOT NULL", "closed_once"
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("pay_order_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("merchant", sa.String(32), nullable=False),
        sa.Column("pledge_id", sa.BigInteger, sa.ForeignKey("pledges.id"), nullable=False),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False),
        sa.Column("run_id", sa.BigInteger, sa.ForeignKey("refund_runs.id")),
        sa.Column("suspense_item_id", sa.BigInteger, sa.ForeignKey("suspense_items.id"), unique=True),
        sa.Column("disbursement_id", sa.BigInteger, sa.ForeignKey("disbursements.id")),
        sa.Column("out_refund_no", sa.String(40), nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(10), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME),
        sa.Column("asked_at", _TIME),
        sa.Column("tries", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("round", sa.SmallInteger, nullable=False, server_default="1"),
        sa.Column("trouble", sa.String(32)),
        sa.Column("refund_id", sa.String(64)),
        sa.Column("redirected_to", sa.BigInteger, sa.ForeignKey("pledges.id"), unique=True),
        sa.Column("by_hand", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("ended_at", _TIME),
        sa.UniqueConstraint("merchant", "out_refund_no"),
        sa.ForeignKeyConstraint(("pay_order_id", "merchant"), ("pay_orders.id", "pay_orders.merchant")),
        sa.CheckConstraint(
            "state IN ('abnormal', 'asked', 'closed', 'owed', 'paid', 'redirected', 'refused')", name="state_known"
        ),
        sa.CheckConstraint(
            "reason IN ('asked', 'cancelled', 'failed', 'late', 'surplus', 'over', 'returned', 'suspense', 'twice')",
            name="reason_known",
        ),
        sa.CheckConstraint("amount_fen > 0", name="amount_positive"),
        sa.CheckConstraint("(state = 'redirected') = (redirected_to IS NOT NULL)", name="redirected_somewhere"),
        sa.CheckConstraint("(state IN ('paid', 'redirected')) = (ended_at IS NOT NULL)", name="ended_once_done"),
        sa.CheckConstraint("state = 'paid' OR by_hand IS NULL", name="paid_by_hand"),
        sa.CheckConstraint("(reason = 'suspense') = (suspense_item_id IS NOT NULL)", name="of_a_suspense_item"),
        sa.CheckConstraint("(reason = 'returned') = (disbursement_id IS NOT NULL)", name="of_a_return"),
        sa.Index("ix_refunds_due", "due_at", "id", postgresql_where=sa.text("due_at IS NOT NULL")),
        sa.Index(None, "ended_at"),
        sa.Index("ix_refunds_run", "run_id", "state", "amount_fen"),
        sa.Index(
            "ix_refunds_stuck",
            "appeal_id",
            "id",
            postgresql_where=sa.text("state IN ('abnormal', 'closed', 'refused')"),
        ),
        sa.Index("uq_refunds_of_order", "pay_order_id", unique=True, postgresql_where=sa.text("reason = 'twice'")),
        sa.Index(
            "uq_refunds_of_pledge",
            "pledge_id",
            unique=True,
            postgresql_where=sa.text("reason NOT IN ('twice', 'suspense', 'returned')"),
        ),
        sa.Index(
            "uq_refunds_of_return",
            "disbursement_id",
            "pledge_id",
            unique=True,
            postgresql_where=sa.text("reason = 'returned'"),
        ),
    )
    keep_fixed(
        "refunds",
        (
            "pay_order_id",
            "merchant",
            "pledge_id",
            "appeal_id",
            "run_id",
            "out_refund_no",
            "amount_fen",
            "reason",
            "created_at",
            "suspense_item_id",
            "disbursement_id",
        ),
    )
    keep_fixed(
        "refunds", ("state", "redirected_to", "by_hand", "ended_at"), "OLD.state IN ('paid', 'redirected')", "done_once"
    )


def _donors() -> None:
    """Gifts that recur, messages with gifts, and receipts."""
    op.create_table(
        "recurring_gifts",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False),
        sa.Column("donor_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("anonymous", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("day", sa.SmallInteger, nullable=False),
        sa.Column("next_at", _TIME, nullable=False),
        sa.Column("pledge_id", sa.BigInteger, sa.ForeignKey("pledges.id")),
        sa.Column("pledges", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("state IN ('active', 'ended', 'stopped')", name="state_known"),
        sa.CheckConstraint("amount_fen >= 100", name="at_least_one_yuan"),
        sa.CheckConstraint("day BETWEEN 1 AND 31", name="day_of_a_month"),
        sa.Index("ix_recurring_gifts_appeal", "appeal_id", postgresql_where=sa.text("state = 'active'")),
        sa.Index("ix_recurring_gifts_due", "next_at", postgresql_where=sa.text("state = 'active'")),
        sa.Index(
            "uq_recurring_gifts_live",
            "donor_id",
            "appeal_id",
            unique=True,
            postgresql_where=sa.text("state = 'active'"),
        ),
    )
    op.create_table(
        "gift_messages",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("pledge_id", sa.BigInteger, sa.ForeignKey("pledges.id"), nullable=False),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(10), nullable=False, server_default="submitted"),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("decided_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("decided_at", _TIME),
        sa.Column("reported_at", _TIME),
        sa.CheckConstraint("state IN ('passed', 'reported', 'returned', 'submitted', 'withdrawn')", name="state_known"),
        sa.Index("ix_gift_messages_read", "appeal_id", "id", postgresql_where=sa.text("state = 'passed'")),
        sa.Index(
            "uq_gift_messages_one",
            "pledge_id",
            unique=True,
            postgresql_where=sa.text("state IN ('submitted', 'passed', 'reported')"),
        ),
    )
    keep_fixed("gift_messages", ("draft_id", "pledge_id", "appeal_id", "created_at"))
    op.create_table(
        "receipts",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("pledge_id", sa.BigInteger, sa.ForeignKey("pledges.id"), nullable=False),
        sa.Column("appeal_id", sa.BigInteger, sa.ForeignKey("appeals.id"), nullable=False),
        sa.Column("made_out_to", sa.String(8), nullable=False),
        sa.Column("name", sa.LargeBinary),
        sa.Column("tax_number", sa.LargeBinary),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("decided_at", _TIME),
        sa.Column("decided_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("number", sa.String(40)),
        sa.Column("reason", sa.String(20)),
        sa.CheckConstraint("state IN ('asked', 'issued', 'refused', 'void', 'withdrawn')", name="state_known"),
        sa.CheckConstraint("made_out_to IN ('firm', 'person')", name="made_out_to_known"),
        sa.CheckConstraint("(state = 'asked') = (name IS NOT NULL)", name="named_while_asked"),
        sa.CheckConstraint("name IS NOT NULL OR tax_number IS NULL", name="numbered_while_named"),
        sa.CheckConstraint("(state IN ('issued', 'void')) = (number IS NOT NULL)", name="issued_by_number"),
        sa.CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="refused_for_a_reason"),
        sa.CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="decided_once"),
        sa.Index("ix_receipts_asked", "appeal_id", "id", postgresql_where=sa.text("state = 'asked'")),
        sa.Index("ix_receipts_issued", "pledge_id", postgresql_where=sa.text("state = 'issued'")),
        sa.Index(
            "uq_receipts_live", "pledge_id", unique=True, postgresql_where=sa.text("state IN ('asked', 'issued')")
        ),
    )


def _treasury() -> None:
    """Bank entries, the channel's bills, and what does not agree."""
    op.create_table(
        "bank_entries",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("holder_id", sa.BigInteger, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("fee_fen", sa.BigInteger, nullable=False),
        sa.Column("bank_reference", sa.String(40), nullable=False),
        sa.Column("entered_by", sa.BigInteger, sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("reversed_at", _TIME),
        sa.Column("reversed_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("reversal_reason", sa.String(16)),
        sa.CheckConstraint("kind IN ('fee_cover', 'settlement', 'top_up')", name="kind_known"),
        sa.CheckConstraint(
            "reversal_reason IN ('amount_wrong', 'entered_twice', 'wrong_reference')", name="reversal_reason_known"
        ),
        sa.CheckConstraint("amount_fen > 0 AND fee_fen >= 0 AND fee_fen <= amount_fen", name="fee_within"),
        sa.CheckConstraint("kind = 'settlement' OR fee_fen = 0", name="fee_of_settlement"),
        sa.CheckConstraint(
            "(reversed_at IS NULL) = (reversed_by IS NULL) AND (reversed_at IS NULL) = (reversal_reason IS NULL)",
            name="reversal_whole",
        ),
        sa.Index(
            "uq_bank_entries_reference",
            "holder_id",
            "bank_reference",
            "kind",
            unique=True,
            postgresql_where=sa.text("reversed_at IS NULL"),
        ),
    )
    keep_fixed("bank_entries", ("kind", "holder_id", "amount_fen", "fee_fen", "bank_reference", "entered_by"))
    keep_fixed(
        "bank_entries",
        ("reversed_at", "reversed_by", "reversal_reason"),
        "OLD.reversed_at IS NOT NULL",
        "reversed_once",
    )
    op.create_table(
        "bill_days",
        sa.Column("merchant", sa.String(32), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("due_at", _TIME),
        sa.Column("tries", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("trouble", sa.String(60)),
        sa.Column("fetched_at", _TIME),
        sa.Column("compared_at", _TIME),
        sa.Column("lines", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("paid_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("refunded_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("fees_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("ledger_paid_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("ledger_refunded_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.CheckConstraint("state IN ('compared', 'kept', 'wanted')", name="state_known"),
        sa.CheckConstraint("(state = 'wanted') = (fetched_at IS NULL)", name="kept_once_fetched"),
        sa.CheckConstraint("state <> 'compared' OR compared_at IS NOT NULL", name="compared_at_a_time"),
        sa.Index(None, "due_at"),
    )
    op.create_table(
        "bill_lines",
        sa.Column("merchant", sa.String(32), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("line", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("subject", sa.String(8), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("base_number", sa.String(64), nullable=False),
        sa.Column("out_trade_no", sa.String(32), nullable=False),
        sa.Column("fen", sa.BigInteger, nullable=False),
        sa.Column("fee_fen", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(("merchant", "day"), ("bill_days.merchant", "bill_days.day")),
        sa.CheckConstraint("subject IN ('payment', 'refund')", name="subject_known"),
        sa.Index("ix_bill_lines_number", "merchant", "subject", "number", "day"),
    )
    op.create_table(
        "discrepancies",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("merchant", sa.String(32), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(8), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("out_trade_no", sa.String(32), nullable=False),
        sa.Column("out_refund_no", sa.String(64)),
        sa.Column("ours_fen", sa.BigInteger),
        sa.Column("theirs_fen", sa.BigInteger),
        sa.Column("ours_state", sa.String(24)),
        sa.Column("theirs_state", sa.String(24)),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("found_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.Column("closed_by", sa.BigInteger, sa.ForeignKey("staff.id")),
        sa.Column("reason", sa.String(16)),
        sa.Column("note", sa.LargeBinary),
        sa.CheckConstraint("kind IN ('amount', 'ledger', 'missing_here', 'missing_there', 'state')", name="kind_known"),
        sa.CheckConstraint("subject IN ('payment', 'refund')", name="subject_known"),
        sa.CheckConstraint("state IN ('closed', 'open')", name="state_known"),
        sa.CheckConstraint(
            "reason IN ('came_right', 'channel_wrong', 'entered', 'explained', 'given_back', 'not_ours')",
            name="reason_known",
        ),
        sa.CheckConstraint("(subject = 'refund') = (out_refund_no IS NOT NULL)", name="refund_by_number"),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL) AND (state = 'closed') = (reason IS NOT NULL)",
            name="closed_for_a_reason",
        ),
        sa.CheckConstraint(
            "reason IS NULL OR (reason = 'came_right') = (closed_by IS NULL)", name="closed_by_somebody"
        ),
        sa.UniqueConstraint(
            "merchant", "day", "subject", "number", "out_trade_no", "kind", name="uq_discrepancies_found_once"
        ),
        sa.Index("ix_discrepancies_open", "id", postgresql_where=sa.text("state = 'open'")),
    )
    keep_fixed("discrepancies", ("merchant", "day", "kind", "subject", "number", "out_trade_no", "found_at"))
    keep_fixed("discrepancies", ("state", "closed_at", "closed_by", "reason"), "OLD.state = 'closed'", "closed_once")


def _goods() -> None:
    """Things offered, asked for and sold."""
    op.create_table(
        "offers",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("donor_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("category", sa.String(16), nullable=False),
        sa.Column("item", sa.String(60), nullable=False),
        sa.Column("unit", sa.String(12), nullable=False),
        sa.Column("initial", sa.BigInteger, nullable=False),
        sa.Column("available", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("delivered", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("lost", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("condition", sa.String(8), nullable=False),
        sa.Column("best_before", sa.Date),
        sa.Column("handover", sa.String(8), nullable=False),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False, index=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("sort", sa.String(60)),
        sa.Column("turn_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "category IN ('books', 'clothes', 'fertiliser', 'food', 'household', 'oil', 'other', 'seeds', 'tools')",
            name="category_known",
        ),
        sa.CheckConstraint(
            "unit IN ('bag', 'book', 'bottle', 'box', 'bucket', 'jin', 'piece', 'set')", name="unit_known"
        ),
        sa.CheckConstraint("condition IN ('good', 'new', 'worn')", name="condition_known"),
        sa.CheckConstraint("handover IN ('pickup', 'post')", name="handover_known"),
        sa.CheckConstraint(
            "state IN ('available', 'draft', 'exhausted', 'expired', 'screened', 'withdrawn')", name="state_known"
        ),
        sa.CheckConstraint(
            "initial > 0 AND available >= 0 AND reserved >= 0 AND delivered >= 0 AND lost >= 0 AND initial = available + reserved + delivered + lost",
            name="stock_adds_up",
        ),
        sa.Index("ix_offers_near", "state", "category", "sort", "handover", "region_code"),
        sa.Index(None, "state", "id"),
        sa.Index("ix_offers_turn", "state", "category", "sort", "handover", "turn_at", "id"),
    )
    op.create_table(
        "goods_requests",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("owner_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id"), nullable=False),
        sa.Column("category", sa.String(16), nullable=False),
        sa.Column("item", sa.String(60), nullable=False),
        sa.Column("unit", sa.String(12), nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False, index=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("sort", sa.String(60)),
        sa.Column("turn_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "category IN ('books', 'clothes', 'fertiliser', 'food', 'household', 'oil', 'other', 'seeds', 'tools')",
            name="category_known",
        ),
        sa.CheckConstraint(
            "unit IN ('bag', 'book', 'bottle', 'box', 'bucket', 'jin', 'piece', 'set')", name="unit_known"
        ),
        sa.CheckConstraint("state IN ('draft', 'expired', 'met', 'open', 'withdrawn')", name="state_known"),
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
        sa.Index("ix_goods_requests_near", "state", "category", "sort", "region_code"),
        sa.Index(None, "state", "id"),
        sa.Index("ix_goods_requests_turn", "state", "category", "sort", "turn_at", "id"),
    )
    op.create_table(
        "listings",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("draft_id", sa.String(36), nullable=False, unique=True),
        sa.Column("seller_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("household_id", sa.BigInteger, sa.ForeignKey("households.id"), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("unit", sa.String(12), nullable=False),
        sa.Column("price_fen", sa.BigInteger, nullable=False),
        sa.Column("initial", sa.BigInteger, nullable=False),
        sa.Column("available", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("delivered", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("lost", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("harvest_date", sa.Date),
        sa.Column("shop_url", sa.String(500)),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), nullable=False, index=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("kind IN ('handicraft', 'produce')", name="kind_known"),
        sa.CheckConstraint(
            "unit IN ('bag', 'book', 'bottle', 'box', 'bucket', 'jin', 'piece', 'set')", name="unit_known"
        ),
        sa.CheckConstraint("state IN ('draft', 'on_sale', 'sold_out', 'suspended', 'withdrawn')", name="state_known"),
        sa.CheckConstraint("price_fen > 0", name="price_positive"),
        sa.CheckConstraint(
            "initial > 0 AND available >= 0 AND reserved >= 0 AND delivered >= 0 AND lost >= 0 AND initial = available + reserved + delivered + lost",
            name="stock_adds_up",
        ),
        sa.CheckConstraint("shop_url IS NULL OR shop_url LIKE 'https://%'", name="shop_url_https"),
        sa.Index(None, "state", "id"),
    )


def _support() -> None:
    """Tickets and what is said on them."""
    op.create_table(
        "tickets",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("conversation_id", sa.BigInteger, sa.ForeignKey("conversations.id"), nullable=False, index=True),
        sa.Column("region_code", sa.String(12), sa.ForeignKey("regions.code"), index=True),
        sa.Column("about", sa.String(80)),
        sa.Column("beside", sa.BigInteger, sa.ForeignKey("tickets.id"), index=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.CheckConstraint("state IN ('closed', 'open')", name="state_known"),
        sa.Index(None, "about", "id"),
        sa.Index(None, "state", "id"),
    )
    op.create_table(
        "ticket_messages",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("ticket_id", sa.BigInteger, sa.ForeignKey("tickets.id"), nullable=False, index=True),
        sa.Column("author", sa.String(40), nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
