"""Work through a long list a page at a time: each page is a short transaction that also moves a cursor.

So another worker goes on where a killed one stopped. A run's row is locked for its page: of two workers one goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

Run = TypeVar("Run")


@dataclass(frozen=True, slots=True)
class Batch:
    """The ids of the rows that a page wrote, and whether it was the last. ``cursor``: of a run that keeps no row."""

    ids: Sequence[int]
    last: bool
    cursor: int = 0


def lock_run(db: Session, table: type[Run], number: int, state: str) -> Run | None:
    """Lock a run in this state; None where it is in another, or another worker has locked it."""
    columns: Any = table
    wanted = select(table).where(columns.id == number, columns.state == state)
    return db.scalar(wanted.with_for_update(skip_locked=True))


def batches(database: Engine, plan: Callable[[Session, int], Batch | None], most: int = 0) -> Iterator[Batch]:
    """Commit one page after another, and yield each after its commit, until the last. ``most``: 0 for all of them.

    ``plan``: writes the next page, given the cursor of the one before; None where this worker has nothing to do.
    """
    cursor = 0
    for _ in range(most) if most else count():
        with Session(database) as db, db.begin():
            page = plan(db, cursor)
        if page is not None:
            yield page
        if page is None or page.last:
            return
        cursor = page.cursor
