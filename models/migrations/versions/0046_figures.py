"""Count for the public figures: deltas, and their sums by region and month, filled with what is there already.

Revision: 0046
"""

# ruff: noqa: S608 - only constants of our own are put into the statements

import sqlalchemy as sa
from alembic import op

from models.migrations import guards

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

_FIGURES = "'goods', 'helped', 'helping', 'money_back', 'money_in', 'money_out', 'registered_donor', 'registered_resident', 'verified'"
_MONTH = "date_trunc('month', {} AT TIME ZONE 'UTC' + interval '8 hours')::date"
_MOVED = (
    "(SELECT subject_id, min(at) AS at FROM audit_events WHERE subject = '{}' AND to_state = '{}' GROUP BY subject_id)"
)
_SIGNS = (
    "('payment_received', 'money_in', -1), ('payment_assigned', 'money_in', -1), ('refund_redirected', 'money_in', -1), "
    "('matched', 'money_in', -1), ('match_returned', 'money_in', -1), ('refund_owed', 'money_back', 1), "
    "('refund_withdrawn', 'money_back', 1), ('disbursed', 'money_out', 1), ('disbursement_returned', 'money_out', 1)"
)


def upgrade() -> None:
    op.create_table(
        "figure_deltas",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("figure", sa.String(20), nullable=False),
        sa.Column("region_code", sa.String(12), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("folded", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_deltas")),
        sa.UniqueConstraint("cause", name=op.f("uq_figure_deltas_cause")),
        sa.CheckConstraint(f"figure IN ({_FIGURES})", name=op.f("ck_figure_deltas_figure_known")),
    )
    op.create_index("ix_figure_deltas_unfolded", "figure_deltas", ["id"], postgresql_where=sa.text("NOT folded"))
    op.create_table(
        "figure_sums",
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("region_code", sa.String(12), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("figure", sa.String(20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("level", "region_code", "month", "figure", name=op.f("pk_figure_sums")),
    )
    _fill()
    guards.keep_rows("figure_deltas")
    guards.keep_fixed("figure_deltas", ("figure", "region_code", "month", "amount"))


def _insert(rows: str) -> None:
    op.execute(f"INSERT INTO figure_deltas (cause, figure, region_code, month, amount) {rows}")


def _fill() -> None:
    """Count what is there by the rules of models.figures.recount of this version; the worker folds it."""
    _insert(f"""
        SELECT 'user:' || id, 'registered_' || role, coalesce(region_code, '000000000000'), {_MONTH.format("created_at")}, 1
        FROM users""")
    _insert(f"""
        SELECT 'household:' || household.id, 'verified', household.region_code, {_MONTH.format("min(verified.at)")}, 1
        FROM {_MOVED.format("case", "verified")} AS verified
        JOIN verifications ON verifications.id = verified.subject_id
        JOIN households AS household ON household.id = verifications.household_id
        GROUP BY household.id, household.region_code""")
    _insert(f"""
        SELECT 'match:' || match.id, 'goods', household.region_code, {_MONTH.format("collected.at")}, 1
        FROM {_MOVED.format("match", "collected")} AS collected
        JOIN matches AS match ON match.id = collected.subject_id
        JOIN households AS household ON household.id = match.household_id""")
    _insert(f"""
        SELECT 'posting:' || posting.id, move.figure, coalesce(appeal.region_code, '000000000000'),
            {_MONTH.format("posting.at")}, entry.amount_fen * move.sign
        FROM ledger_entries AS entry
        JOIN ledger_accounts AS account ON account.id = entry.account_id AND account.kind = 'appeal'
        JOIN ledger_transactions AS posting ON posting.id = entry.transaction_id
        JOIN (VALUES {_SIGNS}) AS move (kind, figure, sign) ON move.kind = posting.kind
        LEFT JOIN appeals AS appeal ON appeal.id = account.subject_id""")
    _insert(f"""
        SELECT DISTINCT ON (person) 'person:' || person, figure, region_code, {_MONTH.format("at")}, 1
        FROM (
            SELECT appeal.owner_id AS person, 'helped' AS figure, appeal.region_code, received.at
            FROM {_MOVED.format("disbursement", "received")} AS received
            JOIN disbursements AS payout ON payout.id = received.subject_id
            JOIN appeals AS appeal ON appeal.id = payout.appeal_id
            UNION ALL
            SELECT pledge.donor_id, 'helping', appeal.region_code, received.at
            FROM {_MOVED.format("disbursement", "received")} AS received
            JOIN disbursement_shares AS share ON share.disbursement_id = received.subject_id
            JOIN pledges AS pledge ON pledge.id = share.pledge_id AND NOT pledge.by_staff
            JOIN appeals AS appeal ON appeal.id = pledge.appeal_id
            UNION ALL
            SELECT side.person, side.figure, household.region_code, collected.at
            FROM {_MOVED.format("match", "collected")} AS collected
            JOIN matches AS match ON match.id = collected.subject_id
            JOIN goods_requests AS request ON request.id = match.request_id
            JOIN households AS household ON household.id = match.household_id
            CROSS JOIN LATERAL (VALUES (request.owner_id, 'helped'), (match.donor_id, 'helping')) AS side (person, figure)
        ) AS times
        ORDER BY person, at""")
    # Nobody's any more: the causes of people who were erased.
    op.execute("""UPDATE figure_deltas SET cause = 'gone:' || figure_deltas.id FROM users
        WHERE users.state = 'erased' AND figure_deltas.cause IN ('user:' || users.id, 'person:' || users.id)""")


def downgrade() -> None:
    op.drop_table("figure_sums")
    op.drop_table("figure_deltas")
    op.execute("DROP FUNCTION figure_deltas_no_delete()")
    op.execute("DROP FUNCTION figure_deltas_fixed()")
