"""Define the job of the books."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.books.check import check_and_tell
from bot.books.export import export_ledger
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def check_books(context: "WorkerContext", _day: int) -> None:
    """Check the books, and publish the ledger, which is checked on its own as it is written."""
    check_and_tell(context.database.url, context.jobs.redis, context.clock())
    publish_ledger(context, context.clock())


def publish_ledger(context: "WorkerContext", now: datetime) -> None:
    """Export the ledger if a folder is configured. Raises NotTheLedger, so that the job is retried and then is dead."""
    if context.settings.export_dir:
        env = Renderer(load_lexicon().words).env
        export_ledger(context.database.url, Path(context.settings.export_dir), env, now)


# The books are read from end to end.
JOBS = {"check_books": Job(check_books, "slow", seconds=4 * 3600, backoff=(600,))}
