"""Fold the deltas of figures, a batch to a transaction, so that a killed process loses none and counts none twice.

What waits is counted whole, in one transaction.
"""

from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.figures.fold import BATCH, MOST_BATCHES, fold
from models.figures.waiting import count_waiting


def fold_all(database: Engine, batch: int = BATCH) -> int:
    """Fold what waits, up to some batches, and return how many deltas these were."""
    folded = 0
    for _ in range(MOST_BATCHES):
        with Session(database) as db, db.begin():
            count = fold(db, batch)
        folded += count
        if count < batch:
            break
    return folded


def count_all_waiting(database: Engine, now: datetime) -> None:
    """Count anew what waits."""
    with Session(database) as db, db.begin():
        count_waiting(db, now)
