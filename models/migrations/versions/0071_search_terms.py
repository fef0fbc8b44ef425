"""Find free words by an index of their characters and pairs, and read the list of appeals by indexes.

A million rows of one table take two to three minutes, in which nobody reads them.

Revision: 0071
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

# Table, column of the name, column of the category, and what the public list shows.
_SEARCHED = (
    ("appeals", "title", "category", "state = 'funding'"),
    ("goods_requests", "item", "category", "state = 'open'"),
    ("offers", "item", "category", "state = 'available'"),
    ("listings", "name", "kind", "state = 'on_sale'"),
)
_FUNDING = sa.text("state = 'funding'")
_LISTED = (
    ("ix_appeals_listed", "appeals", ["published_at", "id", "region_code"], _FUNDING),
    ("ix_appeals_ending", "appeals", ["deadline", "id", "region_code"], _FUNDING),
)
_TEXT = """
    CREATE FUNCTION search_text(words text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN lower(normalize(words, NFKC))
"""
_TERMS = """
    CREATE FUNCTION search_terms(name text, place text, category text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT array_agg(DISTINCT term) FROM (
            SELECT substr(words, at, size) AS term
            FROM unnest(ARRAY[search_text(name), search_text(place)]) AS words,
                generate_series(1, length(words)) AS at, (VALUES (1), (2)) AS sizes (size)
            WHERE at + size <= length(words) + 1
            UNION ALL
            SELECT '=' || category
        ) AS each;
    END
"""
# Of a word's pairs those that do not overlap, and the last: fewer of one word are estimated better.
_WORD = """
    CREATE FUNCTION search_word(word text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        SELECT array_agg(DISTINCT substr(words, greatest(least(at, length(words) - 1), 1), 2))
        FROM search_text(word) AS words, generate_series(1, length(words), 2) AS at;
    END
"""


def upgrade() -> None:
    for function in (_TEXT, _TERMS, _WORD):
        op.execute(function)
    for table, name, category, listed in _SEARCHED:
        _add(table, name, category, listed)
    _follow_regions()
    for index, table, columns, where in _LISTED:
        op.create_index(index, table, columns, postgresql_where=where)


def downgrade() -> None:
    for index, table, _columns, _where in reversed(_LISTED):
        op.drop_index(index, table)
    op.execute("DROP TRIGGER regions_search ON regions")
    op.execute("DROP FUNCTION regions_search()")
    for table, *_ in reversed(_SEARCHED):
        op.drop_index(f"ix_{table}_terms", table)
        op.execute(f"DROP TRIGGER {table}_search ON {table}")
        op.execute(f"DROP FUNCTION {table}_search()")
        op.drop_column(table, "terms")
    for function in ("search_word(text)", "search_terms(text, text, text)", "search_text(text)"):
        op.execute(f"DROP FUNCTION {function}")


def _add(table: str, name: str, category: str, listed: str) -> None:
    """Add the column, fill it, and let it follow what it is made of."""
    op.add_column(table, sa.Column("terms", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False))
    terms = f"search_terms({{row}}.{name}, {{place}}, {{row}}.{category})"
    filled = terms.format(row=table, place="regions.full_name")
    op.execute(f"UPDATE {table} SET terms = {filled} FROM regions WHERE code = {table}.region_code")  # noqa: S608
    place = "(SELECT full_name FROM regions WHERE code = NEW.region_code)"
    body = f"NEW.terms := {terms.format(row='NEW', place=place)}; RETURN NEW;"
    op.execute(f"CREATE FUNCTION {table}_search() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    op.execute(
        f"CREATE TRIGGER {table}_search BEFORE INSERT OR UPDATE OF {name}, {category}, region_code ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_search()"
    )
    where = sa.text(listed)
    short = {"gin_pending_list_limit": "64"}
    op.create_index(
        f"ix_{table}_terms", table, ["terms"], postgresql_using="gin", postgresql_with=short, postgresql_where=where
    )


def _follow_regions() -> None:
    """Make the terms anew of what lies in a region whose name changes."""
    each = " ".join(
        f"UPDATE {table} SET region_code = region_code WHERE region_code = NEW.code;"  # noqa: S608
        for table, *_ in _SEARCHED
    )
    body = f"BEGIN {each} RETURN NULL; END"
    op.execute(f"CREATE FUNCTION regions_search() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    op.execute(
        "CREATE TRIGGER regions_search AFTER UPDATE OF full_name ON regions FOR EACH ROW"
        " WHEN (OLD.full_name IS DISTINCT FROM NEW.full_name) EXECUTE FUNCTION regions_search()"
    )
