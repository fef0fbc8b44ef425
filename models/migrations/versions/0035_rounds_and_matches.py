"""Share offers fairly: handover points, rounds, matches, thanks, and what matching needs of requests and offers.

A keeper of a handover point is a role of its own. Back again, open requests wait from the day of their review.

Revision: 0035
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import keep_fixed, never_change

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_TASKS = (
    *("appeal", "case", "disbursement", "discrepancy", "inquiry", "listing", "message", "name_change", "number_claim"),
    *("offer", "paper_erasure", "receipt", "refund", "request", "revision", "suspense_item", "update"),
)
_PHOTOS = (
    *("appeal", "disbursement", "draft", "listing", "mandate", "number_claim", "offer", "paper_erasure", "receipt"),
    *("report", "revision", "update", "visit"),
)
_ROLES = ("county", "fund_holder", "township", "village")
_NEW = ("goods_thanks", "match")


def upgrade() -> None:
    for table, known in (("tasks", _TASKS), ("photos", _PHOTOS)):
        _allow(table, "subject", *known, *_NEW)
    for table in ("tasks", "staff"):
        _allow(table, "role", *_ROLES, "keeper")
    op.create_table(
        "points",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("draft_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("region_code", sa.String(12), nullable=False),
        sa.Column("address", sa.String(100), nullable=False),
        sa.Column("hours", sa.String(60), nullable=False),
        sa.Column("keeper_id", sa.BigInteger, nullable=False),
        sa.Column("phone", sa.LargeBinary),
        sa.Column("opened_by", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("agreed_at", _TIME),
        sa.CheckConstraint(
            "state <> 'open' OR (agreed_at IS NOT NULL AND phone IS NOT NULL)", name=op.f("ck_points_agreed")
        ),
        sa.CheckConstraint("state IN ('closed', 'open', 'proposed')", name=op.f("ck_points_state_known")),
        sa.ForeignKeyConstraint(["keeper_id"], ["staff.id"], name=op.f("fk_points_keeper_id_staff")),
        sa.ForeignKeyConstraint(["opened_by"], ["staff.id"], name=op.f("fk_points_opened_by_staff")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_points_region_code_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_points")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_points_draft_id")),
    )
    op.create_index(op.f("ix_points_keeper_id"), "points", ["keeper_id"])
    op.create_index("ix_points_open", "points", ["region_code"], postgresql_where=sa.text("state = 'open'"))
    op.create_table(
        "shelves",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("offer_id", sa.BigInteger, nullable=False),
        sa.Column("point_id", sa.BigInteger, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_shelves_quantity_not_negative")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_shelves_offer_id_offers")),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"], name=op.f("fk_shelves_point_id_points")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shelves")),
        sa.UniqueConstraint("offer_id", "point_id", name=op.f("uq_shelves_offer_id_point_id")),
    )
    op.create_index("ix_shelves_lying", "shelves", ["since"], postgresql_where=sa.text("quantity > 0"))
    op.create_index(op.f("ix_shelves_point_id"), "shelves", ["point_id"])
    op.create_table(
        "rounds",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("offer_id", sa.BigInteger, nullable=False),
        sa.Column("shelf_id", sa.BigInteger),
        sa.Column("rule", sa.SmallInteger, nullable=False),
        sa.Column("seed", sa.LargeBinary, nullable=False),
        sa.Column("seed_hash", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("opens_at", _TIME, nullable=False),
        sa.Column("closes_at", _TIME, nullable=False),
        sa.Column("drawn_at", _TIME),
        sa.Column("there", sa.BigInteger),
        sa.CheckConstraint("(state = 'drawn') = (drawn_at IS NOT NULL)", name=op.f("ck_rounds_drawn_at_a_moment")),
        sa.CheckConstraint("state IN ('drawn', 'gathering', 'void')", name=op.f("ck_rounds_state_known")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_rounds_offer_id_offers")),
        sa.ForeignKeyConstraint(["shelf_id"], ["shelves.id"], name=op.f("fk_rounds_shelf_id_shelves")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rounds")),
    )
    op.create_index("ix_rounds_due", "rounds", ["closes_at"], postgresql_where=sa.text("state = 'gathering'"))
    op.create_index(op.f("ix_rounds_offer_id"), "rounds", ["offer_id"])
    op.create_index("ix_rounds_shelf_id", "rounds", ["shelf_id"], postgresql_where=sa.text("shelf_id IS NOT NULL"))
    op.create_index(
        "uq_rounds_gathering_offer",
        "rounds",
        ["offer_id"],
        unique=True,
        postgresql_where=sa.text("state = 'gathering' AND shelf_id IS NULL"),
    )
    op.create_index(
        "uq_rounds_gathering_shelf",
        "rounds",
        ["shelf_id"],
        unique=True,
        postgresql_where=sa.text("state = 'gathering' AND shelf_id IS NOT NULL"),
    )
    op.create_table(
        "matches",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("offer_id", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.BigInteger, nullable=False),
        sa.Column("round_id", sa.BigInteger, nullable=False),
        sa.Column("shelf_id", sa.BigInteger),
        sa.Column("donor_id", sa.BigInteger, nullable=False),
        sa.Column("household_id", sa.BigInteger, nullable=False),
        sa.Column("point_id", sa.BigInteger, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("due_at", _TIME),
        sa.Column("proposed_at", _TIME, nullable=False),
        sa.Column("accepted_at", _TIME),
        sa.Column("agreed_at", _TIME),
        sa.Column("sent_at", _TIME),
        sa.Column("arrived_at", _TIME),
        sa.Column("collected_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("ended_by", sa.String(12)),
        sa.Column("unwanted_at", _TIME),
        sa.Column("parcel", sa.String(8), nullable=False),
        sa.Column("code", sa.LargeBinary),
        sa.Column("code_hash", sa.String(64)),
        sa.Column("carrier", sa.String(20)),
        sa.Column("waybill", sa.String(40)),
        sa.Column("proof", sa.String(8)),
        sa.Column("handed_by", sa.BigInteger),
        sa.CheckConstraint(
            "ended_by IN ('carrier', 'donor', 'household', 'keeper', 'system')", name=op.f("ck_matches_ended_by_known")
        ),
        sa.CheckConstraint("proof IN ('card', 'code', 'officer')", name=op.f("ck_matches_proof_known")),
        sa.CheckConstraint(
            "state IN ('at_point', 'cancelled', 'collected', 'confirmed', 'declined', 'donor_ok', 'in_transit', 'issue', 'lapsed', 'lost', 'proposed', 'recipient_ok', 'uncollected')",
            name=op.f("ck_matches_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('collected', 'confirmed', 'issue') OR (proof IS NOT NULL AND handed_by IS NOT NULL)",
            name=op.f("ck_matches_handed_out_by_proof"),
        ),
        sa.CheckConstraint("quantity BETWEEN 1 AND asked", name=op.f("ck_matches_at_most_what_was_proposed")),
        sa.ForeignKeyConstraint(["donor_id"], ["users.id"], name=op.f("fk_matches_donor_id_users")),
        sa.ForeignKeyConstraint(["handed_by"], ["staff.id"], name=op.f("fk_matches_handed_by_staff")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_matches_household_id_households")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_matches_offer_id_offers")),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"], name=op.f("fk_matches_point_id_points")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["goods_requests.id"], name=op.f("fk_matches_request_id_goods_requests")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_matches_round_id_rounds")),
        sa.ForeignKeyConstraint(["shelf_id"], ["shelves.id"], name=op.f("fk_matches_shelf_id_shelves")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matches")),
        sa.UniqueConstraint("parcel", name=op.f("uq_matches_parcel")),
    )
    op.create_index("ix_matches_donor", "matches", ["donor_id", "id"])
    op.create_index("ix_matches_due_at", "matches", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index("ix_matches_household", "matches", ["household_id", "collected_at"])
    op.create_index("ix_matches_offer", "matches", ["offer_id", "state"])
    op.create_index("ix_matches_point", "matches", ["point_id", "state", "id"])
    op.create_index("ix_matches_request", "matches", ["request_id", "state"])
    op.create_index(op.f("ix_matches_round_id"), "matches", ["round_id"])
    op.create_index(
        "uq_matches_code",
        "matches",
        ["point_id", "code_hash"],
        unique=True,
        postgresql_where=sa.text("code_hash IS NOT NULL"),
    )
    op.create_index(
        "uq_matches_live",
        "matches",
        ["offer_id", "request_id"],
        unique=True,
        postgresql_where=sa.text(
            "state IN ('proposed', 'recipient_ok', 'donor_ok', 'in_transit', 'at_point', 'collected', 'issue')"
        ),
    )
    op.create_index(
        "uq_matches_waybill", "matches", ["waybill"], unique=True, postgresql_where=sa.text("waybill IS NOT NULL")
    )
    op.create_table(
        "round_candidates",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("round_id", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.BigInteger, nullable=False),
        sa.Column("key", sa.String(8), nullable=False),
        sa.Column("need", sa.SmallInteger, nullable=False),
        sa.Column("waited", sa.SmallInteger, nullable=False),
        sa.Column("due", sa.SmallInteger, nullable=False),
        sa.Column("helped", sa.SmallInteger, nullable=False),
        sa.Column("near", sa.SmallInteger, nullable=False),
        sa.Column("score", sa.BigInteger, nullable=False),
        sa.Column("missed", sa.SmallInteger, nullable=False),
        sa.Column("lot", sa.String(64), nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("wanted", sa.BigInteger, nullable=False),
        sa.Column("given", sa.BigInteger, nullable=False),
        sa.Column("barred", sa.String(16)),
        sa.CheckConstraint("barred IS NULL OR given = 0", name=op.f("ck_round_candidates_barred_get_nothing")),
        sa.CheckConstraint("given BETWEEN 0 AND wanted", name=op.f("ck_round_candidates_given_at_most_wanted")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["goods_requests.id"], name=op.f("fk_round_candidates_request_id_goods_requests")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_round_candidates_round_id_rounds")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_candidates")),
        sa.UniqueConstraint("round_id", "key", name=op.f("uq_round_candidates_round_id_key")),
        sa.UniqueConstraint("round_id", "request_id", name=op.f("uq_round_candidates_round_id_request_id")),
    )
    op.create_index(op.f("ix_round_candidates_request_id"), "round_candidates", ["request_id"])
    op.create_table(
        "goods_thanks",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("draft_id", sa.String(36), nullable=False),
        sa.Column("match_id", sa.BigInteger, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("state", sa.String(10), server_default="submitted", nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("decided_by", sa.BigInteger),
        sa.Column("decided_at", _TIME),
        sa.CheckConstraint(
            "state IN ('published', 'returned', 'submitted', 'withdrawn')", name=op.f("ck_goods_thanks_state_known")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_goods_thanks_decided_by_staff")),
        sa.ForeignKeyConstraint(["match_id"], ["matches.id"], name=op.f("fk_goods_thanks_match_id_matches")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goods_thanks")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_goods_thanks_draft_id")),
    )
    op.create_index("ix_goods_thanks_match_id", "goods_thanks", ["match_id"])
    op.create_index(
        "uq_goods_thanks_live",
        "goods_thanks",
        ["match_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('submitted', 'published')"),
    )
    op.create_table(
        "received_lines",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("match_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(20)),
        sa.Column("staff_id", sa.BigInteger, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.CheckConstraint(
            "(kind = 'came') = (reason IS NULL)", name=op.f("ck_received_lines_reason_of_what_is_amiss")
        ),
        sa.CheckConstraint("kind IN ('broken', 'came', 'missing', 'other')", name=op.f("ck_received_lines_kind_known")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_received_lines_quantity_positive")),
        sa.ForeignKeyConstraint(["match_id"], ["matches.id"], name=op.f("fk_received_lines_match_id_matches")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_received_lines_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_lines")),
    )
    op.create_index(op.f("ix_received_lines_match_id"), "received_lines", ["match_id"])
    op.add_column("goods_requests", sa.Column("need_by", sa.Date))
    op.add_column("goods_requests", sa.Column("promised", sa.BigInteger, server_default="0", nullable=False))
    op.add_column("goods_requests", sa.Column("received", sa.BigInteger, server_default="0", nullable=False))
    op.add_column("goods_requests", sa.Column("waits_from", _TIME))
    op.add_column("offers", sa.Column("smallest", sa.BigInteger, server_default="1", nullable=False))
    whole = "promised >= 0 AND received >= 0 AND promised + received <= quantity"
    op.create_check_constraint(op.f("ck_goods_requests_promised_at_most_asked"), "goods_requests", whole)
    op.create_check_constraint(op.f("ck_offers_smallest_positive"), "offers", "smallest > 0")
    op.execute("UPDATE goods_requests SET waits_from = looked_at WHERE state = 'open'")
    never_change("received_lines")
    never_change("round_candidates")
    keep_fixed("rounds", ("offer_id", "shelf_id", "rule", "seed", "seed_hash", "opens_at", "closes_at"))
    keep_fixed("matches", ("offer_id", "request_id", "round_id", "donor_id", "household_id", "asked", "proposed_at"))


def downgrade() -> None:
    op.execute(
        "DELETE FROM recusals WHERE task_id IN (SELECT id FROM tasks WHERE subject IN ('goods_thanks', 'match'))"
    )
    op.execute("DELETE FROM tasks WHERE subject IN ('goods_thanks', 'match') OR role = 'keeper'")
    # Their files lie in the folder under no row then: the sweep of stray files deletes them.
    op.execute("DELETE FROM photos WHERE subject IN ('goods_thanks', 'match')")
    for table in ("received_lines", "goods_thanks", "round_candidates", "matches", "rounds", "shelves", "points"):
        op.drop_table(table)
    for table in ("received_lines", "round_candidates"):
        for act in ("update", "delete"):
            op.execute(f"DROP FUNCTION {table}_no_{act}()")
    for table in ("rounds", "matches"):
        op.execute(f"DROP FUNCTION {table}_fixed()")
    op.drop_column("offers", "smallest")
    for column in ("waits_from", "received", "promised", "need_by"):
        op.drop_column("goods_requests", column)
    op.execute("UPDATE staff SET state = 'revoked', role = 'village' WHERE role = 'keeper'")
    for table in ("tasks", "staff"):
        _allow(table, "role", *_ROLES)
    for table, known in (("tasks", _TASKS), ("photos", _PHOTOS)):
        _allow(table, "subject", *known)


def _allow(table: str, column: str, *values: str) -> None:
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    name = op.f(f"ck_{table}_{column}_known")
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"{column} IN ({listed})")
