"""Run a statement by psycopg alone, for what every turn does: through SQLAlchemy it takes more than twice as long."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
from sqlalchemy import Connection, Select, Update
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.orm import Session

from models.core import round_trip
from models.core.at_commit import write_waiting

_DIALECT = dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_Convert = Callable[[Any], Any] | None


class Prepared:
    """A Core statement, compiled once; it runs in the transaction of the connection that is given.

    Values are converted by the types of their columns, as ever. Errors are SQLAlchemy's, and where the connection was
    lost, the pool makes all of its connections anew.

    Raises ValueError for a statement with a value of its own, which would have to be given at each run: write it out
    with ``literal_column``.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]] | Update) -> None:
        compiled: Any = statement.compile(dialect=_DIALECT)
        names: list[str] = compiled.positiontup
        if fixed := [name for name in names if not compiled.binds[name].required]:
            raise ValueError(f"values of the statement's own: {fixed}")
        self.sql = str(compiled)
        self._bytes = self.sql.encode()
        self._binds: list[tuple[str, _Convert]] = [
            (name, compiled.binds[name].type.bind_processor(_DIALECT)) for name in names
        ]
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._columns: list[_Convert] = [column.type.result_processor(_DIALECT, None) for column in columns]

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Run the statement and leave its rows unread. Raises DBAPIError."""
        self._execute(connection, values)

    def run_and_commit(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Run the statement as the last of the connection's transaction and commit it. Raises DBAPIError.

        SQLAlchemy is left to find that there is nothing more to commit: nothing may be run between.
        """
        write_waiting(connection)
        self._execute(connection, values, commit=True)

    def first(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Run the SELECT and return its first row, None if there is none. Raises DBAPIError."""
        rows = self._execute(connection, values)
        return self._converted(rows[0]) if rows else None

    def all(self, db: Session, values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """Return all rows of the SELECT for a session, which writes before what it has pending. Raises DBAPIError."""
        if db.autoflush:
            db.flush()
        return map(self._converted, self._execute(db.connection(), values))

    def find(self, db: Session, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return ``first`` for a session, which writes before what it has pending. Raises DBAPIError."""
        if db.autoflush:
            db.flush()
        return self.first(db.connection(), values)

    def one(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Run the SELECT and return its only row. Raises NoResultFound or DBAPIError."""
        if (row := self.first(connection, values)) is None:
            raise NoResultFound
        return row

    def _converted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            value if value is None or convert is None else convert(value)
            for value, convert in zip(row, self._columns, strict=True)
        )

    def _execute(
        self, connection: Connection, values: Mapping[str, Any], *, commit: bool = False
    ) -> list[tuple[Any, ...]]:
        given = [values[name] if convert is None else convert(values[name]) for name, convert in self._binds]
        if not connection.in_transaction():
            connection.begin()  # as SQLAlchemy does by itself: else no rollback and no commit would reach the driver
        driver: Any = connection.connection.driver_connection
        try:
            rows = round_trip.run(driver, self._bytes, given, commit=commit)
            if rows is None:  # psycopg prepares what it has run a few times
                cursor = psycopg.RawCursor(driver).execute(self._bytes, given)
                rows = cursor.fetchall() if self._columns else []
                if commit:
                    driver.commit()
        except psycopg.Error as error:
            if driver.closed:
                connection.exec_driver_sql("SELECT 1")  # SQLAlchemy finds out, and throws away the pool's connections
            raise DBAPIError.instance(
                self.sql, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
            ) from error
        return rows
