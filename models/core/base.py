"""Define what all tables share: the declarative base, UTC times, keys, names for constraints, and lists of ids."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Dialect,
    MetaData,
    TableValuedAlias,
    Text,
    TypeDecorator,
    any_,
    bindparam,
    column,
    func,
    text,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, mapped_column

RowId = Annotated[int, mapped_column(BigInteger, primary_key=True)]


class UtcTime(TypeDecorator[datetime]):
    """Store an aware datetime in UTC. Raises ValueError for a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


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
    type_annotation_map = {datetime: UtcTime, int: BigInteger}  # noqa: RUF012 - SQLAlchemy reads it from the class


def one_of(column: str, values: tuple[str, ...] | frozenset[str]) -> CheckConstraint:
    """Build a CHECK that the column holds one of these words."""
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def draw_ids(db: Session, table: type[Base], count: int) -> list[int]:
    """Draw the ids of new rows ahead: many are then written by one short statement, without reading the ids back."""
    drawn = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)")
    return list(db.scalars(drawn, {"table": table.__tablename__, "count": count}))


def among(ids: InstrumentedAttribute[int], wanted: Iterable[int]) -> ColumnElement[bool]:
    """Compare with many ids in a single array parameter, so that one prepared statement serves any number of them."""
    return ids == any_(bindparam(None, list(wanted), ARRAY(BigInteger)))


def table_of(rows: Iterable[tuple[int, str | None, datetime | None]]) -> TableValuedAlias:
    """Build a table of ``key``, ``value`` and ``at`` to join with, in three parameters, however many rows there are."""
    keys, values, times = zip(*rows, strict=True)
    found = func.unnest(
        bindparam(None, list(keys), ARRAY(BigInteger)),
        bindparam(None, list(values), ARRAY(Text)),
        bindparam(None, list(times), ARRAY(DateTime(timezone=True))),
    )
    columns = (column("key", BigInteger), column("value", Text), column("at", DateTime(timezone=True)))
    return found.table_valued(*columns).render_derived(name="given")
