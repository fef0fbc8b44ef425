"""The conversation core: people, conversations, appeals, pledges, goods, produce, notices, audit.

Revision: 0001, after None
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop, keep_fixed, never_change

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_state", sa.String(length=24), nullable=True),
        sa.Column("to_state", sa.String(length=24), nullable=True),
        sa.Column("detail", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index(op.f("ix_audit_events_subject_subject_id"), "audit_events", ["subject", "subject_id"], unique=False)
    op.create_table(
        "photos",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=12), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("media_id", sa.String(length=200), nullable=False),
        sa.Column("pic_url", sa.String(length=600), nullable=False),
        sa.Column("path", sa.String(length=120), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("tries", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('gone', 'kept', 'lost', 'owed')", name=op.f("ck_photos_state_known")),
        sa.CheckConstraint("subject IN ('appeal', 'draft', 'listing', 'offer')", name=op.f("ck_photos_subject_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photos")),
    )
    op.create_index(
        "ix_photos_owed",
        "photos",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("state = 'owed'"),
        postgresql_where=sa.text("state = 'owed'"),
    )
    op.create_index(op.f("ix_photos_subject_subject_id"), "photos", ["subject", "subject_id"], unique=False)
    op.create_table(
        "regions",
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("short", sa.String(length=60), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("successor", sa.String(length=12), nullable=True),
        sa.ForeignKeyConstraint(["successor"], ["regions.code"], name=op.f("fk_regions_successor_regions")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_regions")),
    )
    op.create_index(op.f("ix_regions_name"), "regions", ["name"], unique=False)
    op.create_index(op.f("ix_regions_short"), "regions", ["short"], unique=False)
    op.create_table(
        "households",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_households_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_households")),
    )
    op.create_index(op.f("ix_households_region_code"), "households", ["region_code"], unique=False)
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("work_no", sa.String(length=20), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("household_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("active_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('county', 'fund_holder', 'township', 'village')", name=op.f("ck_staff_role_known")
        ),
        sa.CheckConstraint(
            "state IN ('active', 'bound', 'invited', 'revoked', 'suspended')", name=op.f("ck_staff_state_known")
        ),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_staff_household_id_households")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_staff_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("work_no", name=op.f("uq_staff_work_no")),
    )
    op.create_index(
        "uq_staff_active_openid",
        "staff",
        ["account", "openid"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("display_name", sa.String(length=40), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("id_number", sa.LargeBinary(), nullable=True),
        sa.Column("id_finder", sa.String(length=64), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_finder", sa.String(length=64), nullable=True),
        sa.Column("region_code", sa.String(length=12), nullable=True),
        sa.Column("household_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role <> 'resident' OR state = 'erased' OR (id_finder IS NOT NULL AND household_id IS NOT NULL)",
            name=op.f("ck_users_resident_is_known"),
        ),
        sa.CheckConstraint("role IN ('donor', 'resident')", name=op.f("ck_users_role_known")),
        sa.CheckConstraint("state IN ('active', 'erased', 'suspended')", name=op.f("ck_users_state_known")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_users_household_id_households")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_users_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_users_draft_id")),
        sa.UniqueConstraint("id_finder", name=op.f("uq_users_id_finder")),
    )
    op.create_index(op.f("ix_users_household_id"), "users", ["household_id"], unique=False)
    op.create_index(op.f("ix_users_phone_finder"), "users", ["phone_finder"], unique=False)
    op.create_table(
        "appeals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("household_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("target_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("was", sa.String(length=20), nullable=True),
        sa.Column("endorsed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("endorsed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "category IN ('education', 'employment', 'housing', 'industry', 'medical', 'necessities', 'public_works', 'training')",
            name=op.f("ck_appeals_category_known"),
        ),
        sa.CheckConstraint("state <> 'frozen' OR was IS NOT NULL", name=op.f("ck_appeals_frozen_from")),
        sa.CheckConstraint("kind <> 'crowdfund' OR target_fen >= 30000000", name=op.f("ck_appeals_crowdfund_minimum")),
        sa.CheckConstraint("kind IN ('crowdfund', 'one_to_one')", name=op.f("ck_appeals_kind_known")),
        sa.CheckConstraint(
            "state IN ('cancelled', 'completed', 'county_review', 'draft', 'endorsed', 'executing', 'failed', 'frozen', 'fund_holder_filed', 'funded', 'funding', 'minimum_met', 'rejected', 'reporting', 'returned', 'submitted', 'village_review')",
            name=op.f("ck_appeals_state_known"),
        ),
        sa.CheckConstraint("target_fen > 0", name=op.f("ck_appeals_target_positive")),
        sa.ForeignKeyConstraint(["endorsed_by"], ["staff.id"], name=op.f("fk_appeals_endorsed_by_staff")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_appeals_household_id_households")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_appeals_owner_id_users")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_appeals_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeals")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_appeals_draft_id")),
    )
    op.create_index(op.f("ix_appeals_owner_id"), "appeals", ["owner_id"], unique=False)
    op.create_index("ix_appeals_region_state", "appeals", ["region_code", "state"], unique=False)
    op.create_index("ix_appeals_state_id", "appeals", ["state", "id"], unique=False)
    op.create_index(
        "uq_appeals_one_open",
        "appeals",
        ["household_id", "category"],
        unique=True,
        sqlite_where=sa.text(
            "state IN ('submitted', 'village_review', 'returned', 'endorsed', 'county_review', 'fund_holder_filed', 'funding', 'funded', 'minimum_met', 'executing', 'reporting', 'frozen')"
        ),
        postgresql_where=sa.text(
            "state IN ('submitted', 'village_review', 'returned', 'endorsed', 'county_review', 'fund_holder_filed', 'funding', 'funded', 'minimum_met', 'executing', 'reporting', 'frozen')"
        ),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('account', 'identity')", name=op.f("ck_consents_purpose_known")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_consents_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sa.UniqueConstraint("user_id", "purpose", "version", name=op.f("uq_consents_user_id_purpose_version")),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("following", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_conversations_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("account", "openid", name=op.f("uq_conversations_account_openid")),
    )
    op.create_index(op.f("ix_conversations_user_id"), "conversations", ["user_id"], unique=False)
    op.create_table(
        "goods_requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("household_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("item", sa.String(length=60), nullable=False),
        sa.Column("unit", sa.String(length=12), nullable=False),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "category IN ('books', 'clothes', 'fertiliser', 'food', 'household', 'oil', 'other', 'seeds', 'tools')",
            name=op.f("ck_goods_requests_category_known"),
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'expired', 'met', 'open', 'withdrawn')", name=op.f("ck_goods_requests_state_known")
        ),
        sa.CheckConstraint(
            "unit IN ('bag', 'book', 'bottle', 'box', 'bucket', 'jin', 'piece', 'set')",
            name=op.f("ck_goods_requests_unit_known"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_goods_requests_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("fk_goods_requests_household_id_households")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_goods_requests_owner_id_users")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_goods_requests_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goods_requests")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_goods_requests_draft_id")),
    )
    op.create_index(op.f("ix_goods_requests_owner_id"), "goods_requests", ["owner_id"], unique=False)
    op.create_index("ix_goods_requests_state_id", "goods_requests", ["state", "id"], unique=False)
    op.create_table(
        "listings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("seller_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("household_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("unit", sa.String(length=12), nullable=False),
        sa.Column("price_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("initial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("available", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reserved", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column(
            "delivered", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("lost", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("harvest_date", sa.Date(), nullable=True),
        sa.Column("shop_url", sa.String(length=500), nullable=True),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('handicraft', 'produce')", name=op.f("ck_listings_kind_known")),
        sa.CheckConstraint("shop_url IS NULL OR shop_url LIKE 'https://%'", name=op.f("ck_listings_shop_url_https")),
        sa.CheckConstraint(
            "state IN ('draft', 'on_sale', 'sold_out', 'suspended', 'withdrawn')", name=op.f("ck_listings_state_known")
        ),
        sa.CheckConstraint(
            "unit IN ('bag', 'book', 'bottle', 'box', 'bucket', 'jin', 'piece', 'set')",
            name=op.f("ck_listings_unit_known"),
        ),
        sa.CheckConstraint(
            "initial > 0 AND available >= 0 AND reserved >= 0 AND delivered >= 0 AND lost >= 0 AND initial = available + reserved + delivered + lost",
            name=op.f("ck_listings_stock_adds_up"),
        ),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_listings_price_positive")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_listings_household_id_households")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_listings_region_code_regions")),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_listings_seller_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_listings_draft_id")),
    )
    op.create_index(op.f("ix_listings_seller_id"), "listings", ["seller_id"], unique=False)
    op.create_index("ix_listings_state_id", "listings", ["state", "id"], unique=False)
    op.create_table(
        "offers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("donor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("item", sa.String(length=60), nullable=False),
        sa.Column("unit", sa.String(length=12), nullable=False),
        sa.Column("initial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("available", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reserved", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column(
            "delivered", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("lost", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("condition", sa.String(length=8), nullable=False),
        sa.Column("best_before", sa.Date(), nullable=True),
        sa.Column("handover", sa.String(length=8), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "category IN ('books', 'clothes', 'fertiliser', 'food', 'household', 'oil', 'other', 'seeds', 'tools')",
            name=op.f("ck_offers_category_known"),
        ),
        sa.CheckConstraint("condition IN ('good', 'new', 'worn')", name=op.f("ck_offers_condition_known")),
        sa.CheckConstraint("handover IN ('pickup', 'post')", name=op.f("ck_offers_handover_known")),
        sa.CheckConstraint(
            "state IN ('available', 'draft', 'exhausted', 'expired', 'screened', 'withdrawn')",
            name=op.f("ck_offers_state_known"),
        ),
        sa.CheckConstraint(
            "unit IN ('bag', 'book', 'bottle', 'box', 'bucket', 'jin', 'piece', 'set')",
            name=op.f("ck_offers_unit_known"),
        ),
        sa.CheckConstraint(
            "initial > 0 AND available >= 0 AND reserved >= 0 AND delivered >= 0 AND lost >= 0 AND initial = available + reserved + delivered + lost",
            name=op.f("ck_offers_stock_adds_up"),
        ),
        sa.ForeignKeyConstraint(["donor_id"], ["users.id"], name=op.f("fk_offers_donor_id_users")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_offers_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_offers_draft_id")),
    )
    op.create_index(op.f("ix_offers_donor_id"), "offers", ["donor_id"], unique=False)
    op.create_index("ix_offers_state_id", "offers", ["state", "id"], unique=False)
    op.create_table(
        "broken_sessions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_broken_sessions_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broken_sessions")),
    )
    op.create_index(op.f("ix_broken_sessions_conversation_id"), "broken_sessions", ["conversation_id"], unique=False)
    op.create_table(
        "budget_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item", sa.String(length=60), nullable=False),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_budget_lines_amount_positive")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_budget_lines_appeal_id_appeals")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_lines")),
    )
    op.create_index(op.f("ix_budget_lines_appeal_id"), "budget_lines", ["appeal_id"], unique=False)
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dedupe_key", sa.String(length=80), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_notices_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_notices_dedupe_key")),
    )
    op.create_index(op.f("ix_notices_conversation_id"), "notices", ["conversation_id"], unique=False)
    op.create_index(
        "ix_notices_unread",
        "notices",
        ["conversation_id", "id"],
        unique=False,
        sqlite_where=sa.text("read_at IS NULL"),
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_table(
        "pledges",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("donor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('awaiting_payment', 'cancelled', 'committed', 'expired', 'intended', 'paid', 'partly_disbursed', 'redirected', 'refund_pending', 'refunded', 'settled')",
            name=op.f("ck_pledges_state_known"),
        ),
        sa.CheckConstraint("amount_fen >= 100", name=op.f("ck_pledges_at_least_one_yuan")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_pledges_appeal_id_appeals")),
        sa.ForeignKeyConstraint(["donor_id"], ["users.id"], name=op.f("fk_pledges_donor_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledges")),
        sa.UniqueConstraint("code", name=op.f("uq_pledges_code")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_pledges_draft_id")),
    )
    op.create_index("ix_pledges_appeal", "pledges", ["appeal_id", "state", "amount_fen"], unique=False)
    op.create_index("ix_pledges_donor_id", "pledges", ["donor_id", "id"], unique=False)
    op.create_table(
        "tickets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=True),
        sa.Column("about", sa.String(length=80), nullable=True),
        sa.Column("beside", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('closed', 'open')", name=op.f("ck_tickets_state_known")),
        sa.ForeignKeyConstraint(["beside"], ["tickets.id"], name=op.f("fk_tickets_beside_tickets")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_tickets_conversation_id_conversations")
        ),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_tickets_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
    )
    op.create_index("ix_tickets_about_id", "tickets", ["about", "id"], unique=False)
    op.create_index(op.f("ix_tickets_beside"), "tickets", ["beside"], unique=False)
    op.create_index(op.f("ix_tickets_conversation_id"), "tickets", ["conversation_id"], unique=False)
    op.create_index("ix_tickets_state_id", "tickets", ["state", "id"], unique=False)
    op.create_table(
        "turns",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("flow", sa.String(length=40), nullable=True),
        sa.Column("step", sa.String(length=40), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_turns_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
        sa.UniqueConstraint("key", name=op.f("uq_turns_key")),
    )
    op.create_index(op.f("ix_turns_received_at"), "turns", ["received_at"], unique=False)
    op.create_table(
        "ticket_messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("author", sa.String(length=40), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_messages_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_messages")),
    )
    op.create_index(op.f("ix_ticket_messages_ticket_id"), "ticket_messages", ["ticket_id"], unique=False)
    never_change("audit_events")
    keep_fixed("appeals", ("target_fen", "deadline", "kind", "published_at"), "OLD.published_at IS NOT NULL")


def downgrade() -> None:
    drop("appeals", "appeals_fixed")
    drop("audit_events", "audit_events_no_update", "audit_events_no_delete")
    op.drop_index(op.f("ix_ticket_messages_ticket_id"), table_name="ticket_messages")
    op.drop_table("ticket_messages")
    op.drop_index(op.f("ix_turns_received_at"), table_name="turns")
    op.drop_table("turns")
    op.drop_index("ix_tickets_state_id", table_name="tickets")
    op.drop_index(op.f("ix_tickets_conversation_id"), table_name="tickets")
    op.drop_index(op.f("ix_tickets_beside"), table_name="tickets")
    op.drop_index("ix_tickets_about_id", table_name="tickets")
    op.drop_table("tickets")
    op.drop_index("ix_pledges_donor_id", table_name="pledges")
    op.drop_index("ix_pledges_appeal", table_name="pledges")
    op.drop_table("pledges")
    op.drop_index(op.f("ix_notices_conversation_id"), table_name="notices")
    op.drop_index(
        "ix_notices_unread",
        table_name="notices",
        sqlite_where=sa.text("read_at IS NULL"),
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.drop_table("notices")
    op.drop_index(op.f("ix_budget_lines_appeal_id"), table_name="budget_lines")
    op.drop_table("budget_lines")
    op.drop_index(op.f("ix_broken_sessions_conversation_id"), table_name="broken_sessions")
    op.drop_table("broken_sessions")
    op.drop_index("ix_offers_state_id", table_name="offers")
    op.drop_index(op.f("ix_offers_donor_id"), table_name="offers")
    op.drop_table("offers")
    op.drop_index("ix_listings_state_id", table_name="listings")
    op.drop_index(op.f("ix_listings_seller_id"), table_name="listings")
    op.drop_table("listings")
    op.drop_index("ix_goods_requests_state_id", table_name="goods_requests")
    op.drop_index(op.f("ix_goods_requests_owner_id"), table_name="goods_requests")
    op.drop_table("goods_requests")
    op.drop_table("conversations")
    op.drop_table("consents")
    op.drop_index(
        "uq_appeals_one_open",
        table_name="appeals",
        sqlite_where=sa.text(
            "state IN ('submitted', 'village_review', 'returned', 'endorsed', 'county_review', 'fund_holder_filed', 'funding', 'funded', 'minimum_met', 'executing', 'reporting', 'frozen')"
        ),
        postgresql_where=sa.text(
            "state IN ('submitted', 'village_review', 'returned', 'endorsed', 'county_review', 'fund_holder_filed', 'funding', 'funded', 'minimum_met', 'executing', 'reporting', 'frozen')"
        ),
    )
    op.drop_index("ix_appeals_state_id", table_name="appeals")
    op.drop_index("ix_appeals_region_state", table_name="appeals")
    op.drop_index(op.f("ix_appeals_owner_id"), table_name="appeals")
    op.drop_table("appeals")
    op.drop_index(op.f("ix_users_phone_finder"), table_name="users")
    op.drop_index(op.f("ix_users_household_id"), table_name="users")
    op.drop_table("users")
    op.drop_index(
        "uq_staff_active_openid",
        table_name="staff",
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.drop_table("staff")
    op.drop_index(op.f("ix_households_region_code"), table_name="households")
    op.drop_table("households")
    op.drop_index(op.f("ix_regions_short"), table_name="regions")
    op.drop_index(op.f("ix_regions_name"), table_name="regions")
    op.drop_table("regions")
    op.drop_index(op.f("ix_photos_subject_subject_id"), table_name="photos")
    op.drop_index(
        "ix_photos_owed",
        table_name="photos",
        sqlite_where=sa.text("state = 'owed'"),
        postgresql_where=sa.text("state = 'owed'"),
    )
    op.drop_table("photos")
    op.drop_index(op.f("ix_audit_events_subject_subject_id"), table_name="audit_events")
    op.drop_table("audit_events")
