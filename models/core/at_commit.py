"""Write rows when a transaction commits: until then they wait on its connection.

So they follow savepoints and rollbacks exactly, wherever those were opened, no commit can skip them, and one statement
writes all that a turn has told. They are written under every lock that the transaction took, but for that of the window
that a turn opens at its end: of two transactions that lock the same thing, the later one's rows get the higher ids.
"""

from typing import Any

from sqlalchemy import Connection, Engine, Table, event, insert

Values = dict[str, Any]

_KEY = "bangfu_at_commit"


class _Waiting:
    """The rows that a connection's transaction has yet to write.

    ``marks``: for each open savepoint, how many rows there were when it was set.
    """

    __slots__ = ("marks", "rows")

    def __init__(self) -> None:
        self.rows: list[tuple[Table, Values]] = []
        self.marks: list[int] = []


def _waiting(connection: Connection) -> _Waiting:
    found: _Waiting = connection.info.setdefault(_KEY, _Waiting())
    return found


def put(connection: Connection, table: Table, values: Values) -> None:
    """Insert a row into the table when the connection's transaction commits."""
    _waiting(connection).rows.append((table, values))


def write_waiting(connection: Connection) -> None:
    """Write all waiting rows, table by table, each table's in the order of ``put``.

    Before the end of a transaction it is for a program that reads its own rows back, and outside savepoints.
    """
    found: _Waiting | None = connection.info.pop(_KEY, None)
    rows = found.rows if found else []
    for table in dict.fromkeys(table for table, _ in rows):
        connection.execute(insert(table), [values for each, values in rows if each is table])


@event.listens_for(Engine, "commit")
def _write(connection: Connection) -> None:
    try:
        write_waiting(connection)
    except BaseException:
        # For SQLAlchemy the transaction has ended now. It would hand the connection on as it is, and the next commit on
        # it would keep what lacks its rows.
        if not connection.invalidated:
            connection.connection.rollback()
        raise


@event.listens_for(Engine, "begin")
@event.listens_for(Engine, "rollback")
def _drop(connection: Connection) -> None:
    # A lost connection has dropped everything, and reading its info would hide the error by which it was lost.
    if not connection.invalidated:
        connection.info.pop(_KEY, None)


# SQLAlchemy tells a savepoint's name only at its end, but keeps savepoints strictly one inside the other.
@event.listens_for(Engine, "savepoint")
def _mark(connection: Connection, _name: None) -> None:
    found = _waiting(connection)
    found.marks.append(len(found.rows))


@event.listens_for(Engine, "release_savepoint")
def _keep(connection: Connection, _name: str, _context: None) -> None:
    if not connection.invalidated:
        _waiting(connection).marks.pop()


@event.listens_for(Engine, "rollback_savepoint")
def _go_back(connection: Connection, _name: str, _context: None) -> None:
    if not connection.invalidated:
        found = _waiting(connection)
        del found.rows[found.marks.pop() :]
