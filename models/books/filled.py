"""Tell which tables have rows, so that a check of all kinds of things asks nothing of those that there are none of."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, exists, literal, select, union_all


def filled(connection: Connection, tables: Iterable[Any]) -> set[str]:
    """Return the names of those tables that have a row."""
    names = {table.__tablename__: table for table in tables}
    each = [select(literal(name)).where(exists().select_from(table)) for name, table in names.items()]
    return set(connection.scalars(union_all(*each)))
