"""Keep the filings under which charities collect by crowdfunding, each for some days and on a named platform.

A filing is never changed: what was filed stands with the authority. A new plan is a new filing.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId
from models.core.calendar import CHINA
from models.core.refusal import Refusal
from models.organisations.charity import BadCharity, Charity, get_charity, read_line

LONGEST_NUMBER, LONGEST_WORDS = 40, 60


class NoFiling(Refusal):
    """The charity (``charity``) has no filing that is live from today to the appeal's last day (``deadline``).

    ``until``: the last day of its newest filing; None where it has none.
    """

    code = "no_filing"


class Filing(Base):
    """A filing of public fundraising (公开募捐方案备案). ``from_day``, ``to_day``: its first and last day in China."""

    __tablename__ = "filings"
    id: Mapped[RowId]
    charity_id: Mapped[int] = mapped_column(ForeignKey("charities.id"), index=True)
    number: Mapped[str] = mapped_column(String(LONGEST_NUMBER), unique=True)
    authority: Mapped[str] = mapped_column(String(LONGEST_WORDS))
    platform: Mapped[str] = mapped_column(String(LONGEST_WORDS))
    from_day: Mapped[date] = mapped_column(Date)
    to_day: Mapped[date] = mapped_column(Date)
    entered_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("from_day <= to_day", name="some_days"),
        # An appeal's filing is one of its charity's.
        UniqueConstraint("id", "charity_id"),
    )


def add_filing(
    db: Session,
    charity_id: int,
    number: str,
    authority: str,
    platform: str,
    days: tuple[date, date],
    now: datetime,
) -> Filing:
    """Enter a filing; ``days``: its first and last. Raises BadCharity."""
    charity = get_charity(db, charity_id, lock=True)
    number = read_line(number, LONGEST_NUMBER, "number")
    authority = read_line(authority, LONGEST_WORDS, "authority")
    platform = read_line(platform, LONGEST_WORDS, "platform")
    if days[0] > days[1]:
        raise BadCharity("the filing ends before it begins")
    if db.scalar(select(Filing.id).where(Filing.number == number)):
        raise BadCharity(f"the filing {number} was entered already")
    filing = Filing(
        charity_id=charity.id,
        number=number,
        authority=authority,
        platform=platform,
        from_day=days[0],
        to_day=days[1],
        entered_at=now,
    )
    db.add(filing)
    db.flush()
    record(db, at=now, actor="system", action="filed", subject="charity", subject_id=charity.id, detail=number)
    return filing


def filing_for(db: Session, charity: Charity, begins: datetime, deadline: datetime) -> Filing:
    """Choose the charity's filing that is live from ``begins`` to the deadline; of several the newest.

    Raises NoFiling.
    """
    found = find_filing(db, charity.id, begins, deadline)
    if found is None:
        until = db.scalar(select(func.max(Filing.to_day)).where(Filing.charity_id == charity.id))
        raise NoFiling(charity=charity.name, deadline=deadline, until=until)
    return found


def find_filing(db: Session, charity_id: int, begins: datetime, deadline: datetime) -> Filing | None:
    """Choose as ``filing_for`` does; None where there is none."""
    first, last = begins.astimezone(CHINA).date(), deadline.astimezone(CHINA).date()
    live = select(Filing).where(Filing.charity_id == charity_id, Filing.from_day <= first, Filing.to_day >= last)
    return db.scalar(live.order_by(Filing.from_day.desc(), Filing.id.desc()).limit(1))
