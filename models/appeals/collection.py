"""Give published appeals the charity or the filing that they lack: those from before there were charities."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, Appeal
from models.core.audit_trail import record
from models.organisations.charity import find_charity
from models.organisations.filing import find_filing


def begin_to_collect(db: Session, now: datetime) -> int:
    """Find a charity, and for crowdfunding a filing, for each live appeal that has none. Returns how many began.

    Called by the command line when a charity or a filing came in; appeals that are published later have both.
    """
    lacks = Appeal.charity_id.is_(None) | ((Appeal.kind == "crowdfund") & Appeal.filing_id.is_(None))
    live = select(Appeal).where(Appeal.state.in_((*LIVE, "frozen")), lacks).order_by(Appeal.id)
    return sum(_begin(db, appeal, now) for appeal in db.scalars(live.with_for_update()).all())


def _begin(db: Session, appeal: Appeal, now: datetime) -> bool:
    before = (appeal.charity_id, appeal.filing_id)
    if appeal.charity_id is None and (charity := find_charity(db, appeal.region_code)):
        appeal.charity_id = charity.id
    if appeal.charity_id is not None and appeal.kind == "crowdfund":
        filing = find_filing(db, appeal.charity_id, now, appeal.closes_at)
        appeal.filing_id = filing.id if filing else None
    if (appeal.charity_id, appeal.filing_id) == before:
        return False
    db.flush()
    record(db, at=now, actor="system", action="collector_found", subject="appeal", subject_id=appeal.id)
    return True
