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

from models.notifications.broadcast import drop_stragglers, finish, live_ones, plan_page

log = structlog.get_logger()

# Pages per call, so that the caller gets control back.
PAGES = 100


class Hands(Protocol):
    """The part of bot.work.queues.JobQueues that enqueues notifications."""

    def deliver(self, ids: Sequence[int], urgency: str = "push") -> None: ...


def go_on(database: Engine, jobs: Hands, now: datetime, most: int = PAGES) -> int:
    """Continue every live broadcast by up to ``most`` pages. Returns how many pages were written."""
    with Session(database) as db, db.begin():
        numbers = live_ones(db)
        drop_stragglers(db, now)
    pages = 0
    for number in numbers:
        try:
            pages += _walk(database, jobs, number, now, most)
            with Session(database) as db, db.begin():
                finish(db, number, now)
        except Exception:  # whatever it is, the other broadcasts go on; the next job tries this one again
            log.exception("broadcast.failed", broadcast=number)
    return pages


def _walk(database: Engine, jobs: Hands, number: int, now: datetime, most: int) -> int:
    for pages in range(most):
        with Session(database) as db, db.begin():
            page = plan_page(db, number, now)
        if page is None:
            return pages
        if page.ids:
            jobs.deliver(page.ids, "bulk")
        if page.last:
            log.info("broadcast.planned", broadcast=number)
            return pages + 1
    return most
