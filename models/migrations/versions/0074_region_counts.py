"""Keep what officers read of a county and of all above it: deltas written by triggers, and their sums.

What is there is counted once: some minutes where there are millions of gifts, in which nobody writes them.

Revision: 0074
"""

# ruff: noqa: S608 - only constants of ours are put into the statements

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None

_KEYS = "region_code, month, what, took"
_COLUMNS = f"{_KEYS}, amount, fen"
_MONTH = "date_trunc('month', {} AT TIME ZONE 'UTC' + interval '8 hours')::date"
_NEVER = "date '1970-01-01'"
# What each row of a table counts as. {rows}: the table, or the rows of one statement before or after it.
_COUNTED = {
    "households": (f"SELECT region_code, {_NEVER}, 'households', 0, 1, 0 FROM {{rows}}",),
    "verifications": (
        f"SELECT region_code, {_NEVER}, 'verified', 0, 1, 0 FROM {{rows}} WHERE state = 'verified'",
        f"SELECT region_code, {_MONTH.format('decided_at')}, 'decided',"
        " ceil(extract(epoch FROM decided_at - submitted_at) / 86400)::int, 1, 0"
        " FROM {rows} WHERE decided_at IS NOT NULL",
    ),
    "decisions": (
        f"SELECT region_code, {_MONTH.format('at')}, 'overturned', 0, 1, 0 FROM {{rows}}"
        " WHERE overturned_by IS NOT NULL",
    ),
    "appeals": (f"SELECT region_code, {_NEVER}, 'appeal:' || state, 0, 1, 0 FROM {{rows}}",),
    "pledges": (
        f"SELECT appeals.region_code, {_NEVER}, CASE WHEN by_staff THEN 'staff_gift:' ELSE 'gift:' END || given.state,"
        " 0, 1, amount_fen FROM {rows} AS given JOIN appeals ON appeals.id = given.appeal_id",
    ),
}
# An appeal that moves to another county takes its gifts along.
_MOVED = f"""
    SELECT {{rows}}.region_code, {_NEVER}, CASE WHEN pledges.by_staff THEN 'staff_gift:' ELSE 'gift:' END || pledges.state,
        0, 1, pledges.amount_fen
    FROM old_rows JOIN new_rows USING (id) JOIN pledges ON pledges.appeal_id = new_rows.id
    WHERE left(old_rows.region_code, 6) <> left(new_rows.region_code, 6)
"""
_TABLES = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}
_SIGNS = {"INSERT": {"new_rows": 1}, "UPDATE": {"old_rows": -1, "new_rows": 1}, "DELETE": {"old_rows": -1}}
_AREAS = """
    SELECT level, rpad(left(delta.region_code, width), 12, '0') AS area
    FROM (VALUES (0, 0, -1), (1, 2, 0), (2, 4, 2), (3, 6, 4)) AS levels (level, width, above)
    WHERE length(rtrim(delta.region_code, '0')) > above
"""


def upgrade() -> None:
    _create("region_deltas", sa.Column("id", sa.BigInteger(), nullable=False))
    op.create_index("ix_region_deltas_region_code", "region_deltas", ["region_code"])
    _create("region_counts", sa.Column("level", sa.SmallInteger(), nullable=False, autoincrement=False))
    for table in _COUNTED:
        for event in _TABLES:
            _follow(table, event)
    for table in _COUNTED:
        op.execute(
            f"INSERT INTO region_counts AS kept (level, {_COLUMNS})"
            f" SELECT level, area, month, what, took, sum(amount), sum(fen) FROM ({_summed(table, {table: 1})}) AS delta"
            f" CROSS JOIN LATERAL ({_AREAS}) AS areas GROUP BY level, area, month, what, took"
        )
    waiting = sa.text(
        "state IN ('submitted', 'registry_checked', 'visited', 'public_notice', 'adjudication', 'township_review',"
        " 'county_review')"
    )
    op.create_index(
        "ix_verifications_waiting", "verifications", ["region_code", "submitted_at"], postgresql_where=waiting
    )


def downgrade() -> None:
    op.drop_index("ix_verifications_waiting", "verifications")
    for table in _COUNTED:
        for event in _TABLES:
            name = f"{table}_counted_{event.lower()}"
            op.execute(f"DROP TRIGGER {name} ON {table}")
            op.execute(f"DROP FUNCTION {name}()")
    op.drop_table("region_counts")
    op.drop_table("region_deltas")


def _create(table: str, first: sa.Column[int]) -> None:
    is_count = table == "region_counts"
    key = ("level", "region_code", "month", "what", "took") if is_count else ("id",)
    op.create_table(
        table,
        first,
        sa.Column("region_code", sa.String(12), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("took", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}")),
    )


def _follow(table: str, event: str) -> None:
    """Write what each statement changes in the counts, one delta for each count."""
    name = f"{table}_counted_{event.lower()}"
    moved = _MOVED if (table, event) == ("appeals", "UPDATE") else ""
    body = f"INSERT INTO region_deltas ({_COLUMNS}) {_summed(table, _SIGNS[event], moved)}; RETURN NULL;"
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    op.execute(
        f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {_TABLES[event]}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    )


def _summed(table: str, signs: dict[str, int], moved: str = "") -> str:
    """Sum the rows by county and count; what cancels out is left out."""
    parts = [
        f"SELECT {_KEYS}, {sign} * amount AS amount, {sign} * fen AS fen"
        f" FROM ({each.format(rows=rows)}) AS each ({_COLUMNS})"
        for rows, sign in signs.items()
        for each in (*_COUNTED[table], *([moved] if moved else []))
    ]
    return (
        "SELECT left(region_code, 6) || '000000' AS region_code, month, what, took, sum(amount) AS amount, sum(fen) AS fen"
        f" FROM ({' UNION ALL '.join(parts)}) AS every GROUP BY left(region_code, 6), month, what, took"
        " HAVING sum(amount) <> 0 OR sum(fen) <> 0"
    )
