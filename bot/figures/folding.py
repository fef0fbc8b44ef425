"""Fold the deltas of figures and of regions, a batch to a transaction, so that a killed process loses none and counts
none twice.

What waits is counted whole, in one transaction.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from models.figures.fold import BATCH, MOST_BATCHES, fold
from models.figures.waiting import count_waiting
from models.oversight.region_counts import fold_counts
from models.oversight.region_rows import recount_regions


def fold_all(database: Engine, batch: int = BATCH) -> int:
    """Fold what waits of the public figures, up to some batches, and return how many deltas these were."""
    return _fold(database, fold, batch)


def fold_regions(database: Engine, batch: int = BATCH) -> int:
    """Fold what waits of what officers read of their regions, in the same way."""
    return _fold(database, fold_counts, batch)


def _fold(database: Engine, some: Callable[[Session, int], int], batch: int) -> int:
    folded = 0
    for _ in range(MOST_BATCHES):
        with Session(database) as db, db.begin():
            count = some(db, batch)
        folded += count
        if count < batch:
            break
    return folded


def recount_all_regions(database: Engine) -> int:
    """Recount what is kept of the regions, and put right what differs; return how many counts did."""
    with database.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        return recount_regions(connection)


def count_all_waiting(database: Engine, now: datetime) -> None:
    """Count anew what waits."""
    with Session(database) as db, db.begin():
        count_waiting(db, now)
