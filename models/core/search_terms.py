"""Find free words in a table's names and places by an index: of their characters and pairs of characters.

A Chinese word has two characters as a rule, for which an index of three would be of no use. The row's ``terms`` hold
each character and each pair of its name and of its region's whole name, and ``=`` with its category; triggers of the
database fill them (migration 0071). What has all of a word's pairs may have the word, and the names themselves decide:
both are compared in lower case and without full width.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Index, Text, and_, func, literal, or_, text
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column


class Searched:
    """The column of a table that is searched by free words. No program writes it."""

    terms: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"), deferred=True)


def by_terms(table: str, listed: str) -> Index:
    """Build the index of the rows that the public list shows.

    What is written waits in a short list of 64 kB before it is sorted in, which makes a row six times as cheap; every
    search reads that list, so it stays short.
    """
    pending, where = {"gin_pending_list_limit": "64"}, text(listed)
    return Index(f"ix_{table}_terms", "terms", postgresql_using="gin", postgresql_with=pending, postgresql_where=where)


def fits(
    terms: InstrumentedAttribute[list[str]],
    names: Sequence[InstrumentedAttribute[str]],
    word: str,
    category: str | None,
) -> ColumnElement[bool]:
    """Build the condition that one of the names has the word in it, or that the row is of the category."""
    holds = terms.bool_op("@>")
    has_word = or_(*(func.strpos(func.search_text(name), func.search_text(word)) > 0 for name in names))
    found = and_(holds(func.search_word(word, type_=ARRAY(Text))), has_word)
    return found if category is None else or_(found, holds(literal([f"={category}"], ARRAY(Text))))


def plan_for_the_words() -> Any:
    """Build the statement after which this transaction's queries are planned for the very words that are searched: a
    plan for any word walks through a whole list to the one row that has a rare one."""
    return text("SET LOCAL plan_cache_mode = force_custom_plan")
