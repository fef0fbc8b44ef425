"""Fan-outs go on: each is written a page of people at a time and handed to the workers, until everybody has theirs.

Safe to be called by several workers at once and to be killed anywhere: what a page wrote before the kill is owed, and
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

# So many pages at a time, that whoever calls hears of the end of its own work.
PAGES = 100


class Hands(Protocol):
    """Who takes notices along: bot.work.queues.Jobs."""

    def deliver(self, ids: Sequence[int], urgency: str = "push") -> None: ...


def go_on(database: Engine, jobs: Hands, now: datetime, most: int = PAGES) -> int:
    """Take every live fan-out up to ``most`` pages further. Returns how many pages that were."""
    with Session(database) as db, db.begin():
        numbers = live_ones(db)
        drop_stragglers(db, now)
    pages = 0
    for number in numbers:
        try:
            pages += _walk(database, jobs, number, now, most)
            with Session(database) as db, db.begin():
                finish(db, number, now)
        except Exception:  # whatever it is, the other fan-outs go on; the next round tries this one again
            log.exception("fan_out.failed", broadcast=number)
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
            log.info("fan_out.planned", broadcast=number)
            return pages + 1
    return most
