"""What time does to cases and tasks by itself, as the sweep finds it: each part in a short transaction of its own."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.disbursements.acquittal import look_after_accounts, look_after_receipts
from models.disbursements.surplus import look_after_left_over
from models.donors.receipt_desk import call_holders, let_go
from models.giving.funding import end_funding
from models.outreach.reporting_duty import remind
from models.payments.expiry import expire_pledges
from models.payments.refund_run_notices import tell_ended
from models.payments.shortfall import look_after_short
from models.staff.queue import escalate_overdue
from models.staff.suspension import end_terms, release_forgotten
from models.verification.lifecycle import end_notices, expire, wait_no_longer

log = structlog.get_logger()

PARTS: dict[str, Callable[[Session, datetime], int]] = {
    "registry_not_waited_for": wait_no_longer,
    "notices_ended": end_notices,
    "cases_expired": expire,
    "funding_ended": end_funding,
    "short_looked_after": look_after_short,
    "pledges_expired": expire_pledges,
    "receipts_looked_after": look_after_receipts,
    "left_over_looked_after": look_after_left_over,
    "accounts_looked_after": look_after_accounts,
    "updates_reminded": remind,
    "tasks_escalated": escalate_overdue,
    "receipts_let_go": let_go,
    "receipts_in_queues": call_holders,
    "refund_runs_told": tell_ended,
    "terms_ended": end_terms,
    "queues_released": release_forgotten,
}


def tend(database: Engine, now: datetime) -> None:
    """A part that fails changes nothing and keeps none of the others back: the next sweep tries again."""
    for name, part in PARTS.items():
        try:
            with Session(database) as db, db.begin():
                count = part(db, now)
        except Exception:  # whatever it is, the sweep has more to look after; logged with what it was
            log.exception("sweep.part_failed", part=name)
        else:
            if count:
                log.info("sweep.part_done", part=name, count=count)
