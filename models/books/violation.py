"""What a check says when the books are wrong, and how all checks read: a batch of rows at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Executable, Row

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Violation:
    """``code`` says which rule, ``subject`` and ``subject_id`` which row; ``words`` are for operators, of ids alone."""

    code: str
    subject: str
    subject_id: int
    words: str

    def __str__(self) -> str:
        return f"{self.code}: {self.subject} {self.subject_id} {self.words}"


def stream(connection: Connection, statement: Executable) -> Iterator[Row[Any]]:
    """The rows, fetched as they are wanted; several streams may be open on one connection."""
    with connection.execute(statement, execution_options={"stream_results": True, "yield_per": _BATCH}) as rows:
        yield from rows
