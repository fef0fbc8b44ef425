"""The job of the books."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.books.check import check_and_tell
from bot.books.export import export_ledger
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.errands import Errands


def check_books(errands: "Errands", _day: int) -> None:
    """And publish the ledger, which is proved on its own as it is written."""
    check_and_tell(errands.database.url, errands.jobs.redis, datetime.now(UTC))
    publish_ledger(errands, datetime.now(UTC))


def publish_ledger(errands: "Errands", now: datetime) -> None:
    """Where there is a folder for it. Raises NotTheLedger, so that the job is tried again, and dies."""
    if errands.settings.export_dir:
        env = Renderer(load_lexicon().words).env
        export_ledger(errands.database.url, Path(errands.settings.export_dir), env, now)


# The books are read from end to end.
JOBS = {"check_books": Job(check_books, "slow", seconds=4 * 3600, backoff=(600,))}
