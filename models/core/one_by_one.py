"""Act on many rows in one transaction, each in a savepoint of its own."""

from collections.abc import Callable, Iterable

import structlog
from sqlalchemy.orm import Session

log = structlog.get_logger()


def act_on_each(
    db: Session, numbers: Iterable[int], act: Callable[[int], bool], sweep: str, most: int | None = None
) -> int:
    """Act on each row by its number, until ``most`` have changed; returns how many have.

    ``act`` tells whether it changed the row. One that fails is logged, with the name of the ``sweep``, and
    stops no other.
    """
    count = 0
    for number in numbers:
        if count == most:
            break
        try:
            with db.begin_nested():
                count += act(number)
        except Exception:  # of any kind: the others must still be acted on; logged
            log.exception("sweep.row_failed", sweep=sweep, number=number)
    return count
