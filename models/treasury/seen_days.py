"""Read how days stand against their bills, as far as an officer may see them: each by itself, or summed up."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.organisations.charity import Charity
from models.organisations.merchant import Merchant
from models.staff.member import Staff
from models.treasury.account_kind import AccountKind
from models.treasury.bill import BillDay
from models.treasury.discrepancy import Discrepancy


class NoSuchBillDay(Refusal):
    """``words`` name no day, or a day that has no bill row."""

    code = "no_such_bill_day"


@dataclass(frozen=True, slots=True)
class DaySum:
    """A day of all accounts of a kind. ``waiting``: how many are not compared yet; ``open``: discrepancies."""

    day: date
    accounts: int
    waiting: int
    paid_fen: int
    refunded_fen: int
    open: int


def latest_days(db: Session, staff: Staff, kind: AccountKind, most: int) -> Sequence[BillDay]:
    """List the newest days of the accounts of this kind that the member of staff may see."""
    theirs = select(BillDay).where(kind.of_staff(staff, BillDay.merchant))
    return db.scalars(theirs.order_by(BillDay.day.desc(), BillDay.merchant).limit(most)).all()


def days_of(db: Session, staff: Staff, kind: AccountKind, day: date) -> Sequence[BillDay]:
    """List the day's row of each account of this kind that the member of staff may see."""
    theirs = select(BillDay).where(BillDay.day == day, kind.of_staff(staff, BillDay.merchant))
    return db.scalars(theirs.order_by(BillDay.merchant)).all()


def sum_of_day(db: Session, staff: Staff, kind: AccountKind, day: date | None) -> DaySum | None:
    """Sum up a day, or without one the newest, of the accounts of this kind that the member of staff may see."""
    theirs = kind.of_staff(staff, BillDay.merchant)
    day = day or db.scalar(select(func.max(BillDay.day)).where(theirs))
    waits = func.count(case((BillDay.state != "compared", 1)))
    sums = select(func.count(), waits, func.sum(BillDay.paid_fen), func.sum(BillDay.refunded_fen))
    accounts, waiting, paid, refunded = db.execute(sums.where(BillDay.day == day, theirs)).one()
    if day is None or not accounts:
        return None
    open_ones = select(func.count()).where(Discrepancy.day == day, Discrepancy.state == "open")
    count = db.scalar(open_ones.where(kind.of_staff(staff, Discrepancy.merchant))) or 0
    return DaySum(day, accounts, waiting, int(paid), int(refunded), count)


def charities_by_merchant(db: Session, merchants: Collection[str]) -> dict[str, str]:
    """Map each merchant account to its charity's name; empty for one without a name."""
    own = select(Merchant.number, Charity.name).join(Charity, Charity.id == Merchant.charity_id)
    return {number: name or "" for number, name in db.execute(own.where(Merchant.number.in_(merchants)))}
