"""All statements that go to the database, by whatever way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from models.core.prepared import Prepared


@contextmanager
def statements(database: Engine) -> Iterator[list[str]]:
    """Within the block, what this engine's connections run, and what is run by the driver alone."""
    seen: list[str] = []

    def see(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    execute = Prepared._execute

    def executed(statement: Prepared, *given: Any, **how: Any) -> Any:
        seen.append(statement.sql)
        return execute(statement, *given, **how)

    event.listen(database, "before_cursor_execute", see)
    Prepared._execute = executed  # type: ignore[assignment]
    try:
        yield seen
    finally:
        Prepared._execute = execute  # type: ignore[method-assign]
        event.remove(database, "before_cursor_execute", see)
