"""What all tables share: the declarative base, UTC times, keys, names for constraints, and lists of ids."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    TableValuedAlias,
    Text,
    TypeDecorator,
    any_,
    bindparam,
    column,
    func,
    select,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, mapped_column

# SQLite hands out row numbers only for INTEGER keys.
Key = BigInteger().with_variant(Integer, "sqlite")
RowId = Annotated[int, mapped_column(Key, primary_key=True)]


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime on both databases (SQLite has no time zones); a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcTime, int: Key}  # noqa: RUF012 - SQLAlchemy reads it from the class


def one_of(column: str, values: tuple[str, ...] | frozenset[str]) -> CheckConstraint:
    """A CHECK that the column holds one of these words."""
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def among(db: Session, ids: InstrumentedAttribute[int], wanted: Iterable[int]) -> ColumnElement[bool]:
    """One of many, as a single parameter: the statement reads the same for one and for a hundred, and is prepared."""
    listed = list(wanted)
    if db.get_bind().dialect.name == "sqlite":
        each = func.json_each(json.dumps(listed)).table_valued(column("value", Integer))
        return ids.in_(select(each.c.value))
    return ids == any_(bindparam(None, listed, ARRAY(BigInteger)))


def paired(db: Session, rows: Iterable[tuple[int, str | None]]) -> TableValuedAlias:
    """Rows of ``key`` and ``value`` to join with, as a fixed number of parameters."""
    listed = list(rows)
    if db.get_bind().dialect.name == "sqlite":
        return func.json_each(json.dumps(dict(listed))).table_valued(
            column("key", Integer), column("value", Text), name="paired"
        )
    ids, texts = ([row[place] for row in listed] for place in (0, 1))
    found = func.unnest(bindparam(None, ids, ARRAY(BigInteger)), bindparam(None, texts, ARRAY(Text)))
    return found.table_valued(column("key", BigInteger), column("value", Text)).render_derived(name="paired")
