"""Keep which photos of an appeal an officer approved for the public.

Revision: 0045
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "photo_reviews",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("photo_id", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("second_answer", sa.String(8)),
        sa.Column("decided_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", _TIME, nullable=False),
        sa.Column("taken_back_by", sa.BigInteger()),
        sa.Column("taken_back_at", _TIME),
        sa.Column("name", sa.String(32)),
        sa.Column("width", sa.BigInteger()),
        sa.Column("height", sa.BigInteger()),
        sa.Column("made_at", _TIME),
        sa.Column("check_at", _TIME),
        sa.CheckConstraint("verdict IN ('approved', 'child', 'other')", name=op.f("ck_photo_reviews_verdict_known")),
        sa.CheckConstraint("second_answer IN ('child', 'no_child')", name=op.f("ck_photo_reviews_second_answer_known")),
        sa.CheckConstraint(
            "verdict <> 'approved' OR (second_answer IS NOT NULL AND second_answer = 'no_child')",
            name=op.f("ck_photo_reviews_asked_twice"),
        ),
        sa.CheckConstraint(
            "(verdict = 'approved') = (name IS NOT NULL)", name=op.f("ck_photo_reviews_named_if_approved")
        ),
        sa.CheckConstraint(
            "made_at IS NULL OR (width > 0 AND height > 0)", name=op.f("ck_photo_reviews_made_with_a_size")
        ),
        sa.ForeignKeyConstraint(["photo_id"], ["photos.id"], name=op.f("fk_photo_reviews_photo_id_photos")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_photo_reviews_decided_by_staff")),
        sa.ForeignKeyConstraint(["taken_back_by"], ["staff.id"], name=op.f("fk_photo_reviews_taken_back_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_reviews")),
        sa.UniqueConstraint("name", name=op.f("uq_photo_reviews_name")),
    )
    op.create_index(op.f("ix_photo_reviews_photo_id"), "photo_reviews", ["photo_id"])
    op.create_index(
        "uq_photo_reviews_one_live",
        "photo_reviews",
        ["photo_id"],
        unique=True,
        postgresql_where=sa.text("verdict = 'approved' AND taken_back_at IS NULL"),
    )
    op.create_index(
        "ix_photo_reviews_check_at", "photo_reviews", ["check_at"], postgresql_where=sa.text("check_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_table("photo_reviews")
