"""Add the days whose bills are to be had, and find those that are due; an account's days are compared one by one."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.core.calendar import CHINA
from models.treasury.account_kind import AccountKind
from models.treasury.bill import KEPT, BillDay, last_day

_DAY = timedelta(days=1)
Accounts = Collection[str] | Select[tuple[str]]


def add_bill_days(db: Session, kind: AccountKind, accounts: Accounts, now: datetime) -> int:
    """Add a row for every day since the first order of each of these accounts of a kind that the channel still has.

    Returns how many rows are new.
    """
    last, oldest = last_day(now), now.astimezone(CHINA).date() - KEPT
    periods = kind.periods().subquery()
    known = select(BillDay.merchant, func.count().label("days")).where(BillDay.day.between(oldest, last))
    days = known.group_by(BillDay.merchant).subquery()
    each = select(periods, func.coalesce(days.c.days, 0).label("known"))
    each = each.outerjoin(days, days.c.merchant == periods.c.merchant).where(periods.c.merchant.in_(accounts))
    count = 0
    for account in db.execute(each).all():
        first = max(account.began.astimezone(CHINA).date(), oldest)
        end = min(last, account.until.astimezone(CHINA).date()) if account.until else last
        wanted = [first + n * _DAY for n in range((end - first).days + 1)]
        if account.known < len(wanted):
            count += _add(db, account.merchant, wanted, now)
    return count


def next_due_day(db: Session, accounts: Accounts, now: datetime) -> date | None:
    """Return the oldest due day of these accounts whose bill can still be fetched, or None."""
    oldest = now.astimezone(CHINA).date() - KEPT
    due = select(BillDay.day).where(BillDay.merchant.in_(accounts), BillDay.due_at <= now, BillDay.day >= oldest)
    return db.scalar(due.order_by(BillDay.day).limit(1))


def due_accounts(db: Session, accounts: Accounts, day: date, now: datetime) -> Sequence[str]:
    """List which of these accounts have this day due."""
    due = select(BillDay.merchant).where(BillDay.merchant.in_(accounts), BillDay.day == day, BillDay.due_at <= now)
    return db.scalars(due.order_by(BillDay.merchant)).all()


def _add(db: Session, merchant: str, days: Sequence[date], now: datetime) -> int:
    rows = [{"merchant": merchant, "day": day, "state": "wanted", "due_at": now} for day in days]
    new = insert(BillDay).values(rows).on_conflict_do_nothing(index_elements=["merchant", "day"])
    return len(db.scalars(new.returning(BillDay.day)).all())
