"""Write the monthly digest, a page of donors at a time.

Nothing is enqueued here: the sweep fills the workers' queue little by little, so that an emergency call
meanwhile does not wait behind all digests.
"""

from datetime import datetime

import structlog
from sqlalchemy import Engine

from models.core.batch_run import batches
from models.outreach.digest import month_before, write_page

log = structlog.get_logger()


def write_digests(database: Engine, month: int, now: datetime) -> int:
    """Write the month's digest (202610) for all who have none yet. Returns how many: 0 when a later month has ended."""
    if month != month_before(now):
        log.warning("digest.too_late", month=month)
        return 0
    written = sum(len(page.ids) for page in batches(database, lambda db, after: write_page(db, month, after, now)))
    log.info("digest.written", month=month, count=written)
    return written
