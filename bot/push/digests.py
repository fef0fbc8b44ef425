"""The monthly digest is written a page of donors at a time.

Nothing is handed to the workers here: the sweep fills their queue and never heaps it, so that a call
that comes meanwhile has not everybody's digest before it.
"""

from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.outreach.digest import month_before, write_page

log = structlog.get_logger()


def write_digests(database: Engine, month: int, now: datetime) -> int:
    """To everybody who has none of this month yet. Returns how many it wrote: none when another month is over too."""
    if month != month_before(now):
        log.warning("digest.too_late", month=month)
        return 0
    cursor, written, last = 0, 0, False
    while not last:
        with Session(database) as db, db.begin():
            page = write_page(db, month, cursor, now)
        cursor, last = page.cursor, page.last
        written += page.written
    log.info("digest.written", month=month, count=written)
    return written
