"""The job that erases a person, page by page; after a kill the sweep enqueues it again."""

from typing import TYPE_CHECKING

import structlog
from sqlalchemy.orm import Session

from bot.work.job import Job
from models.rights.erasure.erasure import forget_page

if TYPE_CHECKING:
    from bot.work.context import WorkerContext

log = structlog.get_logger()


def erase(context: "WorkerContext", erasure_id: int) -> None:
    """Let the rooms forget, each page in a transaction of its own, until all have."""
    done = False
    while not done:
        with Session(context.database) as db, db.begin():
            page = forget_page(db, erasure_id, context.clock())
        if page is None:
            return
        files, done = page
        if files:
            context.jobs.enqueue([("forget_photo", photo) for photo in files])
    log.info("erasure.done", erasure=erasure_id)


JOBS = {"erase": Job(erase, "slow", seconds=600)}
"""Slow jobs may be killed anywhere, and are begun anew."""
