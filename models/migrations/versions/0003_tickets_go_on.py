"""Let a ticket go on after an answer: the state ``answered``, when it was answered, and when an answer is due.

Tickets that are closed were closed by their answer, and stay closed.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_STATES = "ck_tickets_state_known"


def upgrade() -> None:
    op.add_column("tickets", sa.Column("due_at", _TIME))
    op.add_column("tickets", sa.Column("answered_at", _TIME))
    op.execute("UPDATE tickets SET due_at = opened_at + interval '2 days', answered_at = closed_at")
    op.alter_column("tickets", "due_at", nullable=False)
    op.drop_constraint(op.f(_STATES), "tickets")
    op.create_check_constraint(op.f(_STATES), "tickets", "state IN ('answered', 'closed', 'open')")
    op.create_index("ix_tickets_answered_at", "tickets", ["answered_at"], postgresql_where="state = 'answered'")


def downgrade() -> None:
    """Close the answered tickets: that is what an answer did before."""
    op.execute("UPDATE tickets SET state = 'closed', closed_at = answered_at WHERE state = 'answered'")
    op.drop_index("ix_tickets_answered_at", "tickets")
    op.drop_constraint(op.f(_STATES), "tickets")
    op.create_check_constraint(op.f(_STATES), "tickets", "state IN ('closed', 'open')")
    op.drop_column("tickets", "answered_at")
    op.drop_column("tickets", "due_at")
