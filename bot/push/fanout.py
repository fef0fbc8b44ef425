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

from models.fan_out import drop_stragglers, finish, live_ones, plan_page

log = structlog.get_logger()


class Hands(Protocol):
    """Who takes notices along: bot.jobs.Jobs."""

    def deliver(self, ids: Sequence[int], urgency: str = "push") -> None: ...


def go_on(database: Engine, jobs: Hands, now: datetime) -> int:
    """Take every live fan-out as far as it goes now. Returns how many notices were written."""
    with Session(database) as db, db.begin():
        numbers = live_ones(db)
        drop_stragglers(db, now)
    written = 0
    for number in numbers:
        try:
            written += _walk(database, jobs, number, now)
            with Session(database) as db, db.begin():
                finish(db, number, now)
        except Exception:  # whatever it is, the other fan-outs go on; the next round tries this one again
            log.exception("fan_out.failed", broadcast=number)
    return written


def _walk(database: Engine, jobs: Hands, number: int, now: datetime) -> int:
    written = 0
    while True:
        with Session(database) as db, db.begin():
            page = plan_page(db, number, now)
        if page is None:
            return written
        if page.ids:
            jobs.deliver(page.ids, "bulk")
        written += len(page.ids)
        if page.last:
            log.info("fan_out.planned", broadcast=number, notices=written)
            return written
