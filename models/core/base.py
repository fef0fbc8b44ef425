"""Define what all tables share: the declarative base, UTC times, keys, names for constraints, and lists of ids."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Dialect,
    MetaData,
    Table,
    TableValuedAlias,
    Text,
    TypeDecorator,
    Update,
    any_,
    bindparam,
    column,
    func,
    text,
    update,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, mapped_column
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.types import TypeEngine

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


def among(
    ids: InstrumentedAttribute[int] | InstrumentedAttribute[int | None], wanted: Iterable[int]
) -> ColumnElement[bool]:
    """Compare with many ids in a single array parameter, so that one prepared statement serves any number of them."""
    return ids == any_(bindparam(None, list(wanted), ARRAY(BigInteger)))


def table_of(rows: Iterable[tuple[int, str | None, datetime | None]]) -> TableValuedAlias:
    """Build a table of ``key``, ``value`` and ``at`` to join with, as ``listed`` does."""
    return listed({"key": BigInteger(), "value": Text(), "at": DateTime(timezone=True)}, rows)


def listed(
    columns: Mapping[str, TypeEngine[Any]], rows: Iterable[Sequence[Any]], name: str = "given"
) -> TableValuedAlias:
    """Build a table of these rows, one at least, to join with: a parameter for each column, however many rows."""
    lists = zip(*rows, strict=True)
    arrays = (bindparam(None, list(each), ARRAY(kind)) for each, kind in zip(lists, columns.values(), strict=True))
    named = (column(name, kind) for name, kind in columns.items())
    return func.unnest(*arrays).table_valued(*named).render_derived(name=name)


def write_columns(db: Session, *parts: tuple[Sequence[DeclarativeBase], Sequence[str]]) -> None:
    """Write columns of many rows, by ``id``, all in one statement; the session then knows that it is done.

    ``parts``: rows of one table with the names of the columns to write; each of another table.
    """
    *others, last = [_written(rows, names) for rows, names in parts if rows]
    db.connection().execute(last.add_cte(*(each.cte() for each in others)))
    for rows, names in parts:
        for row in rows:
            for name in names:
                set_committed_value(row, name, getattr(row, name))


def _written(rows: Sequence[DeclarativeBase], names: Sequence[str]) -> Update:
    table = cast(Table, type(rows[0]).__table__)
    columns = {"id": BigInteger(), **{name: table.c[name].type for name in names}}
    given = listed(columns, [[getattr(row, name) for name in columns] for row in rows], f"given_{table.name}")
    return update(table).where(table.c.id == given.c.id).values({name: given.c[name] for name in names})
