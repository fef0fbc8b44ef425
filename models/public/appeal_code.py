"""Keep the account's code of each appeal with a public page, and count how often it was scanned.

The page and the poster show one of WeChat's temporary codes, of which an account may have any number; it lives for
thirty days and is fetched anew before. What is printed carries the page's address instead, which stays.
Scans are counted for a day and an appeal: no person stands there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import CheckConstraint, Date, ForeignKey, Select, String, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base
from models.core.calendar import CHINA
from models.public.appeal_page import AppealPage, open_pages

# What a code's scene begins with; the appeal's number follows.
SCENE = "appeal_"
LASTS = timedelta(days=30)
# A code is shown while it lives so long at least: a saved picture is looked at for some days.
SHOWN_FOR = timedelta(days=7)
_RENEWED = SHOWN_FOR + timedelta(days=1)


class AppealCode(Base):
    """The temporary code of an appeal. ``address``: what the code says; ``ends_at``: when it stops working."""

    __tablename__ = "appeal_codes"
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), primary_key=True)
    address: Mapped[str] = mapped_column(String(300))
    ends_at: Mapped[datetime]


class CodeScans(Base):
    """The scans of an appeal's code on a day in China. ``follows``: how many of them followed the account."""

    __tablename__ = "code_scans"
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    scans: Mapped[int]
    follows: Mapped[int]

    __table_args__ = (CheckConstraint("follows BETWEEN 0 AND scans", name="follows_are_scans"),)


@dataclass(frozen=True, slots=True)
class Scans:
    """How often an appeal's code was scanned, ever, and how many people followed the account by it."""

    scans: int
    follows: int


def find_code(db: Session, number: int, now: datetime) -> str | None:
    """Return the address that the appeal's code says; None while there is none that lives long enough."""
    alive = (AppealCode.appeal_id == number) & (AppealCode.ends_at >= now + SHOWN_FOR)
    return db.scalar(select(AppealCode.address).where(alive))


def keep_code(db: Session, number: int, address: str, ends_at: datetime) -> None:
    """Keep a code that WeChat gave, instead of the one before."""
    new = insert(AppealCode).values(appeal_id=number, address=address, ends_at=ends_at)
    db.execute(new.on_conflict_do_update(index_elements=["appeal_id"], set_={"address": address, "ends_at": ends_at}))


def owed_codes(db: Session, now: datetime, most: int) -> Sequence[int]:
    """List the appeals whose page is open and that have no code, or one that is soon shown no more."""
    return db.scalars(_owed(now).limit(most)).all()


def is_owed(db: Session, number: int, now: datetime) -> bool:
    """Tell whether the appeal is one of them."""
    return db.scalar(_owed(now).where(AppealPage.appeal_id == number)) is not None


def count_scan(db: Session, number: int, now: datetime, *, follows: bool) -> None:
    """Count one scan of the appeal's code. ``follows``: the person follows the account by it."""
    day, more = now.astimezone(CHINA).date(), int(follows)
    new = insert(CodeScans).values(appeal_id=number, day=day, scans=1, follows=more)
    counts = {"scans": CodeScans.scans + 1, "follows": CodeScans.follows + more}
    db.execute(new.on_conflict_do_update(index_elements=["appeal_id", "day"], set_=counts))


def scans_of(db: Session, number: int) -> Scans:
    """Add up the scans of all days."""
    sums = select(func.coalesce(func.sum(CodeScans.scans), 0), func.coalesce(func.sum(CodeScans.follows), 0))
    return Scans(*map(int, db.execute(sums.where(CodeScans.appeal_id == number)).one()))


def _owed(now: datetime) -> Select[int]:
    pages = open_pages(now).outerjoin(AppealCode, AppealCode.appeal_id == AppealPage.appeal_id)
    dying = or_(AppealCode.ends_at.is_(None), AppealCode.ends_at < now + _RENEWED)
    return pages.where(dying).order_by(AppealPage.appeal_id)
