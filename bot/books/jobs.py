"""Define the job of the books."""

from typing import TYPE_CHECKING

import structlog

from bot.books.check import check_and_tell
from bot.books.publish import publish_ledger
from bot.figures.folding import recount_all_regions
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext

log = structlog.get_logger()


def check_books(context: "WorkerContext", _day: int) -> None:
    """Recount the regions, check the books, and publish the ledger, which is checked on its own as it is written."""
    if wrong := recount_all_regions(context.database):
        log.warning("regions.recounted", wrong=wrong)
    check_and_tell(context.database.url, context.jobs.redis, context.clock())
    # It raises where the ledger is not as it was sealed, so that the job is tried again and then is dead.
    publish_ledger(context.settings, Renderer(load_lexicon().words).env, context.clock())


# The books are read from end to end.
JOBS = {"check_books": Job(check_books, "slow", seconds=4 * 3600, backoff=(600,))}
