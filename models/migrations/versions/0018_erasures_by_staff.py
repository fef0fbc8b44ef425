"""Erasures that two of the staff answer for, and those that a restored backup makes necessary again.

Revision: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_CAUSE = "ck_erasures_cause_known"


def upgrade() -> None:
    op.add_column("erasures", sa.Column("reason", sa.String(12)))
    op.add_column("erasures", sa.Column("first_staff", sa.BigInteger, sa.ForeignKey("staff.id")))
    op.add_column("erasures", sa.Column("second_staff", sa.BigInteger, sa.ForeignKey("staff.id")))
    for name, condition in (
        ("reason_known", "reason IN ('authority', 'died', 'mistake', 'on_paper')"),
        ("two_signed", "(first_staff IS NULL) = (second_staff IS NULL) AND first_staff <> second_staff"),
    ):
        op.create_check_constraint(op.f(f"ck_erasures_{name}"), "erasures", condition)
    op.drop_constraint(op.f(_CAUSE), "erasures")
    op.create_check_constraint(op.f(_CAUSE), "erasures", "cause IN ('person', 'replay', 'staff', 'wechat')")


def downgrade() -> None:
    """The older release knows two causes; who signed is in the audit trail all the same."""
    op.execute("UPDATE erasures SET cause = 'person' WHERE cause IN ('staff', 'replay')")
    op.drop_constraint(op.f(_CAUSE), "erasures")
    op.create_check_constraint(op.f(_CAUSE), "erasures", "cause IN ('person', 'wechat')")
    for name in ("two_signed", "reason_known"):
        op.drop_constraint(op.f(f"ck_erasures_{name}"), "erasures")
    for name in ("second_staff", "first_staff", "reason"):
        op.drop_column("erasures", name)
