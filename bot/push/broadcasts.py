"""Continue broadcasts: write each a page of people at a time and hand it to the workers, until it is complete.

Safe to be called by several workers at once and to be killed anywhere: what a page wrote before a kill is owed, and
the sweep finds it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.core.batch_run import batches
from models.notifications.broadcast import drop_stragglers, finish_broadcast, live_broadcasts, plan_page

log = structlog.get_logger()

# Pages per call, so that the caller gets control back.
PAGES = 100


class NotificationQueue(Protocol):
    """The part of bot.work.queues.JobQueues that enqueues notifications."""

    def deliver(self, ids: Sequence[int], urgency: str = "push") -> None: ...


def continue_broadcasts(database: Engine, jobs: NotificationQueue, now: datetime, most: int = PAGES) -> int:
    """Continue every live broadcast by up to ``most`` pages. Returns how many pages were written."""
    with Session(database) as db, db.begin():
        numbers = live_broadcasts(db)
        drop_stragglers(db, now)
    pages = 0
    for number in numbers:
        try:
            pages += _walk(database, jobs, number, now, most)
            with Session(database) as db, db.begin():
                finish_broadcast(db, number, now)
        except Exception:  # whatever it is, the other broadcasts go on; the next job tries this one again
            log.exception("broadcast.failed", broadcast=number)
    return pages


def _walk(database: Engine, jobs: NotificationQueue, number: int, now: datetime, most: int) -> int:
    pages = 0
    for page in batches(database, lambda db, _: plan_page(db, number, now), most):
        pages += 1
        if page.ids:
            jobs.deliver(page.ids, "bulk")
        if page.last:
            log.info("broadcast.planned", broadcast=number)
    return pages
