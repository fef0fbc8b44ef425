"""Publish appeals, each with the charity and, for crowdfunding, the filing under which it collects."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, MACHINE, Appeal
from models.core.audit_trail import record
from models.core.calendar import end_of_day
from models.core.database import collects_money
from models.core.hooks import Hook
from models.core.state_machine import SYSTEM, WrongState
from models.organisations.charity import Charity, NoCharity, find_charity, place_of
from models.organisations.filing import filing_for, find_filing
from models.organisations.merchant import has_merchant
from models.people.own_account import account_of

# Called when an appeal has become public; the caller holds it.
on_published: Hook[[Session, Appeal, datetime], None] = Hook("appeals.publication.on_published")


def publish(db: Session, appeal: Appeal, now: datetime, charity: Charity | None = None) -> None:
    """Open an appeal for pledges, up to its last day: endorsed and, for crowdfunding, filed by the fund holder.

    ``charity``: the one whose fund holder filed it; None: the nearest that covers its place and, where money is
    collected, can take it, since an appeal keeps its charity. Raises WrongState, NoCharity or NoFiling.
    """
    if appeal.kind == "crowdfund" and appeal.state != "fund_holder_filed":
        raise WrongState(subject="appeal", state=appeal.state, wanted="funding")
    charity = charity or _nearest(db, appeal)
    account = account_of(db, appeal.owner_id)
    if not (charity and charity.collects and charity.covers(appeal.region_code, account)):
        raise NoCharity(place=place_of(db, appeal.region_code))
    if appeal.collect_days is not None:
        appeal.deadline = end_of_day(now, appeal.collect_days)
    appeal.charity_id = charity.id
    if appeal.kind == "crowdfund":
        appeal.filing_id = filing_for(db, charity, now, appeal.closes_at).id
    MACHINE.move(db, appeal, "funding", SYSTEM, now)
    appeal.published_at = now
    on_published(db, appeal, now)


def begin_to_collect(db: Session, now: datetime) -> int:
    """Find a charity, and for crowdfunding a filing, for each live appeal that has none. Returns how many began.

    Called by the command line when a charity or a filing came in: appeals from before there were charities lack them.
    """
    lacks = Appeal.charity_id.is_(None) | ((Appeal.kind == "crowdfund") & Appeal.filing_id.is_(None))
    published = Appeal.state.in_((*LIVE, "frozen")) & Appeal.published_at.is_not(None)
    live = select(Appeal).where(published, lacks).order_by(Appeal.id)
    return sum(_begin(db, appeal, now) for appeal in db.scalars(live.with_for_update()).all())


def _begin(db: Session, appeal: Appeal, now: datetime) -> bool:
    before = (appeal.charity_id, appeal.filing_id)
    if appeal.charity_id is None and (charity := _nearest(db, appeal)):
        appeal.charity_id = charity.id
    if appeal.charity_id is not None and appeal.kind == "crowdfund":
        filing = find_filing(db, appeal.charity_id, now, appeal.closes_at)
        appeal.filing_id = filing.id if filing else None
    if (appeal.charity_id, appeal.filing_id) == before:
        return False
    db.flush()
    record(db, at=now, actor="system", action="collector_found", subject="appeal", subject_id=appeal.id)
    return True


def filed_by(db: Session, appeal: Appeal) -> int | None:
    """Return the charity whose fund holders alone file it: that of its owner's account; None: any that covers it."""
    account = account_of(db, appeal.owner_id)
    found = find_charity(db, appeal.region_code, account, Charity.account.is_not(None))
    return found.id if found else None


def _nearest(db: Session, appeal: Appeal) -> Charity | None:
    """Choose the charity for its place and account, rather one that can take money where money is collected."""
    where = appeal.region_code, account_of(db, appeal.owner_id)
    payable = find_charity(db, *where, has_merchant()) if collects_money(db) else None
    return payable or find_charity(db, *where)
